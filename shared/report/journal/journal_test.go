package journal

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

const link = "https://app.example.com/api/reports/c-1?exp=1800000000&sig=v1.abc-_"

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		short, long := Short(r, link), Long(r, link)
		reporttest.Golden(t, name+".short.txt", []byte(short))
		reporttest.Golden(t, name+".txt", []byte(long))
		if lines := strings.Count(short, "\n"); lines != 3 || !strings.Contains(short, link) {
			t.Errorf("%s: the short form has %d lines:\n%s", name, lines, short)
		}
		if strings.Contains(strings.ToLower(short+long), "[code") {
			t.Errorf("%s: it could turn into HTML", name)
		}
		if len(long) > 32_000 {
			t.Errorf("%s: %d bytes", name, len(long))
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"check orders-1 [x]":            "check orders-1 [x]\n",
		"[code]<b>[/code]":              "[\u2060code]<b>[\u2060/code]\n",
		"[CODE]":                        "[\u2060CODE]\n",
		"two\nlines *and* [a|b] {code}": "two lines *and* [a|b] {code}\n",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}
