package page_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// inLists are the elements that the pages of lists add: tables, one form, figures.
const inLists = "table thead tbody tr th td form label input select option button figure figcaption b br abbr "

func TestListsAreSelfContained(t *testing.T) {
	t.Parallel()
	acts := func(r rune) bool {
		return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Co, r))
	}
	for name, p := range listSamples(t) {
		ids, labels, level, regions := map[string]bool{}, []string{}, 0, 0
		for _, n := range elements(t, p.HTML) {
			if !strings.Contains(harmless+inLists, " "+n.Data+" ") {
				t.Errorf("%s: <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				own := strings.HasPrefix(a.Val, "/api/") && (n.Data == "a" && a.Key == "href" || n.Data == "form" && a.Key == "action")
				if wrong := attributeFault(n.Data, a.Key, a.Val); wrong != "" && !own {
					t.Errorf("%s: <%s %s=%.60q> %s", name, n.Data, a.Key, a.Val, wrong)
				}
			}
			if id := attribute(n, "id"); id != "" && ids[id] {
				t.Errorf("%s: id %s stands twice", name, id)
			} else if id != "" {
				ids[id] = true
			}
			for _, key := range []string{"aria-labelledby", "aria-describedby", "for"} {
				labels = append(labels, strings.Fields(attribute(n, key))...)
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				is, _ := strconv.Atoi(n.Data[1:])
				if is > level+1 {
					t.Errorf("%s: heading %d after %d: %s", name, is, level, text(n))
				}
				level = is
			}
			// What scrolls by itself is reached by the keyboard and has a name.
			if strings.Contains(" "+attribute(n, "class")+" ", " scroll ") {
				regions++
				if attribute(n, "tabindex") != "0" || attribute(n, "role") != "region" ||
					attribute(n, "aria-label")+attribute(n, "aria-labelledby") == "" {
					t.Errorf("%s: a region that scrolls: %+v", name, n.Attr)
				}
			}
			if n.Data == "svg" && attribute(n, "role") == "img" && (n.FirstChild == nil || n.FirstChild.Data != "title") {
				t.Errorf("%s: a picture without a title", name)
			}
		}
		for _, id := range labels {
			if !ids[id] {
				t.Errorf("%s: there is no id %s", name, id)
			}
		}
		if at := bytes.IndexFunc(p.HTML, acts); at >= 0 {
			t.Errorf("%s: left %q", name, p.HTML[max(0, at-40):at+10])
		}
		forms := "'none'"
		if strings.HasPrefix(name, "index") {
			forms = "'self'"
		}
		if !strings.Contains(p.Policy, "form-action "+forms) || strings.Contains(p.Policy, "unsafe") {
			t.Errorf("%s: policy %q", name, p.Policy)
		}
		if wants := strings.HasPrefix(name, "wave"); wants && regions != 1 {
			t.Errorf("%s: %d regions", name, regions)
		}
	}
}

// texts are those of elements with a class, white space folded.
func texts(t *testing.T, p page.Page, element, class string) []string {
	t.Helper()
	var out []string
	for _, n := range elements(t, p.HTML) {
		if n.Data == element && (class == "" || slices.Contains(strings.Fields(attribute(n, "class")), class)) {
			out = append(out, strings.Join(strings.Fields(text(n)), " "))
		}
	}
	return out
}

func TestHostileRowsAreText(t *testing.T) {
	t.Parallel()
	pages := listSamples(t)
	for name, class := range map[string]string{"index-hostile": "headline", "route-hostile": "headline"} {
		for _, said := range append(texts(t, pages[name], "a", class), texts(t, pages[name], "p", class)...) {
			if !strings.HasPrefix(said, "<script>alert(1)</script> <img src=x onerror=alert(2)>") {
				t.Errorf("%s: %q", name, said)
			}
		}
	}
	for _, n := range elements(t, pages["index-hostile"].HTML) {
		if n.Data == "input" && attribute(n, "name") == "route" && !strings.HasPrefix(attribute(n, "value"), "<script>") {
			t.Errorf("the field has %q", attribute(n, "value"))
		}
		if href := attribute(n, "href"); n.Data == "a" && strings.ContainsAny(href, "<>\"' \n") {
			t.Errorf("a link to %q", href)
		}
	}
}

