package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// ran reads "source.connect=failed:TCP_TIMEOUT server.source.tls=passed": layers of legs, with the codes found there. A
// leg named "none" stands for what belongs to no leg.
func ran(text string) []Seen {
	var out []Seen
	for _, word := range strings.Fields(text) {
		var s Seen
		word, s.ByServer = strings.CutPrefix(word, "server.")
		place, outcome, _ := strings.Cut(word, "=")
		leg, layer, _ := strings.Cut(place, ".")
		if leg != "none" {
			s.Leg = leg
		}
		status, codes, _ := strings.Cut(outcome, ":")
		s.Layer, s.Status = finding.Layer(layer), finding.Status(status)
		for _, code := range strings.FieldsFunc(codes, func(r rune) bool { return r == ',' }) {
			s.Codes = append(s.Codes, finding.Code(code))
		}
		out = append(out, s)
	}
	return out
}

const wholeWay = "source.resolve=passed source.connect=passed source.tls=passed source.login=passed " +
	"target.resolve=passed target.connect=passed target.tls=passed target.login=passed"

func TestProgress(t *testing.T) {
	t.Parallel()
	row1 := declared(request.OnPremises, request.Public, request.Public)
	row2 := declared(request.OnPremises, request.Private, request.VNetIntegrated)
	row3 := declared(request.AmazonRDS, request.Public, request.Public)
	row4 := declared(request.AmazonRDS, request.Private, request.VNetIntegrated)
	row8 := declared(request.AzureSingleServer, request.Public, request.VNetIntegrated)
	row9 := declared(request.AzureSingleServer, request.PrivateEndpoint, request.VNetIntegrated)
	row11 := declared(request.OnPremises, request.Private, request.PrivateEndpoint)
	row12 := declared(request.OnPremises, request.Private, request.Public)
	for _, c := range []struct {
		name  string
		check request.Check
		saw   string
		want  string // "step=state:CODE", any steps
	}{
		{"nothing ran", row4, "", "gateway=unknown source_admits_vnet=unknown target_zone_link=unknown"},
		{"the whole way", row4, wholeWay, "gateway=done return_route=done source_admits_vnet=done target_zone_link=done " +
			"target_network=done nsg_outbound=unknown nsg_inbound=unknown verify_from_target=unknown"},
		{"a public target leaves from elsewhere", row3, wholeWay, "source_admits_target=unknown source_public_access=done"},
		{"the server itself got through", row3, wholeWay + " server.source.tls=passed",
			"source_admits_target=done verify_from_target=done"},
		{"the server itself did not", row3, wholeWay + " server.source.connect=failed:TCP_TIMEOUT",
			"verify_from_target=undone:TCP_TIMEOUT source_admits_target=undone:TCP_TIMEOUT source_public_access=done"},
		{"neither got through", row3, "source.resolve=passed source.connect=failed:TCP_TIMEOUT " +
			"server.source.connect=failed:TCP_TIMEOUT", "source_public_access=unknown:TCP_TIMEOUT " +
			"source_admits_target=unknown:TCP_TIMEOUT"},
		{"a warning is no proof", row1, "source.resolve=warned:DNS_PRIVATE_WHERE_PUBLIC_EXPECTED source.tls=passed",
			"source_public_address=undone:DNS_PRIVATE_WHERE_PUBLIC_EXPECTED source_reachable_internet=unknown"},
		{"another way than the migration's", row9, "source.resolve=failed:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED " +
			"source.connect=passed source.tls=passed", "source_zone_link=undone:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED " +
			"vnet_peering=unknown source_endpoint_approved=unknown"},
		{"that the server went somewhere proves no zone", row9, "source.resolve=failed:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED " +
			"server.source.resolve=passed server.source.connect=failed:TCP_REFUSED",
			"source_zone_link=undone:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED"},
		{"the server does not find the name", row9, "source.resolve=passed server.source.resolve=failed:DNS_NAME_NOT_FOUND",
			"source_zone_link=undone:DNS_NAME_NOT_FOUND source_a_record=done"},
		{"what the configuration says outweighs a way through", row9, "source.azure=failed:AZ_ENDPOINT_NOT_APPROVED " +
			"source.tls=passed", "source_endpoint_approved=undone:AZ_ENDPOINT_NOT_APPROVED"},
		{"only the server got through", row4, "source.connect=failed:TCP_TIMEOUT server.source.tls=passed",
			"source_admits_vnet=done nsg_outbound=done verify_from_target=done"},
		{"the server could not be asked", row4, wholeWay + " server.source.resolve=skipped server.source.tls=skipped",
			"gateway=done source_admits_vnet=done nsg_outbound=unknown verify_from_target=unknown"},
		{"a time-out is one of several", row4, "source.resolve=passed source.connect=failed:TCP_TIMEOUT",
			"gateway=unknown:TCP_TIMEOUT source_admits_vnet=unknown:TCP_TIMEOUT target_zone_link=unknown " +
				"verify_from_target=unknown"},
		{"refused is the source's own", row4, "source.resolve=passed source.connect=failed:TCP_REFUSED",
			"source_admits_vnet=undone:TCP_REFUSED gateway=unknown"},
		{"another leg shows nothing", row4, "runtime.connect=failed:TCP_REFUSED", "source_admits_vnet=unknown"},
		{"an open port alone proves little", row4, "source.connect=passed source.tls=skipped", "gateway=unknown"},
		{"silence behind an open port", row4, "source.connect=passed source.tls=failed:PEER_SILENT",
			"source_admits_vnet=undone:PEER_SILENT gateway=unknown"},
		{"a bad certificate came all the way", row4, "source.tls=failed:TLS_EXPIRED", "gateway=done source_admits_vnet=done"},
		{"a stalled handshake did not", row4, "source.tls=failed:TLS_STALLED", "gateway=unknown"},
		{"no TLS wanted, a login refused", row2, "source.tls=skipped source.login=failed:AUTH_FAILED",
			"gateway=done source_pg_hba=unknown"},
		{"no line in pg_hba.conf", row2, "source.tls=passed source.login=failed:HBA_ADDRESS_NOT_ALLOWED",
			"source_pg_hba=undone:HBA_ADDRESS_NOT_ALLOWED gateway=done"},
		{"our own time was over", row2, "source.connect=inconclusive source.tls=skipped", "gateway=unknown"},
		{"zone not linked", row4, "target.resolve=failed:DNS_NAME_NOT_FOUND", "target_zone_link=undone:DNS_NAME_NOT_FOUND"},
		{"endpoint's zone not linked", row9, "source.resolve=failed:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED",
			"source_zone_link=undone:DNS_PUBLIC_WHERE_PRIVATE_EXPECTED source_endpoint_zone=unknown"},
		{"record missing is one of two", row9, "source.resolve=failed:DNS_PRIVATELINK_RECORD_MISSING",
			"source_endpoint_zone=unknown:DNS_PRIVATELINK_RECORD_MISSING " +
				"source_a_record=unknown:DNS_PRIVATELINK_RECORD_MISSING"},
		{"the configuration decides", row9, "source.connect=failed:TCP_TIMEOUT source.azure=failed:AZ_PEERING_MISSING",
			"vnet_peering=undone:AZ_PEERING_MISSING,TCP_TIMEOUT nsg_source_inbound=unknown:TCP_TIMEOUT"},
		{"the configuration decides for the server's subnet", row8, "none.azure=failed:AZ_VNET_RULE_MISSING " + wholeWay,
			"vnet_rule=undone:AZ_VNET_RULE_MISSING"},
		{"a healthy configuration proves no way", row4, "source.azure=passed", "gateway=unknown source_admits_vnet=unknown"},
		{"a rule for another subnet than ours", row8, "source.login=failed:HBA_ADDRESS_NOT_ALLOWED",
			"vnet_rule=unknown:HBA_ADDRESS_NOT_ALLOWED"},
		{"our own subnet has a rule", row8, wholeWay, "vnet_rule=unknown"},
		{"no runtime server", row11, "none.scenario=:SCENARIO_RUNTIME_SERVER_MISSING",
			"runtime_server=undone:SCENARIO_RUNTIME_SERVER_MISSING"},
		{"a runtime server answers", row11, "runtime.resolve=passed runtime.connect=passed runtime.tls=passed",
			"runtime_server=done runtime_zone_link=done"},
		{"unsupported", row12, "none.scenario=:SCENARIO_UNSUPPORTED", "supported_target=undone:SCENARIO_UNSUPPORTED"},
	} {
		got := map[string]string{}
		for _, p := range Place(c.check).Progress(ran(c.saw)) {
			got[p.Step.Key] = string(p.State) + strings.TrimSuffix(":"+strings.Join(strings.Fields(
				strings.Trim(fmt.Sprint(p.ShownBy), "[]")), ","), ":")
		}
		for _, want := range strings.Fields(c.want) {
			key, state, _ := strings.Cut(want, "=")
			if got[key] != state {
				t.Errorf("%s: %s is %q, want %q", c.name, key, got[key], state)
			}
		}
	}
}

