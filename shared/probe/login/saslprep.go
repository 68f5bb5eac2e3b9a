package login

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// saslprep prepares a password as PostgreSQL does (RFC 4013), both when it stores one and in libpq: one that the
// profile forbids is used as it is. PRECIS, its successor, normalises by NFC instead of NFKC and would turn a right password
// with, say, a ligature into a wrong one.
func saslprep(password string) string {
	if !utf8.ValidString(password) {
		return password
	}
	ascii := strings.IndexFunc(password, func(r rune) bool { return r > unicode.MaxASCII }) < 0
	prepared := norm.NFKC.String(strings.Map(mapped, password))
	if ascii || prepared == "" || strings.IndexFunc(prepared, prohibited) >= 0 || !directionFits(prepared) {
		return password
	}
	return prepared
}

// mapped is step 1: spaces other than ASCII's become spaces (table C.1.2), some characters nothing (table B.1).
func mapped(r rune) rune {
	switch {
	case in(r, 0x00A0, 0x00A0, 0x1680, 0x1680, 0x2000, 0x200B, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000):
		return ' '
	case in(r, 0x00AD, 0x00AD, 0x034F, 0x034F, 0x1806, 0x1806, 0x180B, 0x180D, 0x200C, 0x200D, 0x2060, 0x2060,
		0xFE00, 0xFE0F, 0xFEFF, 0xFEFF):
		return -1
	}
	return r
}

// prohibited is step 3 (tables C.2 to C.9). Code points that Unicode 3.2 had not assigned are forbidden too; of those
// only the planes of pictographs are told here, which is what people put into passwords.
func prohibited(r rune) bool {
	return r < 0x20 || in(r, 0x7F, 0x9F, 0x06DD, 0x06DD, 0x070F, 0x070F, 0x180E, 0x180E, 0x200C, 0x200F, 0x2028, 0x202E,
		0x2060, 0x2063, 0x206A, 0x206F, 0x0340, 0x0341, 0x2FF0, 0x2FFB, 0xD800, 0xF8FF, 0xFDD0, 0xFDEF, 0xFEFF, 0xFEFF,
		0xFFF9, 0xFFFF, 0x1D173, 0x1D17A, 0x1F000, 0x1FFFF, 0x2FFFE, 0x2FFFF, 0xE0000, 0x10FFFF)
}

// directionFits is step 4: text with right-to-left letters has no left-to-right ones, and begins and ends with them.
func directionFits(text string) bool {
	if strings.IndexFunc(text, rightToLeft) < 0 {
		return true
	}
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	return strings.IndexFunc(text, leftToRight) < 0 && rightToLeft(first) && rightToLeft(last)
}

func rightToLeft(r rune) bool {
	class := direction(r)
	return class == bidi.R || class == bidi.AL
}

func leftToRight(r rune) bool { return direction(r) == bidi.L }

func direction(r rune) bidi.Class {
	properties, _ := bidi.LookupRune(r)
	return properties.Class()
}

// in tells whether r is in one of the ranges, given as pairs of first and last.
func in(r rune, ranges ...rune) bool {
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] <= r && r <= ranges[i+1] {
			return true
		}
	}
	return false
}
