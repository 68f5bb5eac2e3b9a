package rejudge

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Changes are what today's rules say otherwise.
type Changes struct {
	// Verdict and Headline are nil where they are the same.
	Verdict  *Change `json:"verdict,omitempty"`
	Headline *Change `json:"headline,omitempty"`
	// Layers are those with another status, by place: "source tls".
	Layers map[string]Change `json:"layers,omitempty"`
	// Gone were found then and are not now, New the other way round, Reworded are in both and say something else.
	Gone     []report.Finding `json:"gone,omitempty"`
	New      []report.Finding `json:"new,omitempty"`
	Reworded []Reworded       `json:"reworded,omitempty"`
}

// Change is a text then and now.
type Change struct {
	Was string `json:"was"`
	Is  string `json:"is"`
}

// Reworded is a finding that says something else; Fields are its JSON fields that differ.
type Reworded struct {
	Was    report.Finding `json:"was"`
	Is     report.Finding `json:"is"`
	Fields []string       `json:"fields"`
}

// None tells whether nothing differs.
func (c Changes) None() bool { return reflect.ValueOf(c).IsZero() }

// Changes compares the two reports of a result.
func (r Result) Changes() Changes {
	out := Changes{Verdict: differ(string(r.Old.Verdict), string(r.New.Verdict)),
		Headline: differ(r.Old.Headline, r.New.Headline)}
	before, now := statuses(r.Old), statuses(r.New)
	for place, is := range now {
		if change := differ(before[place], is); change != nil {
			if out.Layers == nil {
				out.Layers = map[string]Change{}
			}
			out.Layers[place] = *change
		}
	}
	out.findings(r.Old.Findings, slices.Clone(r.New.Findings))
	return out
}

func differ(was, is string) *Change {
	if was == is {
		return nil
	}
	return &Change{was, is}
}

func statuses(r report.Report) map[string]string {
	out := map[string]string{}
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			out[strings.TrimSuffix(leg.Name+" from "+leg.From, " from function")+" "+string(layer.Layer)] = string(layer.Status)
		}
	}
	return out
}

// findings pairs each old finding with a new one at the same place with the same code.
func (c *Changes) findings(old, now []report.Finding) {
	for _, was := range old {
		i := slices.IndexFunc(now, func(is report.Finding) bool {
			return is.Code == was.Code && is.Leg == was.Leg && is.From == was.From && is.Layer == was.Layer
		})
		if i < 0 {
			c.Gone = append(c.Gone, was)
			continue
		}
		if fields := fieldsOf(was, now[i]); len(fields) > 0 {
			c.Reworded = append(c.Reworded, Reworded{was, now[i], fields})
		}
		now = slices.Delete(now, i, i+1)
	}
	c.New = now
	if len(now) == 0 {
		c.New = nil
	}
}

// fieldsOf are the fields that differ once both are JSON: the old one has been there.
func fieldsOf(was, is report.Finding) []string {
	a, b := flat(was), flat(is)
	var out []string
	for name := range a {
		if !reflect.DeepEqual(a[name], b[name]) {
			out = append(out, name)
		}
	}
	for name := range b {
		if _, there := a[name]; !there {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func flat(f report.Finding) map[string]any {
	raw, err := json.Marshal(f)
	if err != nil {
		panic("rejudge: a finding of plain values does not marshal: " + err.Error())
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		panic("rejudge: a finding's JSON cannot be read: " + err.Error())
	}
	return out
}
