package markdown

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
		reporttest.Golden(t, name+".short.md", []byte(short))
		reporttest.Golden(t, name+".md", []byte(long))
		stored := reporttest.Stored(t, r)
		if name != "hostile" && (Short(stored, link) != short || Long(stored, link) != long) {
			t.Errorf("%s: a stored report reads otherwise", name)
		}
		if lines := strings.Count(short, "\n"); lines != 3 {
			t.Errorf("%s: the short form has %d lines:\n%s", name, lines, short)
		}
		if strings.Count(Short(r, ""), "\n") != 2 || strings.Contains(Long(r, ""), "Report:") {
			t.Errorf("%s: without a link: %s", name, Short(r, ""))
		}
		// Jira, the narrowest, takes 32,767 characters.
		if len(long) > 32_000 {
			t.Errorf("%s: %d bytes", name, len(long))
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"orders-db.corp.example:5432 snake_case": "orders-db.corp.example:5432 snake_case",
		"<b>&lt;":                                `\<b\>\&lt;`,
		"a|b":                                    `a\|b`,
		"`x` ``":                                 "\\`x\\` \\`\\`",
		"**b** _i_ ~~s~~":                        `\*\*b\*\* \_i\_ \~\~s\~\~`,
		"![p](x)":                                `!\[p\](x)`,
		`C:\dir`:                                 `C:\\dir`,
		"@admin (@team) a@b.example":             "@\u2060admin (@\u2060team) a@b.example",
		"https://evil.example WWW.evil.example":  "https:\u2060//evil.example WWW.\u2060evil.example",
		"see #12, # one":                         "see #\u206012, # one",
		"$x$":                                    `\$x\$`,
		`no pg_hba.conf entry for host "10.1.2.4"`: `no pg_hba.conf entry for host "10.1.2.4"`,
		"Zertifikat ungültig für „orders“, 連接被拒絕":  "Zertifikat ungültig für „orders“, 連接被拒絕",
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStartOfLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"# h": `\# h`, "- i": `\- i`, "+ i": `\+ i`, "---": `\---`, "===": `\===`, "1. i": `1\. i`, "12) i": `12\) i`,
		"10.9.0.5:5432 answered": "10.9.0.5:5432 answered", "    code": "code", "> q": `\> q`, "": "",
	} {
		if got := line([]ticket.Span{{Kind: ticket.Plain, Text: in}}); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCodeEndsWhereWeEndIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a": "`a`", "a`b": "``a`b``", "```": "```` ``` ````", "`": "`` ` ``"} {
		if got := code(in); got != want {
			t.Errorf("code(%q) = %q, want %q", in, got, want)
		}
	}
	w := &writer{}
	w.Code([]string{"```", "<b>", "`````"})
	if got, want := w.b.String(), "``````\n```\n<b>\n`````\n``````\n\n"; got != want {
		t.Errorf("code block %q, want %q", got, want)
	}
	w = &writer{}
	w.Table([]string{"a"}, [][]ticket.Span{{{Kind: ticket.Mono, Text: "x|y"}}, {{Kind: ticket.Plain, Text: "x|y"}}})
	if got, want := w.b.String(), "| a |\n| --- |\n| `x\\|y` |\n| x\\|y |\n\n"; got != want {
		t.Errorf("table %q, want %q", got, want)
	}
}

// Outside of code no mark-up of the hostile text is left, and no line begins with something of it.
func TestHostileText(t *testing.T) {
	t.Parallel()
	fenced := ""
	for text := range strings.Lines(Long(reporttest.Hostile(), link)) {
		text = strings.TrimSuffix(text, "\n")
		if strings.ContainsFunc(text, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Errorf("left: %q", text)
		}
		if fenced != "" || strings.HasPrefix(text, "```") {
			if fenced == "" {
				fenced = text
			} else if text == fenced {
				fenced = ""
			}
			continue
		}
		for _, part := range outsideCode(text) {
			for _, mark := range []string{"<script", "<img", "<b>", "](", "@admin", "https://evil", "www.evil",
				"``", " **bold**"} {
				if at := strings.Index(part, mark); at >= 0 && (at == 0 || part[at-1] != '\\') {
					t.Errorf("%q is left in %q", mark, part)
				}
			}
		}
	}
	if fenced != "" {
		t.Error("a code block does not end")
	}
}

// outsideCode gives what is not between runs of backticks of one length.
func outsideCode(text string) []string {
	var out []string
	for {
		start := strings.Index(text, "`")
		for start > 0 && text[start-1] == '\\' {
			next := strings.Index(text[start+1:], "`")
			if next < 0 {
				start = -1
				break
			}
			start += 1 + next
		}
		if start < 0 {
			return append(out, text)
		}
		run := len(text[start:]) - len(strings.TrimLeft(text[start:], "`"))
		end := strings.Index(text[start+run:], text[start:start+run])
		if end < 0 {
			return append(out, text)
		}
		out = append(out, text[:start])
		text = text[start+run+end+run:]
	}
}
