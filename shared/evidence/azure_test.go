package evidence_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

var loaded = sync.OnceValues(catalog.Load)

// checked is a check whose probes saw what the scene's case says, before the configuration is judged.
func checked(s azuretest.Scene) diagnosis.Result {
	end := func(leg string) request.Endpoint {
		return request.Endpoint{Host: s.Case.Ends[leg].Host, Port: 5432, User: "migrator", Databases: []string{"orders"}}
	}
	c := request.Check{ID: "one", Depth: request.DepthLogin, Source: end("source"), Target: end("target")}
	c.Scenario.Source.Kind, c.Scenario.Source.Access = s.Case.SourceKind, s.Case.SourceAccess
	c.Scenario.Target.Access = s.Case.TargetAccess
	c.Azure = request.Azure{TargetResourceID: azuretest.TargetID, VantageSubnetID: azuretest.Vantage}
	legs := []string{"source", "target"}
	if s.Case.RuntimeServer {
		runtime := end("runtime")
		c.RuntimeServer, legs = &runtime, append(legs, "runtime")
	}
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	out := diagnosis.Result{Request: c, Placement: scenario.Place(c), Started: at, Finished: at.Add(time.Second),
		Vantage: report.Vantage{Address: s.Case.Vantage.String()}}
	for _, leg := range legs {
		l := diagnosis.Leg{Name: leg, From: "function", Endpoint: end(leg), Access: s.Case.TargetAccess}
		if leg == "source" {
			l.Kind, l.Access = s.Case.SourceKind, s.Case.SourceAccess
		}
		l.Layers = []diagnosis.Layer{
			{Layer: finding.Resolve, Observation: resolve.Observation{Name: l.Endpoint.Host, Addresses: s.Case.Ends[leg].Addresses}},
			{Layer: finding.Connect, Observation: "seen"}, {Layer: finding.TLS, Observation: "seen"},
			{Layer: finding.Login, Observation: "seen"}}
		if seen := s.Case.Ends[leg].SeenAs; seen.IsValid() {
			l.Layers[3].Observation = evidence.Login{Attempts: seenAs(seen)}
		}
		out.Legs = append(out.Legs, l)
	}
	return out
}

// seen adds what a probe found on a leg.
func seen(r diagnosis.Result, leg string, code finding.Code) diagnosis.Result {
	f := finding.Finding{Code: code, Layer: layerOf(code), Leg: leg, Args: finding.Args{"elapsedMs": 5000.0, "name": "db"}}
	for i := range r.Legs {
		for k := range r.Legs[i].Layers {
			if r.Legs[i].Name == leg && r.Legs[i].From == "function" && r.Legs[i].Layers[k].Layer == f.Layer {
				r.Legs[i].Layers[k].Findings = append(r.Legs[i].Layers[k].Findings, f)
			}
		}
	}
	return r
}

func layerOf(code finding.Code) finding.Layer {
	for prefix, layer := range map[string]finding.Layer{"DNS_": finding.Resolve, "TCP_": finding.Connect, "PEER_": finding.TLS,
		"TLS_": finding.TLS} {
		if strings.HasPrefix(string(code), prefix) {
			return layer
		}
	}
	return finding.Login
}

