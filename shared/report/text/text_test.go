package text

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func write(t *testing.T, r report.Report, o Options) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, r, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		got := write(t, r, Options{})
		reporttest.Golden(t, name+".txt", []byte(got))
		if stored := write(t, reporttest.Stored(t, r), Options{}); stored != got && name != "hostile" {
			t.Errorf("%s: a stored report reads otherwise:\n%s", name, stored)
		}
	}
}

// Whatever a server says, the terminal is told nothing but letters and our own colours.
func TestHostileText(t *testing.T) {
	t.Parallel()
	plain := write(t, reporttest.Hostile(), Options{})
	forbidden := func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }
	if strings.ContainsFunc(plain, forbidden) || !utf8.ValidString(plain) {
		t.Errorf("left: %q", plain)
	}
	colored := write(t, reporttest.Hostile(), Options{Color: true})
	for _, color := range []string{"0", bold, dim, red, green, yellow, cyan} {
		colored = strings.ReplaceAll(colored, "\x1b["+color+"m", "")
	}
	if strings.ContainsFunc(colored, forbidden) {
		t.Errorf("left in colour: %q", colored)
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	r := reporttest.Broken()
	for _, f := range r.Findings {
		// Commands are not wrapped: they are to be copied.
		f.Remedy[0].Command = ""
		for i := range f.Causes {
			f.Causes[i].Confirm = ""
		}
	}
	for line := range strings.Lines(write(t, r, Options{Width: 80})) {
		if length := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); length > 80 {
			t.Errorf("%d columns: %s", length, line)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	if err := Write(full{}, reporttest.Ready(), Options{}); err == nil {
		t.Error("no error")
	}
}
