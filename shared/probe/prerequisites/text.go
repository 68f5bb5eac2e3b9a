package prerequisites

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is enough for a qualified name of three parts. Settings that are lists are longer, see maxSetting.
const (
	maxText    = 256
	maxSetting = 8 << 10
)

// Text is a peer's text as it comes out of JSON: at most 256 bytes, without control and invisible formatting
// characters. A table's name may hold any of them.
type Text string

// UnmarshalText implements encoding.TextUnmarshaler, for values and for keys.
func (t *Text) UnmarshalText(raw []byte) error {
	*t = Text(clean(maxText, string(raw)))
	return nil
}

// Setting is the value of a server setting, at most 8 KiB.
type Setting string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Setting) UnmarshalText(raw []byte) error {
	*s = Setting(clean(maxSetting, string(raw)))
	return nil
}

func clean(limit int, text string) string {
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
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			piece = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(piece) > limit {
			break
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

func plain(texts []Text) []string {
	list := make([]string, 0, len(texts))
	for _, t := range texts {
		list = append(list, string(t))
	}
	return list
}
