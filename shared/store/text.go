package store

import "strings"

// Tables measure texts in UTF-16 code units, 32,768 to a column; Go measures bytes. The service's page speaks of 64 KiB.

// units is the length of a text in UTF-16 code units.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += width(r)
	}
	return n
}

// fits tells whether a text has at most limit code units. It never has more than bytes, so most need no counting.
func fits(text string, limit int) bool { return len(text) <= limit || units(text) <= limit }

func width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// chunks splits a text into pieces of at most limit code units, never within a character, so that no piece holds half a
// surrogate pair. An empty text is one empty piece.
func chunks(text string, limit int) []string {
	if len(text) <= limit {
		return []string{text}
	}
	var pieces []string
	begin, n := 0, 0
	for i, r := range text {
		if n+width(r) > limit {
			pieces = append(pieces, text[begin:i])
			begin, n = i, 0
		}
		n += width(r)
	}
	return append(pieces, text[begin:])
}

// cut shortens a text to at most limit code units and shows that it did. Invalid UTF-8 becomes U+FFFD.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if fits(text, limit) {
		return text
	}
	return chunks(text, limit-1)[0] + "…"
}
