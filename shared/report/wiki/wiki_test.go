package wiki

import (
	"strings"
	"testing"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/report/ticket"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

const link = "https://app.example.com/api/reports/c-1?exp=1800000000&sig=v1.abc-_"

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		short, long := Short(r, link), Long(r, link)
		reporttest.Golden(t, name+".short.wiki", []byte(short))
		reporttest.Golden(t, name+".wiki", []byte(long))
		stored := reporttest.Stored(t, r)
		if name != "hostile" && (Short(stored, link) != short || Long(stored, link) != long) {
			t.Errorf("%s: a stored report reads otherwise", name)
		}
		if lines := strings.Count(short, "\n"); lines != 3 {
			t.Errorf("%s: the short form has %d lines:\n%s", name, lines, short)
		}
		if len(long) > 32_000 {
			t.Errorf("%s: %d bytes, Jira takes 32,767 characters", name, len(long))
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"orders-db.corp.example:5432 snake_case": "orders-db.corp.example:5432 snake_case",
		"{code} {html}<b>":                       `\{code\} \{html\}<b>`,
		"[a|http://evil.example]":                "\\[a\\|http:\u2060//evil.example\\]",
		"[~admin] [^file] @admin a@b.example":    `\[\~admin\] \[\^file\] \@admin a@b.example`,
		"!pic.png!":                              `\!pic.png\!`,
		"*b* _i_ -d- +u+ ??c?? ^s^ ~s~":          `\*b\* \_i\_ \-d\- \+u\+ \?\?c\?\? \^s\^ \~s\~`,
		"az x --name y":                          `az x \-\-name y`,
		`C:\dir\\x`:                              `C:&#92;dir&#92;&#92;x`,
		"&lt;":                                   "&amp;lt;",
		"(y) (off) (likely) (3)":                 `\(y) \(off) (likely) (3)`,
		"||h||":                                  `\|\|h\|\|`,
		"www.evil.example":                       "www.\u2060evil.example",
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStartOfLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"h1. big": "h1&#46; big", "bq. q": "bq&#46; q", "* i": `\* i`, "# i": `\# i`, "- i": `\- i`, "|c|": `\|c\|`,
		"h7. no": "h7. no", "{quote}": `\{quote\}`, "10.9.0.5 answered": "10.9.0.5 answered",
	} {
		if got := line([]ticket.Span{{Kind: ticket.Plain, Text: in}}); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCodeEndsWhereWeEndIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"az x":                "{noformat}\naz x\n{noformat}\n\n",
		"a {code} b":          "{noformat}\na {code} b\n{noformat}\n\n",
		"a {NoFormat} b":      "{code}\na {NoFormat} b\n{code}\n\n",
		"{noformat} {code:x}": "{code}\n{\u2060noformat} {\u2060code:x}\n{code}\n\n",
	} {
		w := &writer{}
		w.Code([]string{in})
		if got := w.b.String(); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
	w := &writer{}
	w.Table([]string{"a", "b"}, [][]ticket.Span{{{Kind: ticket.Mono, Text: "x|y"}, {Kind: ticket.Plain}}})
	if got, want := w.b.String(), "||a||b||\n|{{x\\|y}}| |\n\n"; got != want {
		t.Errorf("table %q, want %q", got, want)
	}
}

// Every brace, bracket and bar of the hostile text has its backslash, but for those in code, which cannot end it.
func TestHostileText(t *testing.T) {
	t.Parallel()
	long := Long(reporttest.Hostile(), link)
	if strings.ContainsFunc(long, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	}) {
		t.Errorf("left: %q", long)
	}
	parts := strings.Split(long, "{code}\n")
	if len(parts) != 3 {
		t.Fatalf("%d parts around one block of code", len(parts))
	}
	for _, text := range []string{parts[0], parts[2]} {
		for _, mark := range []string{"{code}", "{noformat}", "{html}", "{color", "[text]", "[~admin]", "[evil", "!pic.png!",
			"@admin", "https://evil", "www.evil", "*bold*", "| cell", "|| head"} {
			rest := text
			for at := strings.Index(rest, mark); at >= 0; at = strings.Index(rest, mark) {
				if at == 0 || rest[at-1] != '\\' {
					t.Fatalf("%q is left in %q", mark, rest[max(0, at-40):at+20])
				}
				rest = rest[at+1:]
			}
		}
	}
}
