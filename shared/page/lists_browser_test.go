package page_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/browser"
)

// listLooks: pages that share their parts need not be looked at in each way.
func listLooks(name string) map[string]browser.Look {
	all := map[string]browser.Look{"phone": {Width: 320, Height: 640}}
	if slices.Contains([]string{"index", "routes", "route", "wave"}, name) {
		all["light"], all["dark"], all["print"] = browser.Look{}, browser.Look{Dark: true}, browser.Look{Print: true, Width: 720}
	}
	return all
}

func TestListsInABrowser(t *testing.T) {
	b := browser.Start(t)
	base := serve(t, listSamples(t))
	t.Run("keyboard", func(t *testing.T) { keyboardInLists(t, b, base) })
	t.Run("regions", func(t *testing.T) { onlyRegionsScroll(t, b, base) })
	t.Run("form", func(t *testing.T) { formIsSent(t, b, base) })
	for _, name := range []string{"index", "index-empty", "index-wrong", "index-hostile", "index-1000", "route", "route-new",
		"route-hostile", "routes", "wave", "wave-1000"} {
		for look, how := range listLooks(name) {
			t.Run(name+" "+look, func(t *testing.T) {
				tab := b.Open(t, base+name, how)
				if !strings.HasSuffix(name, "-1000") { // too long for a picture
					tab.Picture(t, name+"-"+look)
				}
				browser.Eval[bool](t, tab, "document.querySelectorAll('details').forEach(d => d.open = true) || true")
				for _, fault := range tab.Faults(t) {
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

// stops are what the keyboard must come to, in order: what is sent or followed, what opens, what scrolls.
const stops = `[...document.querySelectorAll('a[href], summary, input, select, button, [tabindex="0"]')]
	.filter(e => e.checkVisibility()).map(e => e.tagName.toLowerCase())`

func keyboardInLists(t *testing.T, b *browser.Browser, base string) {
	for _, name := range []string{"index-filtered", "index-wrong", "route-few", "routes-empty", "wave-ready"} {
		tab := b.Open(t, base+name, browser.Look{})
		want := browser.Eval[[]string](t, tab, stops)
		var got []string
		for _, stop := range tab.Walk(t) {
			got = append(got, stop.Tag)
			if !stop.Shown {
				t.Errorf("%s: the focus is not seen on %s %q", name, stop.Tag, stop.Text)
			}
		}
		if !slices.Equal(got, want) || len(got) < 2 {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

// onlyRegionsScroll: on a telephone the matrix scrolls sideways within its region, with the routes' names in sight.
func onlyRegionsScroll(t *testing.T, b *browser.Browser, base string) {
	tab := b.Open(t, base+"wave", browser.Look{Width: 320, Height: 640})
	if wide := browser.Eval[int](t, tab, "document.documentElement.scrollWidth"); wide > 320 {
		t.Errorf("the page is %d wide", wide)
	}
	const scrolled = `(() => {
	const r = document.querySelector('.scroll');
	r.scrollLeft = 10000;
	return [r.scrollLeft > 100 ? 1 : 0, Math.round(r.querySelector('tbody th').getBoundingClientRect().left - r.getBoundingClientRect().left)];
})()`
	if at := browser.Eval[[]int](t, tab, scrolled); at[0] != 1 || at[1] > 1 {
		t.Errorf("scrolled %d, the names are at %d", at[0], at[1])
	}
}

// formIsSent: the page's policy lets its form go where it came from, and what was chosen stands in the address.
func formIsSent(t *testing.T, b *browser.Browser, base string) {
	tab := b.Open(t, base+"index", browser.Look{})
	browser.Eval[bool](t, tab, "(document.querySelector('[name=route]').value = 'orders-db', "+
		"document.querySelector('[name=verdict]').value = 'not_ready', true)")
	tab.Click(t, "form button")
	want := strings.TrimSuffix(base, "/") + "/api/checks?route=orders-db&wave=&verdict=not_ready"
	for deadline := time.Now().Add(time.Minute); !slices.Contains(tab.Requests(), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("asked for %q; the browser said %q", tab.Requests(), tab.Complaints())
		}
	}
	for _, said := range tab.Complaints() {
		if strings.Contains(said, "Security Policy") {
			t.Error(said)
		}
	}
}
