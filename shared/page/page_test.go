package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

// elements are those of a document, in its order.
func elements(t *testing.T, document []byte) []*html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			out = append(out, n)
		}
	}
	return out
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return out.String()
}

// harmless are the elements that a page is made of. None of them runs or loads anything, but for the link of the icon.
const harmless = " html head meta title link style body a svg symbol circle path rect use header div span nav ul li main " +
	"footer p section article h1 h2 h3 h4 strong code pre dl dt dd ol details summary time line g text desc "

// Every page holds for itself: nothing is loaded, nothing runs, and its policy allows no more than its own style.
func TestPagesAreSelfContained(t *testing.T) {
	t.Parallel()
	for name, p := range samples(t) {
		styles := 0
		for _, n := range elements(t, p.HTML) {
			if !strings.Contains(harmless, " "+n.Data+" ") {
				t.Errorf("%s: <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if wrong := attributeFault(n.Data, a.Key, a.Val); wrong != "" {
					t.Errorf("%s: <%s %s=%.60q> %s", name, n.Data, a.Key, a.Val, wrong)
				}
			}
			if n.Data == "style" {
				styles++
				checkStyle(t, name, text(n), p.Policy)
			}
			if attribute(n, "http-equiv") == "Content-Security-Policy" &&
				attribute(n, "content")+"; frame-ancestors 'none'" != p.Policy {
				t.Errorf("%s: policy within %q, beside %q", name, attribute(n, "content"), p.Policy)
			}
		}
		if styles != 1 || !strings.HasPrefix(p.Policy, "default-src 'none'; style-src 'sha256-") ||
			!strings.Contains(p.Policy, "form-action 'none'") || strings.Contains(p.Policy, "unsafe") {
			t.Errorf("%s: %d styles, policy %q", name, styles, p.Policy)
		}
	}
}

func attributeFault(element, key, value string) string {
	isLink := element == "a" && key == "href"
	switch {
	case strings.HasPrefix(key, "on") || key == "style" || key == "srcdoc":
		return "runs or styles"
	case isLink && !strings.HasPrefix(value, "#") && !strings.HasPrefix(value, "https://"):
		return "leads to no web address"
	case element == "use" && !strings.HasPrefix(value, "#"), element == "link" && key == "href" && !strings.HasPrefix(value, "data:image/"):
		return "loads something"
	case key == "src" || key == "action" || key == "formaction" || key == "ping":
		return "is not expected at all"
	}
	return ""
}

func checkStyle(t *testing.T, name, style, policy string) {
	t.Helper()
	sum := sha256.Sum256([]byte(style))
	if digest := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, digest) {
		t.Errorf("%s: the policy does not have the style's digest %s: %s", name, digest, policy)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") || strings.Contains(style, "ZgotmplZ") {
		t.Errorf("%s: the style loads something", name)
	}
}

func TestPagesAreInOrder(t *testing.T) {
	t.Parallel()
	for name, p := range samples(t) {
		ids, level, labels := map[string]bool{}, 0, []string{}
		for _, n := range elements(t, p.HTML) {
			if id := attribute(n, "id"); id != "" && ids[id] {
				t.Errorf("%s: id %s stands twice", name, id)
			} else if id != "" {
				ids[id] = true
			}
			labels = append(labels, strings.Fields(attribute(n, "aria-labelledby"))...)
			if anchor, is := strings.CutPrefix(attribute(n, "href"), "#"); is {
				labels = append(labels, anchor)
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				is, _ := strconv.Atoi(n.Data[1:])
				if is > level+1 {
					t.Errorf("%s: heading %d after %d: %s", name, is, level, text(n))
				}
				level = is
			}
		}
		for _, id := range labels {
			if !ids[id] {
				t.Errorf("%s: there is no id %s", name, id)
			}
		}
		if !bytes.Contains(p.HTML, []byte(`<html lang="en">`)) || !utf8.Valid(p.HTML) {
			t.Errorf("%s: no language, or not UTF-8", name)
		}
	}
}

// What a server says is shown, and nothing of it does anything.
func TestHostileText(t *testing.T) {
	t.Parallel()
	r := reporttest.Hostile()
	r.Headline += " {{.Request}} {{template \"body\"}} </style></title></textarea><!--"
	p := must(t)(page.New().Report(page.ReportInput{Report: r, Previous: &r, Link: "javascript:alert(1)",
		Trail: []page.Link{{Text: reporttest.Poison(), Address: "javascript:alert(5)"}}}))
	acts := func(r rune) bool {
		return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Co, r))
	}
	if at := bytes.IndexFunc(p.HTML, acts); at >= 0 {
		t.Errorf("left: %q", p.HTML[max(0, at-40):at+10])
	}
	whole := ""
	for _, n := range elements(t, p.HTML) {
		if !strings.Contains(harmless, " "+n.Data+" ") {
			t.Errorf("<%s>", n.Data)
		}
		if href := attribute(n, "href"); n.Data == "a" && !strings.HasPrefix(href, "#") {
			t.Errorf("a link to %q", href)
		}
		if attribute(n, "class") == "headline" {
			whole = text(n)
		}
	}
	for _, want := range []string{"<script>alert(1)</script>", "&amp;", "{{.Request}}", `{{template "body"}}`, "<!--", "\uFFFD[31mred"} {
		if !strings.Contains(whole, want) {
			t.Errorf("%q is not shown in %q", want, whole)
		}
	}
}

