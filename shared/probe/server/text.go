package server

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const maxText = 4 << 10

// clean makes a server's text fit for a log and a page: valid UTF-8, at most 4 KiB, control and invisible formatting
// characters escaped. Line ends are kept as \n: libpq writes one line for each address it tried.
func clean(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		piece := string(r)
		switch {
		case r == '\n' || r == '\t':
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			piece = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(piece) > maxText {
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}

// listed tells whether azure.extensions allows dblink.
func listed(setting string) bool {
	return slices.ContainsFunc(strings.Split(setting, ","), func(name string) bool {
		return strings.EqualFold(strings.TrimSpace(name), "dblink")
	})
}
