package diagnosis

import (
	"maps"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

// scenario is the row that the check was judged by, with what the check shows of its steps.
func (j *judge) scenario() (report.Scenario, error) {
	p := j.result.Placement
	out := report.Scenario{Row: p.Row, Nearest: p.Nearest, Supported: string(p.Support), Declared: p.Declared,
		Inferred: p.Inferred}
	row, known := p.JudgedBy()
	if !known {
		return out, nil
	}
	page := scenario.Source()
	out.Document = page.Title + ", " + page.Date + ", " + page.URL
	for _, path := range row.Paths {
		out.Paths = append(out.Paths, path.From+" → "+path.To)
	}
	var err error
	if out.Title, err = j.words.Row(row.Number); err != nil {
		return report.Scenario{}, err
	}
	if out.Note, err = j.notes(row.Number); err != nil {
		return report.Scenario{}, err
	}
	if out.ExpectedAnswers, err = j.answers(); err != nil {
		return report.Scenario{}, err
	}
	out.Steps, err = j.steps(row.RuntimeServer)
	return out, err
}

func (j *judge) notes(row int) (string, error) {
	var notes []string
	for _, note := range j.result.Placement.Notes {
		text, err := j.words.Note(string(note), catalog.Facts{"kind": string(j.result.Placement.SourceKind), "row": row})
		if err != nil {
			return "", err
		}
		notes = append(notes, text)
	}
	return strings.Join(notes, " "), nil
}

func (j *judge) answers() (map[string]string, error) {
	out := map[string]string{}
	for leg, key := range j.result.Placement.Answers() {
		text, err := j.words.Answer(key)
		if err != nil {
			return nil, err
		}
		out[leg] = text
	}
	return out, nil
}

func (j *judge) steps(runtimeRow bool) ([]report.Step, error) {
	all := j.result.Placement.Progress(j.seen())
	out, legs := make([]report.Step, 0, len(all)), map[string]catalog.Facts{}
	for _, progress := range all {
		facts, known := legs[progress.Step.Leg]
		if !known {
			facts = maps.Clone(j.facts(progress.Step.Leg))
			// A step on the target can depend on what the source is, never the other way round.
			facts["kind"], facts["runtimeRow"] = string(j.result.Placement.SourceKind), runtimeRow
			legs[progress.Step.Leg] = facts
		}
		step, err := j.words.Step(progress.Step.Key, facts)
		if err != nil {
			return nil, err
		}
		step.Leg, step.State, step.ShownBy = progress.Step.Leg, string(progress.State), progress.ShownBy
		step.Docs = progress.Step.From
		out = append(out, step)
	}
	return out, nil
}

// seen is what the steps are judged by: each layer, and the findings that belong to none. What only informs is left
// out.
func (j *judge) seen() []scenario.Seen {
	var out []scenario.Seen
	for _, f := range j.result.Findings {
		out = append(out, scenario.Seen{Leg: f.Leg, Layer: f.Layer, Codes: j.codes([]finding.Finding{f})})
	}
	for _, leg := range j.result.Legs {
		for _, layer := range leg.Layers {
			out = append(out, scenario.Seen{Leg: leg.Name, ByServer: leg.From == "server", Layer: layer.Layer,
				Status: j.status(layer), Codes: j.codes(layer.Findings), Steps: configured(layer)})
		}
	}
	return out
}

// configured is what the configuration decides of the steps by itself.
func configured(l Layer) map[string]scenario.State {
	o, read := l.Observation.(azure.Observation)
	if !read {
		return nil
	}
	states := map[azure.State]scenario.State{azure.Right: scenario.Done, azure.Wrong: scenario.Undone}
	out := map[string]scenario.State{}
	for step, state := range azure.Steps(o.Checks) {
		out[step] = states[state]
	}
	return out
}

func (j *judge) codes(found []finding.Finding) []finding.Code {
	var out []finding.Code
	for _, f := range found {
		if j.words.SeverityOf(f) != finding.Info {
			out = append(out, f.Code)
		}
	}
	return out
}