func reported(t *testing.T, r diagnosis.Result, c azure.Configuration) report.Report {
	t.Helper()
	words, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	evidence.Azure(&r, c)
	out, err := diagnosis.Report(words, &r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func codes(r report.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s", f.Severity, f.Leg, f.Code))
	}
	return out
}

// Each pair of the table: the symptom and the fact become one finding, with the fact as its cause and a command with
// the real names as its remedy.
func TestEachPairBecomesOneFinding(t *testing.T) {
	t.Parallel()
	tried := map[finding.Code]bool{}
	done := map[string]bool{}
	for _, row := range azuretest.Rows() {
		for _, undo := range azuretest.Undos(row) {
			for _, pair := range azure.Explanations() {
				for _, symptom := range pair.Symptoms {
					key := undo.Name + string(symptom)
					if pair.Fact == undo.Code && !done[key] {
						done[key] = true
						tried[pair.Fact] = joins(t, row, undo, symptom) || tried[pair.Fact]
					}
				}
			}
		}
	}
	for _, pair := range azure.Explanations() {
		if !tried[pair.Fact] {
			t.Errorf("%s was never joined", pair.Fact)
		}
	}
}

// joins tells whether the fact meets the probe; where it meets the migration alone, or the symptom speaks against it,
// there is nothing to join.
func joins(t *testing.T, row int, undo azuretest.Undo, symptom finding.Code) bool {
	t.Helper()
	scene := azuretest.Healthy(row)
	undo.Do(&scene)
	var fact finding.Finding
	for _, f := range azure.Judge(scene.Config, scene.Case).Findings {
		if f.Code == undo.Code && f.Leg == undo.Leg {
			fact = f
		}
	}
	if path := fact.Args["path"]; path != "probe" && path != "each" {
		return false
	}
	if scene.Config.Explains(fact, finding.Finding{Code: symptom, Layer: layerOf(symptom), Leg: undo.Leg}) == "" {
		if fact.Args["nowhere"] != true { // what goes nowhere is answered by nobody
			t.Errorf("row %d, %s does not explain %s", row, undo.Name, symptom)
		}
		return false
	}
	r := reported(t, seen(checked(scene), undo.Leg, symptom), scene.Config)
	name := fmt.Sprintf("row %d, %s, %s", row, undo.Name, symptom)
	i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Code == symptom })
	if i < 0 {
		t.Errorf("%s: found %v", name, codes(r))
		return false
	}
	f := r.Findings[i]
	if slices.ContainsFunc(r.Findings, func(o report.Finding) bool { return o.Code == undo.Code && o.Leg == undo.Leg && sameFact(o, fact) }) {
		t.Errorf("%s: the fact is told by itself too: %v", name, codes(r))
	}
	if len(f.Causes) == 0 || !slices.Contains([]string{"certain", "likely"}, f.Causes[0].Likelihood) || f.Causes[0].Confirm == "" {
		t.Fatalf("%s: causes %+v", name, f.Causes)
	}
	certain := f.Causes[0].Likelihood == "certain"
	if certain && strings.Contains(f.Causes[len(f.Causes)-1].Likelihood, "possible") {
		t.Errorf("%s: guesses beside a fact: %+v", name, f.Causes)
	}
	command := slices.ContainsFunc(f.Remedy, func(r report.Remedy) bool {
		return strings.HasPrefix(r.Command, "az ") && (strings.Contains(r.Command, fact.Args["name"].(string)) || strings.Contains(r.Command, fmt.Sprint(fact.Args["network"])))
	})
	if !command && fact.Args["nextHopAddress"] == "" && undo.Code != finding.AzEndpointNotApproved {
		t.Errorf("%s: no command with the name %v in %+v", name, fact.Args["name"], f.Remedy)
	}
	if f.Severity == finding.Failed && certain && !strings.Contains(r.Headline, "because") {
		t.Errorf("%s: headline %q", name, r.Headline)
	}
	if by, _ := f.Args["explainedBy"].([]string); !slices.Contains(by, string(undo.Code)) {
		t.Errorf("%s: explained by %v", name, f.Args["explainedBy"])
	}
	return true
}

func sameFact(f report.Finding, fact finding.Finding) bool {
	return f.Args["resourceId"] == fact.Args["resourceId"] && f.Args["rule"] == fact.Args["rule"] &&
		f.Args["otherId"] == fact.Args["otherId"]
}

// Nothing in a text or command is left open.
func TestWordsOfEachFault(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		for _, undo := range azuretest.Undos(row) {
			scene := azuretest.Healthy(row)
			undo.Do(&scene)
			for _, f := range reported(t, checked(scene), scene.Config).Findings {
				texts := []string{f.Title, f.Detail}
				for _, r := range f.Remedy {
					texts = append(texts, r.Text, r.Command)
				}
				for _, c := range f.Causes {
					texts = append(texts, c.Text, c.Confirm)
				}
				for _, text := range texts {
					for _, wrong := range []string{"<no value>", "<nil>", "''", "  ", "()", " ,", " ."} {
						if f.Layer == finding.Azure && strings.Contains(text, wrong) {
							t.Errorf("row %d, %s: %s says %q", row, undo.Name, f.Code, text)
						}
					}
				}
			}
		}
	}
}