// For each step of each row: when one of its codes is all that was found, the step is pointed at by that code and not
// shown done, and nothing that the code does not speak of is shown undone.
func TestEachStepIsPointedAtByItsCodes(t *testing.T) {
	t.Parallel()
	for _, row := range Rows() {
		kind := request.OnPremises
		if len(row.Kinds) > 0 {
			kind = row.Kinds[0]
		}
		p := Place(declared(kind, row.SourceAccess[0], row.TargetAccess))
		for _, step := range p.Steps() {
			for _, code := range step.Codes {
				seen := []Seen{{Leg: step.Leg, ByServer: step.Reach == Server, Layer: finding.Connect,
					Status: finding.StatusFailed, Codes: []finding.Code{code}}}
				for _, progress := range p.Progress(seen) {
					pointed := len(progress.ShownBy) == 1 && progress.ShownBy[0] == code
					if progress.Step.Key == step.Key && (!pointed || progress.State == Done) {
						t.Errorf("row %d: %s on %s: %s %v", row.Number, step.Key, code, progress.State, progress.ShownBy)
					}
					if !pointed && progress.State == Undone {
						t.Errorf("row %d: %s shown undone by %s of %s", row.Number, progress.Step.Key, code, step.Key)
					}
				}
			}
		}
	}
}

