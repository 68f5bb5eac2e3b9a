package diagnosis

import (
	"reflect"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// joins are the symptoms of a check that its configuration says something about.
type joins []join

// join is one symptom: what a probe saw, with the faults of the configuration that bring it about, or with what looks
// right there.
type join struct {
	symptom finding.Finding
	// failed tells that the symptom broke something.
	failed bool
	causes []cause
	// right and open are the checks that came out right and those that could not be decided, where no cause was found.
	right, open []string
}

type cause struct {
	fact       finding.Finding
	likelihood string
}

// join finds for each symptom what the configuration says about it. Nothing is joined where nothing was read.
func (j *judge) join() joins {
	if j.result.Azure == nil {
		return nil
	}
	facts, checks := j.configuration()
	var out joins
	for _, leg := range j.result.Legs {
		for _, layer := range leg.Layers {
			for _, f := range layer.Findings {
				if layer.Layer == finding.Azure || j.words.SeverityOf(f) == finding.Info {
					continue
				}
				if one := j.joinOne(f, facts, checks); len(one.causes)+len(one.right) > 0 {
					out = append(out, one)
				}
			}
		}
	}
	return out
}

// configuration gathers the layers azure of all legs.
func (j *judge) configuration() ([]finding.Finding, []azure.Check) {
	var facts []finding.Finding
	var checks []azure.Check
	for _, leg := range j.result.Legs {
		for _, layer := range leg.Layers {
			if o, is := layer.Observation.(azure.Observation); is {
				facts, checks = append(facts, layer.Findings...), append(checks, o.Checks...)
			}
		}
	}
	return facts, checks
}

func (j *judge) joinOne(symptom finding.Finding, facts []finding.Finding, checks []azure.Check) join {
	out := join{symptom: symptom, failed: j.words.SeverityOf(symptom) == finding.Failed}
	for _, likelihood := range []string{"certain", "likely"} {
		for _, fact := range facts {
			if j.result.Azure.Explains(fact, symptom) == likelihood {
				out.causes = append(out.causes, cause{fact, likelihood})
			}
		}
	}
	if len(out.causes) == 0 && out.failed {
		out.right, out.open, _ = azure.Looks(checks, symptom)
	}
	return out
}

// of is what is known about a symptom.
func (all joins) of(f finding.Finding) (join, bool) {
	i := slices.IndexFunc(all, func(one join) bool { return reflect.DeepEqual(one.symptom, f) })
	if i < 0 {
		return join{}, false
	}
	return all[i], true
}

// told tells whether a fault of the configuration is told as the cause of a symptom, and so not by itself.
func (all joins) told(f finding.Finding) bool {
	return f.Layer == finding.Azure && slices.ContainsFunc(all, func(one join) bool {
		return slices.ContainsFunc(one.causes, func(c cause) bool { return reflect.DeepEqual(c.fact, f) })
	})
}

// cause tells whether a fault of the configuration surely broke something.
func (all joins) cause(f finding.Finding) bool {
	return f.Layer == finding.Azure && slices.ContainsFunc(all, func(one join) bool {
		return one.failed && slices.ContainsFunc(one.causes, func(c cause) bool {
			return c.likelihood == "certain" && reflect.DeepEqual(c.fact, f)
		})
	})
}

// certain is the first cause that is no guess.
func (one join) certain() (finding.Finding, bool) {
	i := slices.IndexFunc(one.causes, func(c cause) bool { return c.likelihood == "certain" })
	if i < 0 {
		return finding.Finding{}, false
	}
	return one.causes[i].fact, true
}

// word puts a finding into words, together with what the configuration says about it.
func (j *judge) word(f finding.Finding) (report.Finding, error) {
	one, known := j.joins.of(f)
	if !known {
		return j.words.Word(f, j.factsOf(f))
	}
	facts := j.factsOf(f)
	for _, name := range ruledOut(one) {
		facts[name] = true
	}
	worded, err := j.words.Word(f, facts)
	switch {
	case err != nil:
		return worded, err
	case len(one.causes) == 0:
		return j.unexplained(worded, one)
	}
	return j.explained(worded, one)
}

// ruledOut are facts that keep guesses out of a finding's words which the configuration has refuted. One of several
// checks that came out right refutes nothing.
func ruledOut(one join) []string {
	var out []string
	for _, guess := range []struct {
		name   string
		checks []string
	}{{"rightPeering", []string{"peering"}}, {"rightRoutes", []string{"route"}},
		{"rightGroups", []string{"nsg_outbound", "nsg_inbound"}}, {"rightApproval", []string{"endpoint_approved"}}, {"rightState", []string{"server_state"}},
		{"rightLinks", []string{"zone_link"}}} {
		refuted := !slices.ContainsFunc(guess.checks, func(check string) bool { return !slices.Contains(one.right, check) })
		if refuted {
			out = append(out, guess.name)
		}
	}
	return out
}

// explained puts the causes before the guesses. Where one is certain, the guesses, their remedies and whose they were
// have no more to say.
func (j *judge) explained(f report.Finding, one join) (report.Finding, error) {
	_, certain := one.certain()
	var causes []report.Cause
	var remedies []report.Remedy
	var codes []string
	for i, c := range one.causes {
		fact, err := j.words.Word(c.fact, j.factsOf(c.fact))
		if err != nil {
			return f, err
		}
		headline, err := j.words.Headline(c.fact, j.factsOf(c.fact))
		if err != nil {
			return f, err
		}
		if i == 0 && c.likelihood == "certain" {
			f.Owner, f.Docs = fact.Owner, firstText(fact.Docs, f.Docs)
		}
		causes = append(causes, report.Cause{Text: headline, Likelihood: c.likelihood, Confirm: confirmOf(fact)})
		remedies, codes = append(remedies, fact.Remedy...), append(codes, string(c.fact.Code))
		f.Detail += " " + fact.Detail
	}
	if certain {
		f.Causes, f.Remedy = nil, nil
	}
	f.Causes, f.Remedy = append(causes, f.Causes...), append(remedies, f.Remedy...)
	f.Args = withArg(f.Args, "explainedBy", codes)
	return f, nil
}

func confirmOf(fact report.Finding) string {
	for _, c := range fact.Causes {
		if c.Confirm != "" {
			return c.Confirm
		}
	}
	return ""
}

// unexplained says that the configuration looks right, and where the cause then stands.
func (j *judge) unexplained(f report.Finding, one join) (report.Finding, error) {
	facts := j.facts(one.symptom.Leg)
	facts["layer"], facts["byServer"] = string(one.symptom.Layer), one.symptom.From == "server"
	facts["runtimeConnects"] = j.result.Placement.RuntimeServer
	text, remedy, err := j.words.LooksRight(catalog.Looks{Right: one.right, Open: one.open, Facts: facts})
	if err != nil {
		return f, err
	}
	f.Detail += " " + text
	if len(f.Remedy) == 0 {
		f.Remedy = []report.Remedy{{Text: remedy}}
	}
	f.Args = withArg(f.Args, "configurationRight", one.right)
	return f, nil
}

// withArg copies before it adds: the args are the finding's own.
func withArg(args finding.Args, name string, value any) finding.Args {
	out := finding.Args{name: value}
	for key, old := range args {
		out[key] = old
	}
	return out
}

// causedHeadline is the headline of a symptom, with its cause where that is certain.
func (j *judge) causedHeadline(f finding.Finding) (string, error) {
	headline, err := j.words.Headline(f, j.factsOf(f))
	if err != nil {
		return "", err
	}
	one, _ := j.joins.of(f)
	fact, certain := one.certain()
	if !certain {
		return headline, nil
	}
	why, err := j.words.Headline(fact, j.factsOf(fact))
	if err != nil {
		return "", err
	}
	return j.words.Verdict("because", catalog.Facts{"headline": headline, "cause": why})
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