func TestEmptyListsSayWhatToDo(t *testing.T) {
	t.Parallel()
	pages := listSamples(t)
	for name, want := range map[string]string{
		"index-empty": "No check has finished yet", "index-none": "No check fits", "index-further": "None so far",
		"index-wrong": "This list cannot be shown", "routes-empty": "No route is registered yet",
		"route-new": "No check of this route has finished yet",
	} {
		if got := texts(t, pages[name], "h2", ""); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := texts(t, pages["index-wrong"], "p", ""); !strings.Contains(strings.Join(got, " "), "The filter route has other characters") {
		t.Errorf("%q", got)
	}
	if !bytes.Contains(pages["index-further"].HTML, []byte(`continue=abc`)) {
		t.Error("a page without checks does not lead on")
	}
	now, err := page.New().Index(page.IndexInput{Later: true})
	if got := texts(t, must(t)(now, err), "h2", ""); len(got) != 1 || got[0] != "That was all" {
		t.Errorf("%q", got)
	}
}

func TestAThousandRows(t *testing.T) {
	t.Parallel()
	pages := listSamples(t)
	for name, most := range map[string]int{"index-1000": 2 << 20, "wave-1000": 4 << 20} {
		if rows := len(texts(t, pages[name], "tr", "")); rows < 1000 || len(pages[name].HTML) > most {
			t.Errorf("%s: %d rows in %d bytes", name, rows, len(pages[name].HTML))
		}
	}
}

// The matrix says of every layer what the check showed of it, and nothing more.
func TestMatrixIsTruthful(t *testing.T) {
	t.Parallel()
	ms := int64(3)
	layer := func(leg string, l finding.Layer, state string) page.LayerLine {
		return page.LayerLine{Leg: leg, Layer: l, State: state, Ms: &ms}
	}
	in := page.WaveInput{Wave: "w", Ready: 1, Total: 4, Percent: 25, Shallow: 1, Now: now(), Routes: []page.CheckLine{
		{Route: "both-broken", ID: "1", Verdict: report.NotReady, Started: now(), Owner: report.SourceNetwork,
			FirstBroken: &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout},
			Layers: []page.LayerLine{layer("source", finding.Connect, "failed"), layer("source", finding.TLS, page.NotReached),
				layer("target", finding.Connect, "warned"), layer("target", finding.TLS, "failed")}},
		{Route: "shallow", ID: "2", Verdict: report.Ready, Started: now(),
			Layers: []page.LayerLine{layer("source", finding.Connect, "passed"), layer("source", finding.TLS, page.NotAsked),
				layer("target", finding.Connect, "passed"), layer("target", finding.TLS, page.NotAsked)}},
		// A row of an earlier version: times without states.
		{Route: "old", ID: "3", Verdict: report.NotReady, Started: now(),
			FirstBroken: &report.FirstBroken{Leg: "target", Layer: finding.Connect, Code: finding.TCPRefused},
			Layers: []page.LayerLine{{Leg: "source", Layer: finding.Connect, Ms: &ms}, {Leg: "source", Layer: finding.TLS, Ms: &ms},
				{Leg: "target", Layer: finding.Connect, Ms: &ms}}},
		{Route: "never"},
	}}
	cells := map[string]string{}
	p := must(t)(page.New().Wave(in))
	for _, n := range elements(t, p.HTML) {
		if n.Data == "tr" && len(rowCells(n)) > 0 {
			cells[rowName(n)] = strings.Join(rowCells(n), "; ")
		}
	}
	want := map[string]string{
		"both-broken": "broken, first broken: TCP_TIMEOUT; not reached; with warnings; broken",
		"shallow":     "passed; not asked; passed; not asked",
		"old":         "not known; not known; broken, first broken: TCP_REFUSED; not reached",
		"never":       "never checked; never checked; never checked; never checked",
	}
	for name, is := range want {
		if got := strings.ReplaceAll(cells[name], "warned", "with warnings"); got != is {
			t.Errorf("%s: %s, want %s", name, got, is)
		}
	}
	if len(cells) != len(want) {
		t.Errorf("rows %v", slices.Sorted(maps.Keys(cells)))
	}
	if got := texts(t, p, "p", "score"); len(got) != 1 || !strings.HasPrefix(got[0], "25 % 1 of 4 routes are ready. 3 routes are not ready. "+
		"1 ready route was not checked as far as the prerequisites.") {
		t.Errorf("%q", got)
	}
}

func rowName(row *html.Node) string {
	for d := range row.Descendants() {
		if d.Data == "th" {
			return strings.TrimSpace(text(d))
		}
	}
	return ""
}

// rowCells are the words of the cells for those who do not see the marks, without their place.
func rowCells(row *html.Node) []string {
	var out []string
	for d := range row.Descendants() {
		if d.Type == html.ElementNode && attribute(d, "class") == "unseen" {
			_, words, _ := strings.Cut(text(d), ": ")
			out = append(out, words)
		}
	}
	return out
}

func TestSinceWhenARouteIsBroken(t *testing.T) {
	t.Parallel()
	at := func(minutes int, v report.Verdict) page.CheckLine {
		return page.CheckLine{ID: fmt.Sprint(minutes), Verdict: v, Headline: "said", Started: now().Add(-time.Duration(minutes) * time.Minute)}
	}
	broken, well, warned, open := report.NotReady, report.Ready, report.ReadyWithWarnings, report.Inconclusive
	tests := []struct {
		name  string
		in    page.RouteInput
		words string
	}{
		{"by its checks", page.RouteInput{History: []page.CheckLine{at(0, broken), at(5, broken), at(10, well)}},
			"It has been broken since 2026-11-22 09:36:00 UTC (5 min, 2 checks in a row)."},
		{"from before what is shown", page.RouteInput{Registered: true, Full: true, Route: page.RouteLine{Since: now().Add(-50 * time.Hour)},
			History: []page.CheckLine{at(0, broken), at(5, broken)}},
			"It has been broken since 2026-11-20 07:41:00 UTC (2 days, all checks shown)."},
		{"warnings are ready", page.RouteInput{History: []page.CheckLine{at(0, warned), at(5, well), at(65, warned), at(70, broken)}},
			"It has been ready since 2026-11-22 08:36:00 UTC (1 h 5 min, 3 checks in a row)."},
		{"nothing found out", page.RouteInput{History: []page.CheckLine{at(0, open), at(5, broken)}},
			"Nothing could be found out since 2026-11-22 09:41:00 UTC (less than a minute, the newest check)."},
	}
	for _, test := range tests {
		test.in.Now = now()
		if got := texts(t, must(t)(page.New().Route(test.in)), "p", "lasting"); len(got) != 1 || got[0] != test.words {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
