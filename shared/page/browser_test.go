package page_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/browser"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

// serve gives each page at its name, as the handlers do.
func serve(t *testing.T, pages map[string]page.Page) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", p.Policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(p.HTML)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// samples are the pages of every sample report, and those that say one thing.
func samples(t *testing.T) map[string]page.Page {
	t.Helper()
	pages, out := page.New(), map[string]page.Page{}
	before := reporttest.Ready()
	before.StartedAt = before.StartedAt.Add(-5 * time.Minute)
	for name, r := range reporttest.Samples() {
		in := page.ReportInput{Report: reporttest.Stored(t, r), Previous: &before,
			Link: "https://app.example.com/api/reports/" + name + "?exp=1999999999&sig=v1.abc"}
		if r.Route == "" {
			in.Previous = nil
		}
		out[name] = must(t)(pages.Report(in))
	}
	out["running"] = must(t)(pages.Notice(page.Waiting("orders-2026-11-22", "running", 5)))
	out["unknown"] = must(t)(pages.Notice(page.Unknown(30)))
	return out
}

func must(t *testing.T) func(page.Page, error) page.Page {
	return func(p page.Page, err error) page.Page {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// looks are the ways in which a page must hold. Pages that share their parts need not be looked at in each.
func looks(name string) map[string]browser.Look {
	all := map[string]browser.Look{"light": {}, "phone": {Width: 320, Height: 640}}
	if slices.Contains([]string{"broken", "hostile", "large", "running"}, name) {
		all["dark"], all["print"] = browser.Look{Dark: true}, browser.Look{Print: true, Width: 720}
	}
	return all
}

// overlaps are words of the drawings that stand outside of them, or on one another.
const overlaps = `[...document.querySelectorAll('svg.path')].filter(s => s.checkVisibility()).flatMap(s => {
	const words = [...s.querySelectorAll('text')].map(t => ({t: t.firstChild.data, b: t.getBBox()}));
	const [, , width, height] = s.getAttribute('viewBox').split(' ').map(Number);
	return words.flatMap((a, i) => [
		...(a.b.x < -1 || a.b.x + a.b.width > width + 1 || a.b.y + a.b.height > height + 4 ? ['outside: ' + a.t] : []),
		...words.slice(i + 1).filter(o => a.b.x < o.b.x + o.b.width - 1 && o.b.x < a.b.x + a.b.width - 1 &&
			a.b.y < o.b.y + o.b.height - 3 && o.b.y < a.b.y + a.b.height - 3).map(o => a.t + ' on ' + o.t)]);
})`

func TestInABrowser(t *testing.T) {
	b, pages := browser.Start(t), samples(t)
	base := serve(t, pages)
	t.Run("looks", func(t *testing.T) { everyLook(t, b, pages, base) })
	t.Run("hostile text", func(t *testing.T) { hostileText(t, b, base) })
	t.Run("keyboard", func(t *testing.T) { keyboard(t, b, base) })
	t.Run("a click selects a command", func(t *testing.T) { clickSelects(t, b, base) })
	t.Run("waiting page asks again", func(t *testing.T) { waitingPageAsksAgain(t, b) })
	t.Run("saved page", func(t *testing.T) { savedPage(t, b, pages["broken"]) })
}

func everyLook(t *testing.T, b *browser.Browser, pages map[string]page.Page, base string) {
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for look, how := range looks(name) {
			t.Run(name+" "+look, func(t *testing.T) {
				tab := b.Open(t, base+name, how)
				tab.Picture(t, name+"-"+look)
				faults := append(tab.Faults(t), browser.Eval[[]string](t, tab, overlaps)...)
				// Folded text is text too.
				browser.Eval[bool](t, tab, "document.querySelectorAll('details').forEach(d => d.open = true) || true")
				for _, fault := range append(faults, tab.Faults(t)...) {
					t.Error(fault)
				}
				if said := tab.Complaints(); len(said) > 0 {
					t.Errorf("the browser complained: %q", said)
				}
				if asked := tab.Requests(); !slices.Equal(asked, []string{base + name}) {
					t.Errorf("the page asked for %q", asked)
				}
			})
		}
	}
}

// The server's message is text: it made no element, and the page has no other that runs or loads.
func hostileText(t *testing.T, b *browser.Browser, base string) {
	tab := b.Open(t, base+"hostile", browser.Look{})
	made := browser.Eval[int](t, tab, "document.querySelectorAll('script, img, b, iframe, object, embed, form, base').length")
	headline := browser.Eval[string](t, tab, "document.querySelector('.headline').textContent")
	if made != 0 || !strings.HasPrefix(headline, "<script>alert(1)</script> <img src=x onerror=alert(2)>") {
		t.Errorf("%d elements, %q", made, headline)
	}
	if away := browser.Eval[[]string](t, tab, "[...document.links].map(a => a.protocol)"); slices.Contains(away, "javascript:") {
		t.Errorf("links of %q", away)
	}
	if said := tab.Complaints(); len(said) > 0 {
		t.Errorf("the browser complained: %q", said)
	}
}

// reachable are the words of what the keyboard must come to, in order.
const reachable = `[...document.querySelectorAll('a[href], summary')].filter(e => e.checkVisibility())
	.map(e => e.textContent.trim().replace(/\s+/g, ' ').slice(0, 80))`

func keyboard(t *testing.T, b *browser.Browser, base string) {
	tab := b.Open(t, base+"broken", browser.Look{})
	want := browser.Eval[[]string](t, tab, reachable)
	var got []string
	for _, stop := range tab.Walk(t) {
		got = append(got, stop.Text)
		if !stop.Shown {
			t.Errorf("the focus is not seen on %s %q", stop.Tag, stop.Text)
		}
	}
	if !slices.Equal(got, want) || len(got) < 10 {
		t.Errorf("\n got %q\nwant %q", got, want)
	}

	tab = b.Open(t, base+"broken", browser.Look{})
	tab.Press(t, "\t")
	if skip := browser.Eval[bool](t, tab, "document.activeElement.getBoundingClientRect().left >= 0"); !skip {
		t.Error("the way past the header is not seen when it has the focus")
	}
	tab.Press(t, "\r")
	tab.Await(t, "document.activeElement.id === 'main'")
	for !browser.Eval[bool](t, tab, "document.activeElement.tagName === 'SUMMARY'") {
		tab.Press(t, "\t")
	}
	tab.Press(t, "\r")
	tab.Await(t, "document.activeElement.parentElement.open")
}

// Without a script a command is copied by one click and the keys of the system.
func clickSelects(t *testing.T, b *browser.Browser, base string) {
	tab := b.Open(t, base+"broken", browser.Look{})
	tab.Click(t, ".finding .command")
	want := strings.TrimSpace(reporttest.Broken().Findings[0].Remedy[0].Command)
	if got := browser.Eval[string](t, tab, "getSelection().toString()"); strings.TrimSpace(got) != want {
		t.Errorf("selected %q, want %q", got, want)
	}
}

// A page that waits loads itself again.
func waitingPageAsksAgain(t *testing.T, b *browser.Browser) {
	pages, asked := page.New(), make(chan struct{}, 100)
	waiting := must(t)(pages.Notice(page.Waiting("c-1", "running", 1)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", waiting.Policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(waiting.HTML)
		asked <- struct{}{}
	}))
	t.Cleanup(server.Close)
	b.Open(t, server.URL, browser.Look{})
	for i := range 2 {
		select {
		case <-asked:
		case <-time.After(2 * time.Minute):
			t.Fatalf("the page was asked for %d times", i)
		}
	}
}

// A report that was saved opens without any network.
func savedPage(t *testing.T, b *browser.Browser, p page.Page) {
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, p.HTML, 0o644); err != nil {
		t.Fatal(err)
	}
	tab := b.Open(t, "file://"+file, browser.Look{})
	if faults := append(tab.Faults(t), tab.Complaints()...); len(faults) > 0 || len(tab.Requests()) != 1 {
		t.Errorf("%q, asked for %q", faults, tab.Requests())
	}
	if color := browser.Eval[string](t, tab, "getComputedStyle(document.querySelector('.hero h1')).color"); color == "rgb(0, 0, 0)" {
		t.Error("the style does not apply")
	}
}
