package browser

import (
	_ "embed"
	"testing"
)

//go:embed audit.js
var audit string

// Faults looks for what shuts people out: text with too little contrast on its ground, as computed from the styles that
// apply; a page wider than its screen; links, buttons, fields and pictures without a name; ids that stand twice; headings
// that leave a level out; elements that take the focus and do not show it.
func (tab *Tab) Faults(t testing.TB) []string {
	t.Helper()
	return Eval[[]string](t, tab, audit)
}

// Stop is where the keyboard comes to: what it is, and its words.
type Stop struct {
	Tag  string `json:"tag"`
	Text string `json:"text"`
	// Shown tells that the focus can be seen there.
	Shown bool `json:"shown"`
}

// Walk presses the tabulator until the focus leaves the page, and tells where it came by.
func (tab *Tab) Walk(t testing.TB) []Stop {
	t.Helper()
	const most = 2000
	var stops []Stop
	for range most {
		tab.Press(t, "\t")
		at := Eval[*Stop](t, tab, focused)
		if at == nil {
			return stops
		}
		stops = append(stops, *at)
	}
	t.Fatalf("the focus came by %d elements and did not leave the page", most)
	return nil
}

// focused describes the element with the focus; null where none has it. The walk marks each, so that it ends when the
// browser begins again from the top.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e.dataset.walked) return null;
	e.dataset.walked = 1;
	const s = getComputedStyle(e);
	const box = e.getBoundingClientRect();
	return {tag: e.tagName.toLowerCase(), text: e.textContent.trim().replace(/\s+/g, ' ').slice(0, 80),
		shown: (s.outlineStyle === 'auto' || s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2) &&
			box.width > 0 && box.height > 0};
})()`
