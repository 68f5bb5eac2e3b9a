package prerequisites

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// usualPatience is how long a transaction may be open before it is worth a word. A slot's creation waits for it.
const usualPatience = 300

// Expect is what the request says, for the judgement.
type Expect struct {
	// Mode is the migration mode.
	Mode request.Mode
	// Kind is what the source runs on; empty where neither declared nor inferred.
	Kind request.Kind
	// Databases are those to migrate.
	Databases []string
	// TargetStorageBytes is the target's storage where the management plane told it; 0 means not known.
	TargetStorageBytes int64
	// PatienceSeconds is from which age on a transaction counts as long; 0 means 300.
	PatienceSeconds float64
}

func (e Expect) patience() float64 {
	if e.PatienceSeconds > 0 {
		return e.PatienceSeconds
	}
	return usualPatience
}

// needed is the number of slots that an online migration takes: one for each database and one to spare. The documents
// say "greater than" and "plus one" in different places.
func (e Expect) needed() int { return max(len(e.Databases), 1) + 1 }

// Judge says what one server's facts mean by themselves. What needs both ends is Compare's.
func Judge(own Observation, e Expect) []finding.Finding {
	s := subject{own, e}
	var found []finding.Finding
	var unknown []string
	for _, r := range table() {
		if r.own == nil || r.Side != own.Side || !r.holds(s) {
			continue
		}
		for _, v := range r.own(s) {
			found, unknown = r.add(v, s, found), r.noteUnknown(v, unknown)
		}
	}
	if f, any := notChecked(own, unknown); any {
		found = append(found, f)
	}
	return found
}

// Compare says what the facts of both ends mean together. Each finding names the leg that must act: the runner does not
// fill it in here. An end that was not asked is an empty Observation with its Side set.
func Compare(source, target Observation, e Expect) []finding.Finding {
	p := pair{subject{source, e}, subject{target, e}}
	var found []finding.Finding
	var unknown []string
	for _, r := range table() {
		s := p.source
		if r.Side == SideTarget {
			s = p.target
		}
		if r.compare == nil || !r.holds(s) {
			continue
		}
		for _, v := range r.compare(p) {
			found, unknown = r.add(v, s, found), r.noteUnknown(v, unknown)
		}
	}
	for i := range found {
		found[i].Leg = string(ruleSide(found[i].Code))
	}
	if f, any := notChecked(Observation{}, unknown); any {
		f.Leg = string(SideTarget)
		found = append(found, f)
	}
	return found
}

// ruleSide is the leg of a comparison's finding.
func ruleSide(code finding.Code) Side {
	i := slices.IndexFunc(comparisons(), func(r Rule) bool { return r.Code == code })
	return comparisons()[i].Side
}

// holds tells whether the rule is for this mode and version. Without a version every rule is tried: its facts are then
// missing as well, or tell enough.
func (r Rule) holds(s subject) bool {
	version := s.version()
	tooNew := r.MaxVersion > 0 && version > r.MaxVersion
	return (r.Mode == "" || r.Mode == s.e.Mode) && !tooNew && (version == 0 || version >= r.MinVersion)
}

func (r Rule) add(v verdict, s subject, found []finding.Finding) []finding.Finding {
	if v.unknown != "" {
		return found
	}
	v.args[s.platform()] = true
	if r.Validation != "" {
		state := r.State
		if v.advisory {
			state = Warning
		}
		v.args["validationType"], v.args["validationState"] = string(r.Validation), string(state)
	}
	return append(found, finding.Finding{Code: r.Code, Layer: finding.Prerequisites, Advisory: v.advisory, Args: v.args})
}

func (r Rule) noteUnknown(v verdict, unknown []string) []string {
	if v.unknown == "" {
		return unknown
	}
	return append(unknown, string(r.Code)+": "+v.unknown)
}

// notChecked gathers what could not be read and what could not be told from what was.
func notChecked(o Observation, unknown []string) (finding.Finding, bool) {
	var codes []string
	why := append([]string{}, unknown...)
	for _, n := range o.NotRead {
		name := n.Question
		if n.Database != "" {
			name += " of database " + n.Database
		}
		if n.SQLState != "" {
			name += " (" + n.SQLState + ")"
		}
		why = append(why, name+": "+n.Why)
		codes = append(codes, judgedBy(n.Question, o)...)
	}
	slices.Sort(codes)
	args := finding.Args{"count": len(why), "why": why[:min(len(why), 20)], "rules": slices.Compact(codes)}
	return finding.Finding{Code: finding.PreNotChecked, Layer: finding.Prerequisites, Args: args}, len(why) > 0
}

// judgedBy lists the rules that a question's answer was wanted for.
func judgedBy(question string, o Observation) []string {
	var codes []string
	for _, r := range table() {
		concerns := r.compare != nil || r.Side == o.Side
		if concerns && slices.Contains(r.Needs, question) && (r.Mode == "" || r.Mode == o.Mode) {
			codes = append(codes, string(r.Code))
		}
	}
	return codes
}
