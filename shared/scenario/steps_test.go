package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	var keys, used []string
	for _, step := range Steps() {
		if slices.Contains(keys, step.Key) {
			t.Errorf("%s stands twice", step.Key)
		}
		keys = append(keys, step.Key)
		if len(step.Codes) == 0 || !slices.Contains([]string{source, target, runtime}, step.Leg) {
			t.Errorf("%s: codes %v, leg %q", step.Key, step.Codes, step.Leg)
		}
		for _, code := range step.Codes {
			if !slices.Contains(finding.Codes(), code) {
				t.Errorf("%s: %s is no code", step.Key, code)
			}
		}
		if step.Proof != "" && !slices.Contains(finding.Layers(), step.Proof) {
			t.Errorf("%s: %s is no layer", step.Key, step.Proof)
		}
	}
	for _, row := range Rows() {
		for _, key := range row.Steps {
			if !slices.Contains(keys, key) {
				t.Errorf("row %d: no step %q", row.Number, key)
			}
			used = append(used, key)
		}
	}
	for _, key := range keys {
		if !slices.Contains(used, key) {
			t.Errorf("no row has the step %s", key)
		}
	}
}

// Each networking step of the page, by its heading, with the steps that stand for it. Steps that only say where a value
// is read in the portal are part of the step that the value is for.
func TestEveryStepOfThePageIsThere(t *testing.T) {
	t.Parallel()
	type line struct{ text, keys string }
	page := map[string][]line{
		headingPremisesPublic: {
			{"source has a public IP address", "source_public_address"},
			{"firewall on the PostgreSQL port (inbound: the page's outbound is wrong)", "source_admits_target"},
			{"source is accessible over the internet", "source_reachable_internet"},
			{"verify connectivity from the target", "verify_from_target"}},
		headingPremisesPrivate: {
			{"site-to-site VPN or ExpressRoute", "gateway"},
			{"virtual network allows the on-premises range", "vnet_allows_source_range"},
			{"network security group rules on the port", "nsg_outbound nsg_inbound"},
			{"verify connectivity from the target", "verify_from_target"}},
		headingManaged: {
			{"public: instance publicly accessible", "source_public_access"},
			{"public: inbound rule for the target's public address", "source_admits_target"},
			{"private: VPN, ExpressRoute, Direct Connect, Interconnect", "gateway"},
			{"private: inbound rule for the virtual network's range", "source_admits_vnet"},
			{"private: virtual network in the region, outbound rule", "target_network nsg_outbound"},
			{"private: rules that permit incoming connections", "nsg_inbound"},
			{"private: test the connectivity", "verify_from_target"}},
		headingVMPeered: {
			{"virtual network peering", "vnet_peering"},
			{"rules between the virtual networks", "nsg_source_inbound nsg_outbound"}},
		headingVMSame: {
			{"same virtual network", "same_virtual_network"},
			{"rules within the virtual network", "nsg_source_inbound nsg_outbound"}},
		headingSinglePublic: {
			{"virtual network rule with subscription, network and subnet of the flexible server", "vnet_rule"}},
		headingSingleEndpoint: {
			{"details of endpoint and flexible server, peering", "vnet_peering"},
			{"no group blocks flexible server to single server", "nsg_source_inbound nsg_outbound"},
			{"flexible server's zone and its links", "target_zone_link"},
			{"zone attached to the endpoint", "source_endpoint_zone"},
			{"links of the endpoint's zone", "source_zone_link"},
			{"A record with a private address", "source_a_record"}},
		headingTwoEndpoints: {
			{"details of both endpoints and of the runtime server", "vnet_peering vnet_peering_target runtime_server"},
			{"peering", "vnet_peering vnet_peering_target"},
			{"no group blocks source, runtime server and target", "nsg_source_inbound nsg_outbound"},
			{"flexible server's zone and its links", "runtime_zone_link"},
			{"zone attached to the single server's endpoint, links", "source_endpoint_zone source_zone_link"},
			{"the same for the flexible server's endpoint", "target_endpoint_zone target_endpoint_zone_link"},
			{"custom FQDN/IP instead", "custom_source_address custom_target_address"}},
		headingPrivateEndpoint: {
			{"VPN or ExpressRoute; for a VM peering", "gateway vnet_peering"},
			{"details of the runtime server", "runtime_server"},
			{"peering", "vnet_peering vnet_peering_target"},
			{"no group blocks source, runtime server and target", "nsg_outbound"},
			{"runtime server's zone, linked to source and target", "runtime_zone_link"},
			{"zone attached to the target's endpoint", "target_endpoint_zone"},
			{"links for the flexible server and the runtime server", "target_endpoint_zone_link"},
			{"custom FQDN/IP instead", "custom_target_address"}},
	}
	for heading, lines := range page {
		var steps []string
		for _, row := range Rows() {
			if slices.Contains(row.Headings, heading) {
				steps = append(steps, row.Steps...)
			}
		}
		for _, l := range lines {
			for _, key := range strings.Fields(l.keys) {
				if !slices.Contains(steps, key) {
					t.Errorf("%s: %q needs the step %s", heading, l.text, key)
				}
			}
		}
	}
	for _, row := range Rows() {
		for _, heading := range row.Headings {
			if page[heading] == nil {
				t.Errorf("row %d: no heading %q", row.Number, heading)
			}
		}
	}
}

