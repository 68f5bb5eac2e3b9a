package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/rejudge"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

const (
	// overrun is what a check may need past its deadline.
	overrun = 100 * time.Millisecond
	// memoryKB is what a check may take, the process included.
	memoryKB = 64 << 10
)

// invariants hold for every report, whatever the network and the servers did.
func invariants(a answer, deadline time.Duration) []string {
	var faults []string
	if limit := deadline + overrun; time.Duration(a.ElapsedMs*float64(time.Millisecond)) > limit {
		faults = append(faults, fmt.Sprintf("took %.0f ms of %s", a.ElapsedMs, limit))
	}
	if a.PeakKB <= 0 || a.PeakKB > memoryKB {
		faults = append(faults, fmt.Sprintf("took %d KB of memory", a.PeakKB))
	}
	faults = append(faults, control(a.raw)...)
	faults = append(faults, words(a.Report)...)
	faults = append(faults, judgedAgain(a.raw)...)
	return append(faults, consistent(a.Report)...)
}

// control finds characters that could act on a terminal or a log: what the peers send must not come through raw.
func control(raw []byte) []string {
	var faults []string
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, inner := range v {
				walk(path+"."+name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(path, inner)
			}
		case string:
			if strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) {
				faults = append(faults, fmt.Sprintf("%s has control characters: %q", path, v))
			}
		}
	}
	var tree any
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&tree); err != nil {
		return []string{err.Error()}
	}
	walk("", tree)
	return faults
}

// words looks at every text of a report, and holds the args of its findings against the catalogue's list.
func words(r *report.Report) []string {
	known, err := catalog.Load()
	if err != nil {
		return []string{err.Error()}
	}
	var faults []string
	texts := map[string]string{"headline": r.Headline}
	for _, f := range r.Findings {
		entry, _ := known.Entry(f.Code)
		for name := range f.Args {
			if !slices.Contains(entry.Args, name) && !slices.Contains(catalog.FactNames(), name) {
				faults = append(faults, fmt.Sprintf("%s has an arg %q that the catalogue does not know", f.Code, name))
			}
		}
		texts[string(f.Code)+" title"], texts[string(f.Code)+" detail"] = f.Title, f.Detail
		for _, one := range f.Remedy {
			texts[string(f.Code)+" remedy "+one.Text] = one.Text + one.Command
		}
		for _, one := range f.Causes {
			texts[string(f.Code)+" cause "+one.Text] = one.Text + one.Confirm
		}
	}
	for where, text := range texts {
		for _, bad := range []string{"<no value>", "<nil>", "{{", "%!", "  ", " ,"} {
			if strings.Contains(text, bad) {
				faults = append(faults, fmt.Sprintf("%s holds %q: %s", where, bad, text))
			}
		}
		if strings.TrimSpace(text) == "" {
			faults = append(faults, where+" is empty")
		}
	}
	return faults
}

// judgedAgain holds that the report itself has all that its findings rest on.
func judgedAgain(raw []byte) []string {
	var kept struct{ Report json.RawMessage }
	if err := json.Unmarshal(raw, &kept); err != nil {
		return []string{err.Error()}
	}
	known, err := catalog.Load()
	if err != nil {
		return []string{err.Error()}
	}
	again, err := rejudge.Judge(known, kept.Report)
	if err != nil {
		return []string{err.Error()}
	}
	if changes := again.Changes(); !changes.None() || len(again.Unjudged) > 0 {
		said, _ := json.Marshal(changes)
		return []string{fmt.Sprintf("judged again it differs: %s %q", said, again.Unjudged)}
	}
	return nil
}

// consistent looks for what no report may say of itself.
func consistent(r *report.Report) []string {
	var faults []string
	for _, leg := range r.Legs {
		stopped := false
		for _, layer := range leg.Layers {
			stopped = stopped || layer.Status == finding.StatusFailed || layer.Status == finding.StatusInconclusive
			if layer.BlockedBy != "" && !stopped {
				faults = append(faults, fmt.Sprintf("%s: %s blocked by a layer that did not fail", leg.Name, layer.Layer))
			}
			if layer.Status == finding.StatusSkipped && layer.Reason == "" && layer.BlockedBy == "" {
				faults = append(faults, fmt.Sprintf("%s: %s skipped without a reason", leg.Name, layer.Layer))
			}
		}
	}
	ready := r.Verdict == report.Ready || r.Verdict == report.ReadyWithWarnings
	if ready != (r.FirstBroken == nil) {
		faults = append(faults, fmt.Sprintf("verdict %s with first broken %v", r.Verdict, r.FirstBroken))
	}
	if r.Verdict == report.NotReady && r.FirstBroken == nil {
		faults = append(faults, "not ready, and nothing is broken")
	}
	return faults
}
