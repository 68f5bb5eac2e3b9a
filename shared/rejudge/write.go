package rejudge

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// WriteChanges writes for a terminal what differs from the old report, and what could not be judged again. Text from
// the network is made harmless.
func (r Result) WriteChanges(out io.Writer) error {
	var b strings.Builder
	for _, what := range r.Unjudged {
		fmt.Fprintf(&b, "Cannot judge again: %s\n", digest.Clean(what))
	}
	changes := r.Changes()
	if changes.None() {
		b.WriteString("Judged again: nothing differs from the report of then.\n")
	} else {
		b.WriteString("Judged again, it differs from the report of then:\n")
		changes.write(&b)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("write changes: %w", err)
	}
	return nil
}

func (c Changes) write(b *strings.Builder) {
	if c.Verdict != nil {
		was, is := report.Verdict(c.Verdict.Was), report.Verdict(c.Verdict.Is)
		fmt.Fprintf(b, "  verdict   was %s, is %s\n", digest.Clean(was.Name()), digest.Clean(is.Name()))
	}
	if c.Headline != nil {
		fmt.Fprintf(b, "  headline  was %s\n", digest.Clean(c.Headline.Was))
	}
	for _, place := range slices.Sorted(maps.Keys(c.Layers)) {
		change := c.Layers[place]
		was := "not there"
		if change.Was != "" {
			was = change.Was
		}
		fmt.Fprintf(b, "  layer     %s was %s, is %s\n", digest.Clean(place), digest.Clean(was), digest.Clean(change.Is))
	}
	list := func(word string, found []report.Finding) {
		for _, f := range found {
			fmt.Fprintf(b, "  %-9s %s\n", word, digest.Clean(about(f)))
		}
	}
	list("gone", c.Gone)
	list("new", c.New)
	for _, f := range c.Reworded {
		fmt.Fprintf(b, "  reworded  %s: %s\n", digest.Clean(about(f.Is)), strings.Join(f.Fields, ", "))
	}
}

func about(f report.Finding) string {
	return fmt.Sprintf("%s (%s, %s)", f.Code, strings.TrimSpace(digest.Where(f)), f.Severity)
}
