package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// situation is one network that fails in one way, and what a report on it must say.
type situation struct {
	name string
	// ids point into the failure signatures of the mission's facts.
	ids string
	// arrange breaks the healthy network; nil leaves it healthy.
	arrange func(*bench)
	// request changes the request; nil leaves the usual one: both ends, verify-full, depth tls, five seconds.
	request func(*request.Check)
	// want is the code of the first finding: what is broken, or else what is warned of or told. Empty means that the
	// report must have no finding at all.
	want finding.Code
	// leg is where it must be found; empty means the source.
	leg string
	// also lists what must be found beside it. Anything else is a false alarm.
	also []finding.Code
	// verdict is not_ready where it is left empty, and ready where want is empty too.
	verdict report.Verdict
	// args are those of the first finding that must have this value.
	args finding.Args
	// after looks at what the check left behind, such as a server's log.
	after func(*bench, *outcome)
}

// outcome is what the check said in a situation.
type outcome struct {
	situation
	answer answer
	faults []string
	// before are the faults of a first try, where this is the second.
	before []string
}

func usual() request.Check {
	end := func(host string) request.Endpoint {
		return request.Endpoint{Host: host, Port: 5432,
			TLS: request.TLS{Mode: request.TLSVerifyFull, RootsSetting: rootsSetting}}
	}
	return request.Check{Version: 1, ID: "lab", Mode: request.Offline, Depth: request.DepthTLS, TimeoutSeconds: 5,
		Scenario: request.Scenario{Source: request.SourcePlace{Kind: request.OnPremises, Access: request.Private},
			Target: request.TargetPlace{Access: request.VNetIntegrated}},
		Source: end(sourceName), Target: end(targetName)}
}

// play arranges a situation on a healed bench, checks, and compares.
func (b *bench) play(s situation) (out outcome) {
	out.situation = s
	defer func() {
		if fault, is := recover().(arrangeFault); is {
			out.faults = append(out.faults, "arrange: "+fault.Error())
		}
	}()
	must(b.heal())
	if s.arrange != nil {
		s.arrange(b)
	}
	checked := usual()
	if s.request != nil {
		s.request(&checked)
	}
	b.order.Request = checked.JSON()
	var err error
	out.answer, err = b.probe.check(b.order)
	must(err)
	out.compare(time.Duration(checked.TimeoutSeconds) * time.Second)
	if s.after != nil {
		s.after(b, &out)
	}
	return out
}

func (o *outcome) fault(format string, values ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, values...))
}

// compare holds the report against what was built.
func (o *outcome) compare(deadline time.Duration) {
	r := o.answer.Report
	if got, want := o.named(), o.expected(); got != want {
		o.fault("named %q, want %q", got, want)
	}
	if got, want := string(r.Verdict), string(o.expectedVerdict()); got != want {
		o.fault("verdict %s, want %s", got, want)
	}
	if got, want := codes(r), o.expectedCodes(); !slices.Equal(got, want) {
		o.fault("findings %v, want %v", got, want)
	}
	for name, want := range o.args {
		var got any
		if len(r.Findings) > 0 {
			got = r.Findings[0].Args[name]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			o.fault("args.%s = %v, want %v", name, got, want)
		}
	}
	o.faults = append(o.faults, invariants(o.answer, deadline)...)
}

// named is the code that stands first, with its leg.
func (o *outcome) named() string {
	r := o.answer.Report
	switch {
	case r.FirstBroken != nil:
		return strings.TrimSpace(string(r.FirstBroken.Code) + " " + r.FirstBroken.Leg)
	case len(r.Findings) > 0:
		return strings.TrimSpace(string(r.Findings[0].Code) + " " + r.Findings[0].Leg)
	}
	return ""
}

func (o *outcome) expected() string {
	switch {
	case o.want == "":
		return ""
	case o.leg == "none":
		return string(o.want)
	case o.leg == "":
		return string(o.want) + " source"
	}
	return string(o.want) + " " + o.leg
}

func (o *outcome) expectedVerdict() report.Verdict {
	switch {
	case o.verdict != "":
		return o.verdict
	case o.want == "":
		return report.Ready
	}
	return report.NotReady
}

func (o *outcome) expectedCodes() []finding.Code {
	var all []finding.Code
	if o.want != "" {
		all = append(all, o.want)
	}
	all = append(all, o.also...)
	slices.Sort(all)
	return all
}

func codes(r *report.Report) []finding.Code {
	var all []finding.Code
	for _, f := range r.Findings {
		all = append(all, f.Code)
	}
	slices.Sort(all)
	return all
}
