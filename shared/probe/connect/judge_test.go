package connect

import (
	"encoding/json"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	good := Attempt{Address: "10.0.0.1", Number: 1, Outcome: Connected, Kept: true, ElapsedMs: 21}
	bad := func(address string, outcome Outcome, elapsed float64) Attempt {
		return Attempt{Address: address, Number: 1, Outcome: outcome, ElapsedMs: elapsed}
	}
	for name, test := range map[string]struct {
		o     Observation
		codes []finding.Code
		args  finding.Args
	}{
		"nothing tried":                          {Observation{}, nil, nil},
		"good":                                   {Observation{Attempts: []Attempt{good}, RTTMs: 20}, nil, nil},
		"just not slow":                          {Observation{Attempts: []Attempt{good}, RTTMs: 150}, nil, nil},
		"slow":                                   {Observation{Attempts: []Attempt{good}, RTTMs: 151}, codesOf(finding.TCPSlow), finding.Args{"rttMs": 151.0, "retransmits": 0}},
		"one SYN was lost":                       {Observation{Attempts: []Attempt{withKernel(good, 1)}, RTTMs: 20}, nil, nil},
		"two SYNs were lost":                     {Observation{Attempts: []Attempt{withKernel(good, 2)}, RTTMs: 20}, codesOf(finding.TCPSlow), finding.Args{"retransmits": 2}},
		"data was lost":                          {Observation{Attempts: []Attempt{withKernel(good, 0)}, AtEnd: &Kernel{Retransmits: 4}, RTTMs: 20}, codesOf(finding.TCPSlow), finding.Args{"retransmits": 4}},
		"refused and slow":                       {Observation{Attempts: []Attempt{bad("10.0.0.2", Refused, 21), good}, RTTMs: 200}, codesOf(finding.TCPIntermittent, finding.TCPSlow), nil},
		"cancelled":                              {Observation{Attempts: []Attempt{bad("10.0.0.1", Refused, 1), bad("10.0.0.2", Cancelled, 9)}}, nil, nil},
		"refused by server":                      {Observation{Port: 5432, Attempts: []Attempt{bad("10.0.0.1", Refused, 22)}}, codesOf(finding.TCPRefused), finding.Args{"answeredNearby": false, "elapsedMs": 22.0, "port": 5432}},
		"refused nearby":                         {Observation{Attempts: []Attempt{bad("10.0.0.1", Refused, 0.3)}}, codesOf(finding.TCPRefused), finding.Args{"answeredNearby": true}},
		"refused sooner than the path":           {Observation{Attempts: []Attempt{bad("10.0.0.1", Refused, 0.3), good}, RTTMs: 20}, codesOf(finding.TCPIntermittent), finding.Args{"fasterThanPath": true, "sameAddress": true}},
		"refused says more than silence":         {Observation{Attempts: []Attempt{bad("10.0.0.1", Timeout, 5000), bad("10.0.0.2", Refused, 20)}}, codesOf(finding.TCPRefused), finding.Args{"address": "10.0.0.2"}},
		"silence says more than our own trouble": {Observation{Attempts: []Attempt{bad("10.0.0.1", LocalPortsExhausted, 1), bad("10.0.0.2", Timeout, 5000)}}, codesOf(finding.TCPTimeout), finding.Args{"address": "10.0.0.2"}},
		"policy beside a good address":           {Observation{Attempts: []Attempt{bad("127.0.0.1", RefusedByPolicy, 0), good}, RTTMs: 20}, codesOf(finding.RequestTargetNotAllowed), finding.Args{"address": "127.0.0.1"}},
		"policy beside silence":                  {Observation{Attempts: []Attempt{bad("127.0.0.1", RefusedByPolicy, 0), bad("10.0.0.2", Timeout, 5000)}}, codesOf(finding.TCPTimeout), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := Judge(recorded(t, test.o))
			if len(found) != len(test.codes) {
				t.Fatalf("findings %v, want %v", found, test.codes)
			}
			for i, code := range test.codes {
				if found[i].Code != code {
					t.Errorf("finding %d is %s, want %s", i, found[i].Code, code)
				}
			}
			for key, want := range test.args {
				if got := found[0].Args[key]; got != want {
					t.Errorf("args[%q] = %v (%T), want %v", key, got, got, want)
				}
			}
		})
	}
}

func TestRefusedByPolicyIsAMatterOfTheRequest(t *testing.T) {
	t.Parallel()
	refused := Attempt{Address: "169.254.169.254", Outcome: RefusedByPolicy, Policy: "metadata"}
	alone := Judge(Observation{Attempts: []Attempt{refused}})[0]
	beside := Judge(Observation{Attempts: []Attempt{refused, {Address: "10.0.0.1", Outcome: Connected, Kept: true}}})[0]
	if alone.Layer != finding.Request || alone.Advisory {
		t.Errorf("alone: %+v", alone)
	}
	if beside.Layer != finding.Request || !beside.Advisory {
		t.Errorf("beside a good address: %+v", beside)
	}
}

func codesOf(codes ...finding.Code) []finding.Code { return codes }

func withKernel(a Attempt, retransmits int) Attempt {
	a.Kernel = &Kernel{RTTMs: 20, Retransmits: retransmits}
	return a
}

// recorded sends an observation through JSON: a report that was kept must judge as the live one did.
func recorded(t *testing.T, o Observation) Observation {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back Observation
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}
