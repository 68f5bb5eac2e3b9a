package page_test

import (
	"slices"
	"strings"
	"testing"

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
	pages := listSamples(t)
	base := serve(t, pages)
	for name := range pages {
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
