package connect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

const (
	// slowRTTMs is beyond one continent or one ocean (Europe to the east of America takes 80 to 110 ms). From here on a
	// copy through a window of 64 KB, as appliances without window scaling leave it, stays under 0.5 MB/s, and every
	// statement of the migration service waits this long.
	slowRTTMs = 150
	// lossyFrom forgives one lost segment of the dozen that a check sends: that happens on good ways too.
	lossyFrom = 2
	// nearbyMs is less than any way out of a region takes: light in fibre goes 100 km and back in 1 ms.
	nearbyMs = 1
)

// Judge says what the handshakes mean: nothing, one cause why there is no connection, or what is wrong with the one
// there is. Where the whole check's budget ended the layer it says nothing.
func Judge(o Observation) []finding.Finding {
	if !anyOf(o.Attempts, Connected) {
		return judgeFailure(o)
	}
	var found []finding.Finding
	if f, is := intermittent(o); is {
		found = append(found, f)
	}
	if f, is := slow(o); is {
		found = append(found, f)
	}
	if refused := only(o.Attempts, RefusedByPolicy); len(refused) > 0 {
		f := notAllowed(o, refused)
		f.Advisory = true
		found = append(found, f)
	}
	return found
}

// byEvidence ranks the outcomes: an answer from the network says more than silence, silence more than our own host.
func byEvidence() []Outcome {
	return []Outcome{Refused, HostUnreachable, NetworkUnreachable, Timeout, Other, NotPermitted, LocalPortsExhausted,
		RefusedByPolicy}
}

func codes() map[Outcome]finding.Code {
	return map[Outcome]finding.Code{
		Refused:            finding.TCPRefused,
		HostUnreachable:    finding.TCPHostUnreachable,
		NetworkUnreachable: finding.TCPNetworkUnreachable,
		Timeout:            finding.TCPTimeout,
		// What connect(2) can return beyond the others comes from the network too; args.errnoName says what it was.
		Other:               finding.TCPHostUnreachable,
		NotPermitted:        finding.TCPNotPermitted,
		LocalPortsExhausted: finding.TCPLocalPortsExhausted,
	}
}

// judgeFailure gives one primary code for a layer without a connection.
func judgeFailure(o Observation) []finding.Finding {
	if anyOf(o.Attempts, Cancelled) {
		return nil
	}
	for _, outcome := range byEvidence() {
		attempts := only(o.Attempts, outcome)
		if len(attempts) == 0 {
			continue
		}
		if outcome == RefusedByPolicy {
			return []finding.Finding{notAllowed(o, attempts)}
		}
		return []finding.Finding{{Code: codes()[outcome], Layer: finding.Connect, Args: failureArgs(o, attempts)}}
	}
	return nil
}

// failureArgs tell about the last attempt with the outcome that decided, and list all.
func failureArgs(o Observation, decisive []Attempt) finding.Args {
	last := decisive[len(decisive)-1]
	return finding.Args{
		"address":   last.Address,
		"addresses": addresses(decisive),
		"port":      int(o.Port),
		"elapsedMs": last.ElapsedMs,
		"errno":     last.Errno,
		"errnoName": last.ErrnoName,
		"attempts":  len(o.Attempts),
		"outcomes":  outcomes(o.Attempts),
		// An answer that came sooner than the server could have sent it comes from a firewall or proxy on the way.
		"answeredNearby": last.Outcome == Refused && last.ElapsedMs < nearbyMs,
	}
}

func notAllowed(o Observation, refused []Attempt) finding.Finding {
	return finding.Finding{Code: finding.RequestTargetNotAllowed, Layer: finding.Request, Args: finding.Args{
		"address":   refused[0].Address,
		"addresses": addresses(refused),
		"port":      int(o.Port),
		"reason":    refused[0].Policy,
	}}
}

// intermittent holds where a connection was made and something else failed: another address, or the first round.
func intermittent(o Observation) (finding.Finding, bool) {
	var works, fails []Attempt
	for _, a := range o.Attempts {
		switch a.Outcome {
		case Connected:
			works = append(works, a)
		case RefusedByPolicy, Cancelled:
		default:
			fails = append(fails, a)
		}
	}
	if len(works) == 0 || len(fails) == 0 {
		return finding.Finding{}, false
	}
	first := fails[0]
	return finding.Finding{Code: finding.TCPIntermittent, Layer: finding.Connect, Args: finding.Args{
		"works":          addresses(works),
		"fails":          outcomes(fails),
		"address":        first.Address,
		"port":           int(o.Port),
		"attempts":       len(o.Attempts),
		"errnoName":      first.ErrnoName,
		"sameAddress":    slices.Contains(addresses(works), first.Address),
		"fasterThanPath": first.Outcome == Refused && o.RTTMs > nearbyMs && first.ElapsedMs < o.RTTMs/2,
	}}, true
}

// slow looks at the kept connection: its round trip, and segments that were lost and sent again.
func slow(o Observation) (finding.Finding, bool) {
	kernel, kept := o.AtEnd, kept(o)
	if kernel == nil {
		kernel = kept.Kernel
	}
	retransmits := 0
	if kernel != nil {
		retransmits = kernel.Retransmits
	}
	if o.RTTMs <= slowRTTMs && retransmits < lossyFrom {
		return finding.Finding{}, false
	}
	return finding.Finding{Code: finding.TCPSlow, Layer: finding.Connect, Args: finding.Args{
		"address":     kept.Address,
		"port":        int(o.Port),
		"rttMs":       o.RTTMs,
		"limitMs":     float64(slowRTTMs),
		"retransmits": retransmits,
		"elapsedMs":   kept.ElapsedMs,
	}}, true
}

func kept(o Observation) Attempt {
	for _, a := range o.Attempts {
		if a.Kept {
			return a
		}
	}
	return Attempt{}
}

func anyOf(attempts []Attempt, outcome Outcome) bool { return len(only(attempts, outcome)) > 0 }

func only(attempts []Attempt, outcome Outcome) []Attempt {
	return slices.DeleteFunc(slices.Clone(attempts), func(a Attempt) bool { return a.Outcome != outcome })
}

// addresses lists each address once, in order.
func addresses(attempts []Attempt) []string {
	var out []string
	for _, a := range attempts {
		if !slices.Contains(out, a.Address) {
			out = append(out, a.Address)
		}
	}
	return out
}

// outcomes are lines such as "10.0.0.5 refused ECONNREFUSED".
func outcomes(attempts []Attempt) []string {
	out := make([]string, 0, len(attempts))
	for _, a := range attempts {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Address, a.Outcome, a.ErrnoName)))
	}
	return out
}
