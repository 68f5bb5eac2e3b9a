package rejudge

import (
	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// azure judges what was read of the management plane again. It stands at one leg, whole, and bears on all of them.
func (j *again) azure(out *diagnosis.Result) {
	why := "the configuration is not in the report"
	var legs []string
	for i, leg := range j.old.Legs {
		for n, layer := range leg.Layers {
			if layer.Layer != finding.Azure {
				continue
			}
			legs = append(legs, leg.Name)
			raw := present(j.evidence[i][n])
			if raw == nil {
				continue
			}
			switch o, err := strict[azure.Observation](raw); {
			case err != nil:
				why = err.Error()
			case o.Configuration != nil:
				evidence.Azure(out, *o.Configuration)
				return
			}
		}
	}
	for _, name := range legs {
		j.withoutConfiguration(out, name, why)
	}
}

func (j *again) withoutConfiguration(out *diagnosis.Result, leg, why string) {
	for i := range out.Legs {
		if out.Legs[i].Name == leg && out.Legs[i].From == "function" {
			l := &legAgain{again: j}
			l.plan.Name = leg
			out.Legs[i].Layers = append(out.Legs[i].Layers, l.missing(finding.Azure, why))
		}
	}
}