// What the configuration decides by itself stands above what a probe can mean, and clears a step for the others.
func TestConfigurationDecidesSteps(t *testing.T) {
	t.Parallel()
	row7 := declared(request.AzureVM, request.Private, request.VNetIntegrated)
	for _, c := range []struct {
		name  string
		steps map[string]State
		saw   string
		want  string
	}{
		{"done", map[string]State{"vnet_peering": Done}, "", "vnet_peering=done nsg_outbound=unknown"},
		{"undone, though the probe got through", map[string]State{"nsg_outbound": Undone}, wholeWay, "nsg_outbound=undone vnet_peering=done"},
		{"done, though a time-out could mean it", map[string]State{"vnet_peering": Done}, "source.connect=failed:TCP_TIMEOUT",
			"vnet_peering=done nsg_outbound=unknown source_admits_vnet=unknown"},
		{"what is left is it", map[string]State{"vnet_peering": Done, "nsg_outbound": Done, "nsg_source_inbound": Done},
			"source.connect=failed:TCP_TIMEOUT", "source_admits_vnet=undone"},
		{"one of two says undone", map[string]State{"nsg_outbound": Done}, "", "nsg_outbound=done"},
		{"our own subnet is another one", nil, "source.azure=warned:AZ_VANTAGE_DIFFERS", "nsg_outbound=unknown"},
	} {
		seen := append(ran(c.saw), Seen{Leg: "source", Layer: finding.Azure, Steps: c.steps})
		got := map[string]State{}
		for _, p := range Place(row7).Progress(seen) {
			got[p.Step.Key] = p.State
		}
		for _, want := range strings.Fields(c.want) {
			key, state, _ := strings.Cut(want, "=")
			if got[key] != State(state) {
				t.Errorf("%s: %s is %q, want %q", c.name, key, got[key], state)
			}
		}
	}
}
