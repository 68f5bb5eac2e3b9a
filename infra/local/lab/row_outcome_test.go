package lab

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// rowOutcome is what the check said of a topology, healthy or with a step undone.
type rowOutcome struct {
	topology
	undoing
	answer answer
	// packets is how many the vantage sent over TCP and UDP.
	packets int
	faults  []string
}

func (b *bench) playRow(top topology, u undoing) (out rowOutcome) {
	out.topology, out.undoing = top, u
	defer func() {
		if fault, is := recover().(arrangeFault); is {
			out.faults = append(out.faults, "arrange: "+fault.Error())
		}
	}()
	must(b.heal())
	checked := b.build(top)
	b.vantage.filter("output", "meta l4proto { tcp, udp } counter")
	if u.step != "" {
		checked.TimeoutSeconds = 6
	}
	if u.arrange != nil {
		u.arrange(b)
	}
	if u.request != nil {
		u.request(&checked)
	}
	b.order.Request = checked.JSON()
	var err error
	out.answer, err = b.probe.check(b.order)
	must(err)
	out.packets, err = b.vantage.sent()
	must(err)
	out.faults = invariants(out.answer, time.Duration(checked.TimeoutSeconds)*time.Second)
	if got := out.answer.Report.Scenario.Row; got != top.row {
		out.fault("row %d, want %d", got, top.row)
	}
	switch {
	case top.unsupported():
		out.compareUnsupported()
	case u.step == "":
		out.compareHealthy()
	default:
		out.compareUndone()
	}
	return out
}

// sent reads the counter of the output hook.
func (h *host) sent() (int, error) {
	var raw []byte
	err := h.Do(func() error {
		var err error
		raw, err = exec.Command("nft", "-j", "list", "table", "inet", "lab_output").Output()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("list counters: %w", err)
	}
	_, after, found := bytes.Cut(raw, []byte(`"counter": {"packets": `))
	var packets int
	if _, err := fmt.Sscan(string(after[:min(len(after), 20)]), &packets); err != nil || !found {
		return 0, fmt.Errorf("read counters of %s: %w", raw, err)
	}
	return packets, nil
}

func (o *rowOutcome) fault(format string, values ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, values...))
}

// compareHealthy demands the verdict, every provable step done and every other one left open.
func (o *rowOutcome) compareHealthy() {
	r := o.answer.Report
	if r.Verdict != report.Ready || o.packets == 0 {
		o.fault("verdict %s with %v after %d packets, want ready", r.Verdict, codes(r), o.packets)
	}
	o.compareLayers()
	var open []string
	for _, step := range r.Scenario.Steps {
		if step.State != "done" {
			open = append(open, step.Key)
		}
	}
	want := o.unprovenKeys()
	slices.Sort(open)
	if !slices.Equal(open, want) {
		o.fault("steps not done %v, want %v", open, want)
	}
}

// compareLayers demands that each end was walked as deep as was asked: real logins, and in two rows the prerequisites.
func (o *rowOutcome) compareLayers() {
	deepest := finding.Login
	if o.depth == request.DepthPrerequisites {
		deepest = finding.Prerequisites
	}
	for _, leg := range o.answer.Report.Legs {
		for _, layer := range leg.Layers {
			asked := layer.Layer == deepest || layer.Layer == finding.TLS
			if asked && leg.From == "function" && layer.Status != finding.StatusPassed {
				o.fault("%s of the %s is %s", layer.Layer, leg.Name, layer.Status)
			}
		}
	}
}

func (o *rowOutcome) unprovenKeys() []string {
	var out []string
	for _, step := range o.answer.Report.Scenario.Steps {
		if _, unprovable := o.unprovable[step.Key]; unprovable {
			out = append(out, step.Key)
		}
	}
	slices.Sort(out)
	return out
}

// compareUnsupported demands the answer before a packet is sent.
func (o *rowOutcome) compareUnsupported() {
	r := o.answer.Report
	if r.Verdict != report.Unsupported || o.packets != 0 || len(r.Legs) != 0 {
		o.fault("verdict %s after %d packets on %d legs, want unsupported before any", r.Verdict, o.packets, len(r.Legs))
	}
	o.compareUndone()
}

// compareUndone demands that the step is shown by its code: undone where the code can mean nothing else, and otherwise
// one of the steps that look the same from here. No other step may be called undone.
func (o *rowOutcome) compareUndone() {
	r := o.answer.Report
	at := slices.IndexFunc(r.Scenario.Steps, func(s report.Step) bool { return s.Key == o.step })
	if at < 0 {
		o.fault("the report has no step %s", o.step)
		return
	}
	step := r.Scenario.Steps[at]
	if !slices.Contains(step.ShownBy, o.code) {
		o.fault("shown by %v, want %s; found %v", step.ShownBy, o.code, codes(r))
	}
	want := "undone"
	if len(o.among) > 0 {
		want = "unknown"
	}
	suspects := o.suspects(step.Leg)
	if step.State != want {
		o.fault("%s is %s, want %s; the same is shown of %v", o.step, step.State, want, suspects)
	}
	if r.Verdict == report.Ready {
		o.fault("verdict ready")
	}
	// The server's own attempt fails with whatever is undone on its way.
	if o.step != ownAttempt {
		o.compareOthers(suspects)
	}
}

const ownAttempt = "verify_from_target"

// compareOthers demands that the suspects are those that look the same, and that no other step is called undone.
func (o *rowOutcome) compareOthers(suspects []string) {
	if all := append([]string{o.step}, o.among...); !sameSet(suspects, all) {
		o.fault("%s is shown of %v, want %v", o.code, suspects, all)
	}
	for _, other := range o.answer.Report.Scenario.Steps {
		if other.State == "undone" && other.Key != o.step && other.Key != ownAttempt {
			o.fault("%s is called undone by %v", other.Key, other.ShownBy)
		}
	}
}

// suspects are the steps of a leg that the code points at, but for the server's own attempt.
func (o *rowOutcome) suspects(leg string) []string {
	var out []string
	for _, step := range o.answer.Report.Scenario.Steps {
		attempt := step.Key == ownAttempt
		if step.Leg == leg && !attempt && slices.Contains(step.ShownBy, o.code) {
			out = append(out, step.Key)
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// line is the outcome's line of the table.
func (o *rowOutcome) line() string {
	if o.answer.Report == nil {
		return fmt.Sprintf("row %2d %-52s %-26s no report", o.row, o.name, o.step)
	}
	if o.step == "" {
		steps := o.answer.Report.Scenario.Steps
		return fmt.Sprintf("row %2d %-52s %-26s %s, %d of %d steps shown done", o.row, o.name, "(healthy)",
			o.answer.Report.Verdict, len(steps)-len(o.unprovenKeys()), len(steps))
	}
	named := "alone"
	if len(o.among) > 0 {
		named = "or " + strings.Join(o.among, ", ")
	}
	return fmt.Sprintf("row %2d %-52s %-26s %-34s %s (%s)", o.row, o.how, o.step, o.code, o.answer.Report.Verdict, named)
}