func TestFaultWithoutASymptomIsAWarning(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		for _, undo := range azuretest.Undos(row) {
			scene := azuretest.Healthy(row)
			undo.Do(&scene)
			r := reported(t, checked(scene), scene.Config)
			if r.FirstBroken != nil || r.Verdict == report.NotReady || r.Verdict == report.Inconclusive {
				t.Errorf("row %d, %s: %s %v", row, undo.Name, r.Verdict, codes(r))
			}
			if undo.Step == "" {
				continue
			}
			i := slices.IndexFunc(r.Scenario.Steps, func(s report.Step) bool { return s.Key == undo.Step })
			if i < 0 || r.Scenario.Steps[i].State != "undone" {
				t.Errorf("row %d, %s: step %s is %+v", row, undo.Name, undo.Step, r.Scenario.Steps)
			}
		}
	}
}

func TestHealthyConfigurationShowsStepsDone(t *testing.T) {
	t.Parallel()
	for row, want := range map[int][]string{
		2:  {"target_zone_link", "nsg_outbound", "nsg_inbound"},
		7:  {"vnet_peering", "nsg_source_inbound", "nsg_outbound", "target_zone_link"},
		9:  {"vnet_peering", "nsg_source_inbound", "nsg_outbound", "source_endpoint_approved", "target_zone_link", "source_endpoint_zone", "source_zone_link", "source_a_record"},
		10: {"vnet_peering_target", "target_endpoint_approved", "runtime_zone_link", "target_endpoint_zone", "target_endpoint_zone_link", "target_a_record"},
	} {
		scene := azuretest.Healthy(row)
		r := checked(scene)
		for i := range r.Legs {
			r.Legs[i].Layers = nil // no probe had anything to do with it
		}
		for leg := range scene.Case.Ends {
			for i := range r.Legs {
				if r.Legs[i].Name == leg {
					r.Legs[i].Layers = []diagnosis.Layer{{Layer: finding.Resolve,
						Observation: resolve.Observation{Addresses: scene.Case.Ends[leg].Addresses}}}
				}
			}
		}
		made := reported(t, r, scene.Config)
		for _, key := range want {
			i := slices.IndexFunc(made.Scenario.Steps, func(s report.Step) bool { return s.Key == key })
			if i < 0 || made.Scenario.Steps[i].State != "done" {
				t.Errorf("row %d: %s is not done: %+v", row, key, made.Scenario.Steps)
			}
		}
	}
}

// A symptom that the configuration does not explain says so, and where to look.
func TestSymptomWithoutAFault(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(7)
	r := reported(t, seen(checked(scene), "source", finding.TCPTimeout), scene.Config)
	detail := r.Findings[0].Detail
	if r.Findings[0].Code != finding.TCPTimeout || !strings.Contains(detail, "configuration looks right here") ||
		!strings.Contains(detail, "the peering") || !strings.Contains(detail, "listen_addresses") {
		t.Errorf("%v\n%s", codes(r), detail)
	}
	if strings.Contains(r.Headline, "because") {
		t.Errorf("headline %q", r.Headline)
	}
	for _, f := range r.Findings[0].Causes {
		if strings.Contains(f.Text, "peering") || strings.Contains(f.Text, "security group") {
			t.Errorf("a cause that the configuration rules out: %s", f.Text)
		}
	}
	for _, remedy := range r.Findings[0].Remedy {
		if strings.Contains(remedy.Command, "az network nsg") {
			t.Errorf("a remedy for what is right: %s", remedy.Command)
		}
	}
	custom := azuretest.Healthy(9)
	for i := range custom.Config.VirtualNetworks {
		custom.Config.VirtualNetworks[i].DNSServers = []string{"10.2.0.4"}
	}
	r = reported(t, seen(checked(custom), "source", finding.DNSNameNotFound), custom.Config)
	if detail := r.Findings[0].Detail; !strings.Contains(detail, "168.63.129.16") || !strings.Contains(detail, "Not to be decided") {
		t.Errorf("custom DNS servers: %s", detail)
	}
}

