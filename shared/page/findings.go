package page

import (
	"fmt"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// groupView is a finding together with those that are alike: 300 tables without a key are one thing to know.
type groupView struct {
	report.Finding
	Anchor string
	Tone   Tone
	// Word is the severity.
	Word, Where, Actor, Address string
	// IsFirst marks the finding that everything after it follows from.
	IsFirst bool
	// Acts is false for information, on which nobody must act.
	Acts     bool
	Remedies []remedyView
	// More are the others of the group.
	More []moreView
	// Commands are those of the whole group, to copy at once; empty where there is one finding.
	Commands commandText
}

// moreView is a finding that is like the one shown in full.
type moreView struct{ Title, Detail string }

func (g groupView) is(f report.Finding) bool {
	return g.Code == f.Code && g.Leg == f.Leg && g.From == f.From && g.Layer == f.Layer && g.Severity == f.Severity
}

// Count is how many findings the group holds.
func (g groupView) Count() int { return len(g.More) + 1 }

// groupsOf joins findings of one code on one layer of one leg, in the order of the report.
func groupsOf(r report.Report) []groupView {
	type kind struct {
		code      finding.Code
		severity  finding.Severity
		leg, from string
		layer     finding.Layer
		owner     report.Owner
	}
	var groups []groupView
	at := map[kind]int{}
	for _, f := range r.Findings {
		k := kind{f.Code, f.Severity, f.Leg, f.From, f.Layer, f.Owner}
		i, known := at[k]
		if !known {
			at[k] = len(groups)
			groups = append(groups, groupOf(r, f, len(groups)+1))
			continue
		}
		groups[i].add(f)
	}
	return groups
}

func groupOf(r report.Report, f report.Finding, number int) groupView {
	g := groupView{Finding: f, Anchor: fmt.Sprintf("finding-%d", number), Tone: ToneOfSeverity(f.Severity),
		Word: severityWord(f.Severity), Where: where(f), Actor: capital(f.Owner.Name()), Address: webAddress(f.Docs),
		Acts: f.Severity != finding.Info, Remedies: remediesOf(f.Remedy)}
	if b := r.FirstBroken; b != nil {
		g.IsFirst = b.Code == f.Code && b.Leg == f.Leg && b.From == f.From && b.Layer == f.Layer
	}
	return g
}

// add puts one more finding into a group. What to do is said once; only the commands differ.
func (g *groupView) add(f report.Finding) {
	if len(g.More) == 0 {
		g.Commands = commandsOf(g.Finding)
	}
	g.More = append(g.More, moreView{Title: f.Title, Detail: f.Detail})
	g.Commands += commandsOf(f)
}

func severityWord(s finding.Severity) string {
	switch s {
	case finding.Failed:
		return "Must be fixed"
	case finding.Warned:
		return "To know"
	case finding.Info:
		return "Information"
	}
	return string(s)
}

// where is the place of a finding, such as "source · network".
func where(f report.Finding) string {
	if f.Leg == "" {
		return layerName(f.Layer)
	}
	return digest.LegName(report.Leg{Name: f.Leg, From: f.From}) + " · " + layerName(f.Layer)
}

// layerName is what people call a layer.
func layerName(l finding.Layer) string {
	switch l {
	case finding.Resolve:
		return "DNS"
	case finding.Connect:
		return "network"
	case finding.TLS:
		return "TLS"
	case finding.Azure:
		return "Azure"
	}
	return string(l)
}

// sectionView are the findings of one weight.
type sectionView struct {
	ID, Title string
	Count     int
	Groups    []groupView
}

// sectionsOf sorts groups by weight; within it the order stays, which is that of the layers.
func sectionsOf(groups []groupView) []sectionView {
	sections := []sectionView{{ID: "must", Title: "Must be fixed"}, {ID: "know", Title: "To know"},
		{ID: "information", Title: "Information"}}
	for _, g := range groups {
		s := &sections[2]
		switch g.Severity {
		case finding.Failed:
			s = &sections[0]
		case finding.Warned:
			s = &sections[1]
		}
		s.Count += g.Count()
		if g.IsFirst {
			s.Groups = append([]groupView{g}, s.Groups...)
			continue
		}
		s.Groups = append(s.Groups, g)
	}
	var out []sectionView
	for _, s := range sections {
		if len(s.Groups) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// reference is a code that leads to its finding on the page.
type reference struct{ Code, Anchor string }

// index finds the finding that a code on a leg is about.
type index map[string]string

func indexOf(groups []groupView) index {
	out := index{}
	for _, g := range groups {
		for _, key := range []string{string(g.Code), g.Leg + g.From + " " + string(g.Code)} {
			if _, taken := out[key]; !taken {
				out[key] = g.Anchor
			}
		}
	}
	return out
}

func (x index) refer(leg, from string, code finding.Code) reference {
	anchor, found := x[leg+from+" "+string(code)]
	if !found {
		anchor = x[string(code)]
	}
	return reference{Code: string(code), Anchor: anchor}
}
