package browser

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

const good = `<!doctype html><html lang="en"><title>good</title><link rel="icon" href="data:,">
<main><h1>Good</h1><p><a href="#a">first</a> <a href="#b">second</a></p></main></html>`

// bad has one of each fault that is looked for.
const bad = `<!doctype html><html><link rel="icon" href="data:,"><style>:focus-visible{outline:none}</style>
<main><h1 id="x">Bad</h1><h3 id="x">left out</h3><p style="color:#999;background:#fff">faint</p>
<a href="#a"></a><a href="#b">no outline</a><svg></svg><div style="width:4000px">wide</div>
<p aria-labelledby="nobody">x</p></main><script>console.log("x")</script><img src="http://127.0.0.1:1/x.png"></html>`

func serve(t *testing.T, html string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestBrowser(t *testing.T) {
	b := Start(t)
	t.Run("good page", func(t *testing.T) {
		tab := b.Open(t, serve(t, good), Look{})
		if faults, said := tab.Faults(t), tab.Complaints(); len(faults)+len(said)+len(tab.Elsewhere()) > 0 ||
			len(tab.Requests()) != 1 {
			t.Errorf("%q %q %q", faults, said, tab.Requests())
		}
		stops := tab.Walk(t)
		if len(stops) != 2 || stops[1].Text != "second" || stops[1].Tag != "a" || !stops[0].Shown {
			t.Errorf("%+v", stops)
		}
	})
	t.Run("bad page", func(t *testing.T) {
		tab := b.Open(t, serve(t, bad), Look{Width: 400})
		faults := strings.Join(tab.Faults(t), "\n")
		for _, want := range []string{"contrast 2.", "wide on a screen of", "id stands twice: x", "names nobody", "no name: a",
			"picture without a name", "level 3 after 1", "no language", "no title"} {
			if !strings.Contains(faults, want) {
				t.Errorf("%q is not among\n%s", want, faults)
			}
		}
		if said := tab.Complaints(); !slices.Contains(said, "console.log with 1 values") {
			t.Errorf("%q", said)
		}
		if got := tab.Elsewhere(); !slices.Equal(got, []string{"http://127.0.0.1:1/x.png"}) {
			t.Errorf("%q", got)
		}
		if stops := tab.Walk(t); len(stops) != 2 || stops[1].Shown {
			t.Errorf("%+v", stops)
		}
	})
	t.Run("look", func(t *testing.T) {
		tab := b.Open(t, serve(t, good), Look{Dark: true, Width: 320})
		width := Eval[int](t, tab, "screen.width")
		dark := Eval[bool](t, tab, "matchMedia('(prefers-color-scheme: dark)').matches")
		if width != 320 || !dark {
			t.Errorf("%d wide, dark %v", width, dark)
		}
		tab = b.Open(t, serve(t, good), Look{Print: true})
		tab.Await(t, "matchMedia('print').matches")
	})
}