// What the server itself met is explained by what stands on its own way, and not by what stands on the probe's.
func TestServersOwnSymptom(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(7)
	scene.Config.SecurityGroups = append(scene.Config.SecurityGroups, azure.SecurityGroup{ID: "/x/nsg-of-the-probe",
		Rules: []azure.Rule{{Name: "deny-all", Priority: 100, Direction: "Outbound", Access: "Deny", Protocol: "*", SourcePrefix: "*",
			SourcePort: "*", DestinationPrefix: "*", DestinationPort: "*"}}})
	for i := range scene.Config.Subnets {
		if scene.Config.Subnets[i].ID == azuretest.Vantage {
			scene.Config.Subnets[i].SecurityGroupID = "/x/nsg-of-the-probe"
		}
	}
	r := seen(checked(scene), "source", finding.TCPTimeout)
	own := diagnosis.Leg{Name: "source", From: "server", Layers: []diagnosis.Layer{{Layer: finding.Connect, Observation: "seen",
		Findings: []finding.Finding{{Code: finding.TCPTimeout, Layer: finding.Connect, Leg: "source", From: "server"}}}}}
	r.Legs = append(r.Legs, own)
	made := reported(t, r, scene.Config)
	for _, f := range made.Findings {
		if f.Code != finding.TCPTimeout {
			continue
		}
		explained := f.Args["explainedBy"] != nil
		if explained != (f.From == "") {
			t.Errorf("from %q it is explained: %v", f.From, explained)
		}
	}
}

// Where the request did not say where we stand, what is on the server's way is likely on ours too.
func TestUnknownVantage(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(7)
	scene.Config.Vantage = nil
	azuretest.Undos(7)[0].Do(&scene)
	r := reported(t, seen(checked(scene), "source", finding.TCPTimeout), scene.Config)
	if c := r.Findings[0].Causes; len(c) < 2 || c[0].Likelihood != "likely" || !strings.Contains(c[0].Text, "peering") {
		t.Errorf("%+v", c)
	}
}

func TestNothingIsAddedWhereNothingWasRead(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(7)
	bare := azure.Configuration{Target: &azure.Place{ResourceID: azuretest.TargetID}, Troubles: []azure.Trouble{
		{Resource: azuretest.TargetID, Kind: azure.NotPermitted, Action: "Microsoft.DBforPostgreSQL/flexibleServers/read", Roles: []string{"target"}}}}
	r := reported(t, checked(scene), bare)
	if r.Verdict != report.Ready || len(r.Findings) != 1 || r.Findings[0].Severity != finding.Info {
		t.Errorf("%s %v", r.Verdict, codes(r))
	}
	last := r.Legs[1].Layers[len(r.Legs[1].Layers)-1]
	if last.Layer != finding.Azure || last.Status != finding.StatusSkipped || last.Reason == "" {
		t.Errorf("%+v", last)
	}
	if layers := r.Legs[0].Layers; layers[len(layers)-1].Layer == finding.Azure {
		t.Errorf("the source has a layer without anything in it: %+v", layers)
	}
}

func TestCaseOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(1)
	for address, want := range map[string]bool{"203.0.113.70": false, "203.0.113.200": true} {
		target := scene.Case.Ends["target"]
		target.SeenAs = netip.MustParseAddr(address)
		scene.Case.Ends["target"] = target
		missing := slices.ContainsFunc(reported(t, checked(scene), scene.Config).Findings, func(f report.Finding) bool {
			return f.Code == finding.AzFirewallRuleMissing && f.Args["address"] == address
		})
		if missing != want {
			t.Errorf("%s: missing is %v", address, missing)
		}
	}
}

func seenAs(address netip.Addr) []login.Observation {
	return []login.Observation{{SeenAs: address.String()}}
}
