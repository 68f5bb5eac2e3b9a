package rejudge

import (
	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// configuration judges what was read of the management plane; nothing where nothing was. It stands whole at one leg.
func (j *again) configuration(out *diagnosis.Result) {
	var layers int
	for i, leg := range j.old.Legs {
		for n, layer := range leg.Layers {
			if layer.Layer != finding.Azure {
				continue
			}
			layers++
			seen, err := strict[azure.Observation](present(j.evidence[i][n]))
			if err != nil {
				j.unread(out, err.Error())
				return
			}
			if seen.Configuration != nil {
				evidence.Azure(out, *seen.Configuration)
				return
			}
		}
	}
	if layers > 0 {
		j.unread(out, "the configuration is not in the report")
		return
	}
	// Of a runtime server that has no leg the report has the findings alone.
	if found := j.kept("", finding.Azure); len(found) > 0 {
		j.unjudged = append(j.unjudged, "azure: the configuration is not in the report; its findings are as they were")
		out.Findings = append(out.Findings, found...)
	}
}

// stored is the configuration that was read; nil where the report has none that can be read today.
func (j *again) stored() *azure.Configuration {
	for i, leg := range j.old.Legs {
		for n, layer := range leg.Layers {
			if layer.Layer != finding.Azure {
				continue
			}
			if seen, err := strict[azure.Observation](present(j.evidence[i][n])); err == nil && seen.Configuration != nil {
				return seen.Configuration
			}
		}
	}
	return nil
}

// unread is a configuration that cannot be judged again. What was found in it stays: it would else pass for mended.
func (j *again) unread(out *diagnosis.Result, why string) {
	j.unjudged = append(j.unjudged, "azure: "+why)
	for i := range out.Legs {
		leg := &out.Legs[i]
		if leg.From == "server" {
			continue
		}
		found := j.kept(leg.Name, finding.Azure)
		if leg.Name == "target" || len(found) > 0 {
			leg.Layers = append(leg.Layers, diagnosis.Layer{Layer: finding.Azure, Findings: found,
				Inconclusive: "cannot judge again: " + why})
		}
	}
}
