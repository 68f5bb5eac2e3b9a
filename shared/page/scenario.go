package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// scenarioView is the row of the documented table, with what a person must have done.
type scenarioView struct {
	Row, Support, Title, Note, Document string
	Tone                                Tone
	Paths                               []string
	Placement                           []fact
	Answers                             []fact
	Steps                               []stepView
	Done, All                           int
}

// stepView is one step. Its state is a tick, a cross, a question mark or an open circle, and a word.
type stepView struct {
	Text, State, Actor, Leg string
	Tone                    Tone
	Codes                   []reference
	Address                 string
	Command                 commandText
}

func scenarioOf(s report.Scenario, x index) *scenarioView {
	if s.Title == "" && s.Row == 0 {
		return nil
	}
	v := &scenarioView{Row: fmt.Sprintf("Row %d", s.Row), Title: s.Title, Note: s.Note, Document: s.Document,
		Paths: s.Paths, All: len(s.Steps)}
	if s.Row == 0 {
		v.Row = fmt.Sprintf("No row; nearest is row %d", s.Nearest)
	}
	v.Support, v.Tone = support(s.Supported)
	v.Placement = append(named(s.Declared, "declared"), named(s.Inferred, "inferred")...)
	for _, leg := range slices.Sorted(maps.Keys(s.ExpectedAnswers)) {
		v.Answers = append(v.Answers, fact{Name: capital(leg), Value: s.ExpectedAnswers[leg]})
	}
	for _, step := range s.Steps {
		v.Steps = append(v.Steps, stepOf(step, x))
		if step.State == "done" {
			v.Done++
		}
	}
	return v
}

// named writes a placement, such as "source.kind" with "amazon_rds", for people.
func named(placement map[string]string, how string) []fact {
	var out []fact
	for _, key := range slices.Sorted(maps.Keys(placement)) {
		out = append(out, fact{Name: capital(strings.ReplaceAll(key, ".", " ")),
			Value: strings.ReplaceAll(placement[key], "_", " ") + " (" + how + ")"})
	}
	return out
}

func support(word string) (string, Tone) {
	switch word {
	case "yes":
		return "supported", Good
	case "no":
		return "not supported", Bad
	}
	return "undocumented", Warn
}

func stepOf(s report.Step, x index) stepView {
	v := stepView{Text: s.Text, Actor: s.Owner.Name(), Leg: s.Leg, Address: webAddress(s.Docs)}
	switch {
	case s.State == "done":
		v.State, v.Tone = "done", Good
	case s.State == "undone":
		v.State, v.Tone = "not done", Bad
	case len(s.ShownBy) > 0:
		v.State, v.Tone = "perhaps not done", Unsure
	default:
		v.State, v.Tone = "not shown by this check", Idle
	}
	for _, code := range s.ShownBy {
		v.Codes = append(v.Codes, x.refer(s.Leg, "", code))
	}
	if s.State != "done" {
		v.Command = commandOf(s.Command)
	}
	return v
}