func TestStepsFollowTheRequest(t *testing.T) {
	t.Parallel()
	vm := declared(request.AzureVM, request.Private, request.VNetIntegrated)
	near := vm
	near.Scenario.SameVirtualNetwork = true
	custom := declared(request.AzureSingleServer, request.PrivateEndpoint, request.PrivateEndpoint)
	custom.Source.Address = "10.2.0.7"
	for _, c := range []struct {
		name      string
		check     request.Check
		has, hasn string
	}{
		{"VM elsewhere", vm, "vnet_peering nsg_source_inbound target_zone_link",
			"same_virtual_network custom_target_address"},
		{"VM in the same network", near, "same_virtual_network", "vnet_peering"},
		{"custom address of the source", custom, "custom_source_address target_a_record",
			"source_a_record source_zone_link source_endpoint_zone custom_target_address"},
		{"any source on premises", declared(request.OnPremises, request.Private, request.PrivateEndpoint),
			"gateway return_route source_pg_hba vnet_peering_target", "vnet_peering nsg_source_inbound"},
		{"any source on a VM", declared(request.AzureVM, request.Private, request.PrivateEndpoint),
			"vnet_peering nsg_source_inbound source_pg_hba", "gateway return_route"},
		{"RDS has no pg_hba.conf to edit", declared(request.AmazonRDS, request.Private, request.PrivateEndpoint),
			"gateway source_admits_vnet", "source_pg_hba"},
	} {
		var got []string
		for _, step := range Place(c.check).Steps() {
			got = append(got, step.Key)
		}
		for _, key := range strings.Fields(c.has) {
			if !slices.Contains(got, key) {
				t.Errorf("%s: no %s in %v", c.name, key, got)
			}
		}
		for _, key := range strings.Fields(c.hasn) {
			if slices.Contains(got, key) {
				t.Errorf("%s: %s in %v", c.name, key, got)
			}
		}
	}
}

// The catalogue has words for everything that the table can say, for every kind of source, with and without facts.
func TestWords(t *testing.T) {
	t.Parallel()
	words, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	owners := []report.Owner{report.Requester, report.SourceDBA, report.TargetDBA, report.SourceNetwork,
		report.AzureNetwork, report.DNSAdmin, report.IdentityAdmin, report.Operator}
	whole := func(text string, err error) {
		t.Helper()
		if err != nil || text == "" || strings.Contains(text, "<no value>") || strings.Contains(text, "{{") {
			t.Errorf("%q, %v", text, err)
		}
	}
	for _, row := range Rows() {
		whole(words.Row(row.Number))
	}
	for _, note := range []Note{KindFollows, KindUnknown, KindOther, PublicToEndpoint, PublicToVNet, PublicVM,
		SingleToPublic, SingleWithoutAccess, EndpointElsewhere, PrivateHeroku, Retired} {
		whole(words.Note(string(note), catalog.Facts{"kind": "edb", "row": 2}))
	}
	for _, answer := range Answers() {
		whole(words.Answer(answer.Key))
	}
	for _, kind := range kinds() {
		for _, step := range Steps() {
			for _, facts := range []catalog.Facts{{"kind": string(kind)}, {"kind": string(kind), "runtimeRow": true,
				"server": "it's", "port": 6432, "resourceGroup": "rg", "targetHost": "new.corp.example"}} {
				worded, err := words.Step(step.Key, facts)
				whole(worded.Text, err)
				if strings.Contains(worded.Command+" ", " '' ") || !slices.Contains(owners, worded.Owner) {
					t.Errorf("%s for %q: owner %q, command %s", step.Key, kind, worded.Owner, worded.Command)
				}
			}
		}
	}
}
