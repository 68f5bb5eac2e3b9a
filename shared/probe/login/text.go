package login

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a peer's text fit for a log, a table and a page: at most 4 KiB, valid UTF-8, control and invisible
// formatting characters escaped. Servers with another encoding than UTF-8 send their login errors unconverted.
func clean(text string) string { return cleanTo(maxText, text) }

func cleanTo(limit int, text string) string {
	if len(text) <= limit && isPlain(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		piece := text[:size]
		switch {
		case r == utf8.RuneError && size == 1:
			piece = fmt.Sprintf(`\x%02x`, text[0])
		case r == '\n':
			piece = `\n`
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			piece = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(piece) > limit {
			return b.String()
		}
		b.WriteString(piece)
		text = text[size:]
	}
	return b.String()
}

// isPlain tells whether a text is printable ASCII, as nearly all of them are.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}

// peerErrorFields decodes an ErrorResponse or NoticeResponse: fields of a type byte and a terminated string, ended by
// a zero byte. ok is false where the body does not keep to that.
func peerErrorFields(body []byte) (e ServerError, ok bool) {
	rest := string(body)
	for rest != "" && rest[0] != 0 {
		value, after, terminated := strings.Cut(rest[1:], "\x00")
		if !terminated {
			return e, false
		}
		e.set(rest[0], clean(value))
		rest = after
	}
	return e, rest == "\x00"
}

// set takes one field. V wins over S, which is localised.
func (e *ServerError) set(field byte, value string) {
	switch field {
	case 'S':
		if e.Severity == "" {
			e.Severity = value
		}
	case 'V':
		e.Severity = value
	case 'C':
		e.SQLState = value
	case 'M':
		e.Message = value
	case 'D':
		e.Detail = value
	case 'H':
		e.Hint = value
	case 'F':
		e.File = value
	case 'L':
		if n, err := fmt.Sscan(value, &e.Line); n != 1 || err != nil {
			e.Line = 0
		}
	case 'R':
		e.Routine = value
	}
}