// 300 findings are one thing to know, and the page stays small enough for a telephone.
func TestManyFindings(t *testing.T) {
	t.Parallel()
	p := must(t)(page.New().Report(page.ReportInput{Report: reporttest.Large()}))
	findings, others := 0, 0
	for _, n := range elements(t, p.HTML) {
		class := strings.Fields(attribute(n, "class"))
		if slices.Contains(class, "finding") {
			findings++
		}
		if slices.Contains(class, "more") {
			others = strings.Count(text(n), "has no primary key")
		}
	}
	if findings != 3 || others != 297 {
		t.Errorf("%d findings, %d others", findings, others)
	}
	if got := bytes.Count(p.HTML, []byte("REPLICA IDENTITY FULL")); got != 299 {
		t.Errorf("%d commands, want one in its finding and all 298 together", got)
	}
	if most := 128 << 10; len(p.HTML) > most {
		t.Errorf("%d bytes, at most %d", len(p.HTML), most)
	}
}

func BenchmarkLarge(b *testing.B) {
	pages, r := page.New(), reporttest.Large()
	for b.Loop() {
		p, err := pages.Report(page.ReportInput{Report: r})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(p.HTML)), "bytes")
	}
}

func TestReportSays(t *testing.T) {
	t.Parallel()
	before := reporttest.Ready()
	tests := []struct {
		sample string
		want   []string
		not    []string
	}{
		{"broken", []string{"Not ready: orders-db – pgpreflight", "<strong>Source network team</strong> must act",
			"also to act: target database administrator", "first broken", "603000", "was ready, is not ready",
			"Source: breaks at network", "Target: breaks at login", "<span>--port</span> 5432 <span>--cidr</span> 10.1.2.0/24", "perhaps not done:",
			"1 of 4 steps", "2026-11-22 07:00:01 UTC", "run the same request again", "&amp;format=md"}, nil},
		{"ready", []string{"Ready: orders-db", "Source: open as far as it was walked", "Nothing: the same verdict"},
			[]string{"must act", "Must be fixed"}},
		{"warned", []string{"<strong>Source database administrator</strong> should know", "Information"}, []string{"must act:"}},
		{"unsupported", []string{"Unsupported", "Row 7", "not supported", "Nothing was probed"}, []string{"layer by layer"}},
		{"rejected", []string{"Rejected: orders-rejected", "Correct the field"}, []string{"Scenario</h2>", "Changed since"}},
		{"inconclusive", []string{"Target: not finished at login", "says nothing about the servers"}, nil},
	}
	for _, test := range tests {
		r := reporttest.Samples()[test.sample]
		in := page.ReportInput{Report: reporttest.Stored(t, r), Link: "https://app.example.com/r?exp=1&sig=2"}
		if r.Route != "" {
			in.Previous = &before
		}
		document := string(must(t)(page.New().Report(in)).HTML)
		for _, want := range test.want {
			if !strings.Contains(document, want) {
				t.Errorf("%s: %q is missing", test.sample, want)
			}
		}
		for _, not := range test.not {
			if strings.Contains(document, not) {
				t.Errorf("%s: %q is there", test.sample, not)
			}
		}
	}
}

// A report read back from the store makes the same page, and so does Pages without New.
func TestSamePage(t *testing.T) {
	t.Parallel()
	pages := page.New()
	for name, r := range reporttest.Samples() {
		fresh := must(t)(pages.Report(page.ReportInput{Report: r}))
		stored := must(t)(page.Pages{}.Report(page.ReportInput{Report: reporttest.Stored(t, r)}))
		if !bytes.Equal(fresh.HTML, stored.HTML) && name != "hostile" {
			t.Errorf("%s: differs", name)
		}
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	pages := page.New()
	waiting := string(must(t)(pages.Notice(page.Waiting("c-1", "queued", 5))).HTML)
	if !strings.Contains(waiting, `<meta http-equiv="refresh" content="5">`) || !strings.Contains(waiting, "Check c-1 is queued") {
		t.Errorf("%s", waiting)
	}
	still := string(must(t)(pages.Notice(page.Notice{Title: "Still", Text: []string{"a", "b"}, Tone: page.Warn})).HTML)
	if strings.Contains(still, `http-equiv="refresh"`) || !strings.Contains(still, "<p>b</p>") {
		t.Errorf("%s", still)
	}
}

// Evidence that nobody could read on a page is cut; the page says so.
func TestLargeEvidence(t *testing.T) {
	t.Parallel()
	r := reporttest.Ready()
	r.Legs[0].Layers[0].Observation = map[string]any{"text": strings.Repeat("ü", 200_000)}
	p := must(t)(page.New().Report(page.ReportInput{Report: r}))
	if len(p.HTML) > 128<<10 || !bytes.Contains(p.HTML, []byte("the JSON form of the report has the whole")) ||
		!utf8.Valid(p.HTML) {
		t.Errorf("%d bytes", len(p.HTML))
	}
}

// A report of a later version may have words that this one does not know.
func TestUnknownWords(t *testing.T) {
	t.Parallel()
	r := reporttest.Broken()
	r.Verdict, r.Legs[0].Layers[0].Layer, r.Legs[0].Layers[0].Status = "postponed", "quic", "deferred"
	r.Findings[0].Severity, r.Legs[0].From = "grave", "satellite"
	document := string(must(t)(page.New().Report(page.ReportInput{Report: r})).HTML)
	for _, want := range []string{"Postponed", "Quic", "deferred", "Satellite"} {
		if !strings.Contains(document, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if _, err := page.New().Report(page.ReportInput{Report: report.Report{}}); err != nil {
		t.Error(err)
	}
}
