package scenario

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// State is how far a step is.
type State string

// The states. Unknown with codes in ShownBy means that it is one of several steps which those codes can mean.
const (
	Done    State = "done"
	Undone  State = "undone"
	Unknown State = "unknown"
)

// Progress is a step and what the check shows of it.
type Progress struct {
	Step  Step
	State State
	// ShownBy are the codes that point at the step.
	ShownBy []finding.Code
}

// Seen is what one layer of one leg showed.
type Seen struct {
	// Leg is empty for what belongs to none.
	Leg string
	// ByServer tells that the database server itself was asked, not a probe beside it.
	ByServer bool
	Layer    finding.Layer
	Status   finding.Status
	// Codes are those that failed or warned.
	Codes []finding.Code
	// Steps are those that the configuration shows done or undone by itself, by their keys.
	Steps map[string]State
}

// Progress says of each step whether the check shows it done. A code that several steps share decides none of them,
// except those that were shown done elsewhere: it says "one of these". What the server itself saw outweighs what a
// probe beside it saw.
func (p Placement) Progress(seen []Seen) []Progress {
	steps := p.Steps()
	out, suspects := make([]Progress, len(steps)), make([]Step, 0, len(steps))
	for i, step := range steps {
		if cleared(step, seen) {
			out[i] = Progress{Step: step, State: Done}
		} else {
			suspects = append(suspects, step)
		}
	}
	for i, step := range steps {
		if out[i].State == Done {
			continue
		}
		out[i] = p.progress(step, suspects, seen)
		if configured(step, seen) == Undone {
			out[i].State = Undone
		}
	}
	return out
}

// configured is what the configuration says of a step; empty where it does not tell.
func configured(step Step, seen []Seen) State {
	var said State
	for _, s := range seen {
		switch state := s.Steps[step.Key]; state {
		case Undone:
			return Undone
		case Done:
			said = Done
		}
	}
	return said
}

// cleared tells whether the configuration shows a step done, or one of those who tried, the probe or the server itself,
// got through what any vantage can show. What kept the other one out is then something else, unless the configuration
// says it.
func cleared(step Step, seen []Seen) bool {
	switch configured(step, seen) {
	case Done:
		return true
	case Undone:
		return false
	}
	about := func(s Seen) bool { return s.Leg == "" || s.Leg == step.Leg }
	shown := func(s Seen) bool { return about(s) && slices.ContainsFunc(s.Codes, step.shows) }
	read := func(s Seen) bool { return !s.probed() && shown(s) }
	if step.Reach != Anywhere || slices.ContainsFunc(seen, read) {
		return false
	}
	gotThrough := func(byServer bool) bool {
		proven := func(s Seen) bool { return s.ByServer == byServer && s.shownDone(step, seen) }
		kept := func(s Seen) bool { return s.ByServer == byServer && shown(s) }
		return slices.ContainsFunc(seen, proven) && !slices.ContainsFunc(seen, kept)
	}
	return gotThrough(false) || gotThrough(true)
}

// shownDone tells whether a layer shows a step done. A probe that was led to an address of the wrong nature went another
// way than the migration will, so that whatever it got through shows nothing.
func (s Seen) shownDone(step Step, seen []Seen) bool {
	led := func(s Seen) bool {
		return !s.ByServer && s.Leg == step.Leg && (slices.Contains(s.Codes, finding.DNSPublicWherePrivateExpected) ||
			slices.Contains(s.Codes, finding.DNSPrivateWherePublicExpected))
	}
	return s.Leg == step.Leg && s.proves(step.Proof) &&
		(s.ByServer || step.Proof == finding.Resolve || !slices.ContainsFunc(seen, led))
}

// probed tells a layer that somebody walked from what was read or requested.
func (s Seen) probed() bool { return s.Layer != finding.Azure && s.Layer != finding.Scenario }

func (s Step) shows(code finding.Code) bool { return slices.Contains(s.Codes, code) }

func (p Placement) progress(step Step, suspects []Step, seen []Seen) Progress {
	out := Progress{Step: step, State: Unknown}
	decides := p.decides(step, seen)
	var proven bool
	for _, s := range seen {
		if s.Leg != "" && s.Leg != step.Leg || s.outweighed(step, seen) {
			continue
		}
		for _, code := range s.Codes {
			if !step.shows(code) {
				continue
			}
			out.ShownBy = append(out.ShownBy, code)
			// The server's own attempt is the step itself, so its failure decides whatever it means.
			if step.Reach == Server || (decides || certain(code)) && alone(step, suspects, code) {
				out.State = Undone
			}
		}
		proven = proven || decides && s.shownDone(step, seen)
	}
	slices.Sort(out.ShownBy)
	out.ShownBy = slices.Compact(out.ShownBy)
	if proven && len(out.ShownBy) == 0 {
		out.State = Done
	}
	return out
}

// decides tells whether the evidence stands near enough to the migration's own connection.
func (p Placement) decides(step Step, seen []Seen) bool {
	return step.Reach == Anywhere || step.Reach == Network && p.TargetAccess != request.Public || asked(step, seen)
}

// asked tells whether the server itself reported on what the step is about. One that could not be asked did not, and that
// it found some address does not tell whether the name led to the right one.
func asked(step Step, seen []Seen) bool {
	return slices.ContainsFunc(seen, func(s Seen) bool {
		about := step.Proof != finding.Resolve || s.Layer == finding.Resolve && s.Status == finding.StatusFailed
		return about && s.ByServer && s.Leg == step.Leg && s.Status != finding.StatusSkipped &&
			s.Status != finding.StatusInconclusive
	})
}

// outweighed tells whether a probe's evidence does not count: the step is the server's own attempt, or the server said
// more about it. What was read from the configuration always counts.
func (s Seen) outweighed(step Step, seen []Seen) bool {
	if s.ByServer || !s.probed() || step.Reach == Anywhere {
		return false
	}
	return step.Reach == Server || asked(step, seen)
}

// certain codes state a fact of the configuration or of the request. That our own subnet is another one than the
// server's is a fact about the probe.
func certain(code finding.Code) bool {
	return strings.HasPrefix(string(code), "AZ_") && code != finding.AzVantageDiffers ||
		strings.HasPrefix(string(code), "SCENARIO_")
}

func alone(step Step, all []Step, code finding.Code) bool {
	return !slices.ContainsFunc(all, func(other Step) bool {
		return other.Key != step.Key && other.Leg == step.Leg && other.Reach != Server && other.shows(code)
	})
}

// proves tells whether a layer shows that the proving one was got through: it passed, or a deeper one had something to
// fail at, or it failed at what only a server that answered can show.
func (s Seen) proves(proof finding.Layer) bool {
	if proof == "" || !s.probed() || s.Status == finding.StatusSkipped || s.Status == finding.StatusInconclusive {
		return false
	}
	layers := finding.Layers()
	at, wanted := slices.Index(layers, s.Layer), slices.Index(layers, proof)
	if at < wanted || s.ByServer && proof == finding.Resolve {
		return false
	}
	return at > wanted || s.Status != finding.StatusFailed ||
		s.Layer == finding.TLS && slices.ContainsFunc(s.Codes, answered)
}

// answered tells whether a code of the TLS layer needs a server that got our bytes and sent its own.
func answered(code finding.Code) bool {
	notSo := []finding.Code{finding.TLSNotTLS, finding.TLSStalled, finding.TLSClosed, finding.TLSReset}
	return strings.HasPrefix(string(code), "TLS_") && !slices.Contains(notSo, code)
}
