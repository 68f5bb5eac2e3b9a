package scenario

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	azureName  = "orders.postgres.database.azure.com"
	linkName   = "orders.privatelink.postgres.database.azure.com"
	regionName = "orders.rs-abcdefghijklmno.postgres.database.azure.com"
	zoneName   = "0a1b2c3d.orders.private.postgres.database.azure.com"
	rdsName    = "db1.c0ffee123456.eu-west-1.rds.amazonaws.com"
	corpName   = "db.corp.example"
)

// seen reads "name name address address": names are the CNAME chain.
func seen(text string) Observed {
	var o Observed
	for _, word := range strings.Fields(text) {
		if address, err := netip.ParseAddr(word); err == nil {
			o.Addresses = append(o.Addresses, address)
			continue
		}
		o.Chain = append(o.Chain, word)
	}
	return o
}

// What is inferred of an end when nothing is declared of it.
func TestRefineInfers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, leg, host, saw string
		kind                 request.Kind
		want                 request.Access
	}{
		{"target through the private link", target, azureName, linkName + " 10.2.0.7", "", request.PrivateEndpoint},
		{"target whose private link has no record", target, azureName, linkName, "", request.PrivateEndpoint},
		{"target whose private link zone is not linked", target, azureName,
			linkName + " " + regionName + " 20.50.1.2", "", ""},
		{"target on its region's name", target, azureName, regionName + " 20.50.1.2", "", request.Public},
		{"target with a public address", target, azureName, "20.50.1.2", "", request.Public},
		{"target with a private address", target, azureName, "10.2.0.7", "", request.VNetIntegrated},
		{"target through its private zone", target, azureName, zoneName + " 10.2.0.7", "", request.VNetIntegrated},
		{"target whose private zone has no record", target, azureName, zoneName, "", request.VNetIntegrated},
		{"target of US Government", target, "orders.postgres.database.usgovcloudapi.net", "10.2.0.7", "",
			request.VNetIntegrated},
		{"target under a name of one's own", target, corpName, "10.2.0.7", "", ""},
		{"target under a name of one's own, public", target, corpName, "20.50.1.2", "", request.Public},
		{"target on loopback", target, azureName, "127.0.0.1", "", ""},
		{"target with both", target, azureName, "10.2.0.7 20.50.1.2", "", ""},
		{"target that was not resolved", target, azureName, "", "", ""},
		{"source with a private address", source, rdsName, "10.9.0.7", request.AmazonRDS, request.Private},
		{"source in the carriers' range", source, corpName, "100.64.3.4", "", request.Private},
		{"source with a public address", source, rdsName, "54.1.2.3", request.AmazonRDS, request.Public},
		{"source with routable IPv6 too", source, corpName, "10.9.0.7 2a05:d018::1", "", request.Private},
		{"source with both", source, corpName, "10.9.0.7 54.1.2.3", "", ""},
		{"source in a documentation range", source, corpName, "203.0.113.4", "", ""},
		{"Single Server behind an endpoint", source, azureName, linkName + " 10.2.0.7", request.AzureSingleServer,
			request.PrivateEndpoint},
		{"Single Server with a private address", source, azureName, "10.2.0.7", request.AzureSingleServer,
			request.PrivateEndpoint},
		{"Single Server through its gateway", source, azureName, "cr5.westeurope1-a.control.database.windows.net 20.50.1.2",
			request.AzureSingleServer, request.Public},
		{"flexible server as a source", source, azureName, regionName + " 20.50.1.2", request.Other, request.Public},
		{"VNet-integrated server as a source", source, azureName, zoneName + " 10.2.0.7", request.Other, request.Private},
	} {
		check := request.Check{Source: request.Endpoint{Host: "one.example"}, Target: request.Endpoint{Host: "two.example"}}
		if c.leg == source {
			check.Source.Host = c.host
		} else {
			check.Target.Host = c.host
		}
		p, wrong := Place(check).Refine(map[string]Observed{c.leg: seen(c.saw)})
		got := p.TargetAccess
		if c.leg == source {
			got = p.SourceAccess
		}
		if got != c.want || p.SourceKind != c.kind || len(wrong) != 0 {
			t.Errorf("%s: access %q, kind %q, contradictions %v", c.name, got, p.SourceKind, wrong)
		}
		if got != "" && p.Inferred[c.leg+".access"] != string(c.want) {
			t.Errorf("%s: not said to be inferred: %v", c.name, p.Inferred)
		}
	}
}

func TestRefineFindsContradictions(t *testing.T) {
	t.Parallel()
	type scene struct {
		name, leg, host string
		kind            request.Kind
		access          request.Access
		saw             string
		want            string
	}
	for _, c := range []scene{
		{"private source, private address", source, corpName, request.OnPremises, request.Private, "10.9.0.7", ""},
		{"private source, public address", source, corpName, request.OnPremises, request.Private, "54.1.2.3",
			"source.access private≠public"},
		{"public source, private address", source, rdsName, request.AmazonRDS, request.Public, "10.9.0.7",
			"source.access public≠private"},
		{"public source, special address", source, rdsName, request.AmazonRDS, request.Public, "127.0.0.1", ""},
		{"public source, not resolved", source, rdsName, request.AmazonRDS, request.Public, "", ""},
		{"RDS name for on-premises", source, rdsName, request.OnPremises, request.Private, "",
			"source.kind on_premises≠amazon_rds"},
		{"Aurora instance has a name like RDS", source, rdsName, request.AmazonAurora, request.Private, "10.9.0.7", ""},
		{"RDS has clusters too", source, "o.cluster-c0ffee.eu-west-1.rds.amazonaws.com", request.AmazonRDS,
			request.Private, "", ""},
		{"a custom endpoint is Aurora's alone", source, "o.cluster-custom-c0ffee.eu-west-1.rds.amazonaws.com", request.AmazonRDS,
			request.Private, "", "source.kind amazon_rds≠amazon_aurora"},
		{"Heroku on Aurora", source, "o.cluster-c0ffee.us-east-1.rds.amazonaws.com", request.Heroku, request.Public,
			"54.1.2.3", ""},
		{"a server of one's own on EC2", source, "ec2-54-1-2-3.compute-1.amazonaws.com", request.OnPremises, request.Public,
			"54.1.2.3", ""},
		{"anything may be other", source, rdsName, request.Other, request.Private, "10.9.0.7", ""},
		{"Single Server that is a flexible server", source, azureName, request.AzureSingleServer, request.Public,
			regionName + " 20.50.1.2", "source.kind azure_single_server≠other"},
		{"Single Server behind an endpoint, both wrong", source, azureName, request.AzureSingleServer,
			request.PrivateEndpoint, regionName + " 20.50.1.2",
			"source.kind azure_single_server≠other, source.access private_endpoint≠public"},
		{"Single Server behind an endpoint", source, azureName, request.AzureSingleServer, request.PrivateEndpoint,
			linkName + " 10.2.0.7", ""},
		{"Single Server behind an endpoint, public zone", source, azureName, request.AzureSingleServer,
			request.PrivateEndpoint, linkName + " 20.50.1.2", ""},
		{"public Single Server behind an endpoint", source, azureName, request.AzureSingleServer, request.Public,
			linkName + " 10.2.0.7", "source.access public≠private_endpoint"},
		{"Azure name for RDS", source, azureName, request.AmazonRDS, request.Public, "",
			"source.kind amazon_rds≠azure_single_server"},

		{"VNet-integrated target", target, azureName, "", request.VNetIntegrated, zoneName + " 10.2.0.7", ""},
		{"VNet-integrated target without a chain", target, azureName, "", request.VNetIntegrated, "10.2.0.7", ""},
		{"VNet-integrated target behind an endpoint", target, azureName, "", request.VNetIntegrated, linkName + " 10.2.0.7",
			"target.access vnet_integrated≠private_endpoint"},
		{"VNet-integrated target with an endpoint elsewhere", target, azureName, "", request.VNetIntegrated,
			linkName + " 20.50.1.2", "target.access vnet_integrated≠private_endpoint"},
		{"VNet-integrated target on a public name", target, azureName, "", request.VNetIntegrated, regionName + " 20.50.1.2",
			"target.access vnet_integrated≠public"},
		{"endpoint", target, azureName, "", request.PrivateEndpoint, linkName + " 10.2.0.7", ""},
		{"endpoint whose zone is not linked", target, azureName, "", request.PrivateEndpoint, linkName + " 20.50.1.2", ""},
		{"endpoint whose record is missing", target, azureName, "", request.PrivateEndpoint, linkName, ""},
		{"endpoint in a zone of one's own", target, azureName, "", request.PrivateEndpoint, "10.2.0.7", ""},
		{"endpoint on a public name", target, azureName, "", request.PrivateEndpoint, regionName + " 20.50.1.2",
			"target.access private_endpoint≠public"},
		{"endpoint that is VNet-integrated", target, azureName, "", request.PrivateEndpoint, zoneName + " 10.2.0.7",
			"target.access private_endpoint≠vnet_integrated"},
		{"public target", target, azureName, "", request.Public, regionName + " 20.50.1.2", ""},
		{"public target that has an endpoint too", target, azureName, "", request.Public, linkName + " 20.50.1.2", ""},
		{"public target behind an endpoint", target, azureName, "", request.Public, linkName + " 10.2.0.7",
			"target.access public≠private_endpoint"},
		{"public target with a private address", target, azureName, "", request.Public, "10.2.0.7",
			"target.access public≠vnet_integrated"},
		{"public target of another name", target, corpName, "", request.Public, "10.2.0.7", "target.access public≠private"},
		{"a public address in a private zone", target, zoneName, "", request.Public, "20.50.1.2", ""},

		{"runtime server", runtime, azureName, "", "", "10.2.0.7", ""},
		{"runtime server behind an endpoint", runtime, azureName, "", "", linkName + " 10.2.0.7",
			"runtimeServer vnet_integrated≠private_endpoint"},
		{"public runtime server", runtime, azureName, "", "", regionName + " 20.50.1.2",
			"runtimeServer vnet_integrated≠public"},
	} {
		check := request.Check{Source: request.Endpoint{Host: "one.example"}, Target: request.Endpoint{Host: "two.example"}}
		switch c.leg {
		case source:
			check.Source.Host = c.host
			check.Scenario.Source = request.SourcePlace{Kind: c.kind, Access: c.access}
		case target:
			check.Target.Host, check.Scenario.Target.Access = c.host, c.access
		default:
			check.RuntimeServer = &request.Endpoint{Host: c.host}
		}
		placed := Place(check)
		refined, wrong := placed.Refine(map[string]Observed{c.leg: seen(c.saw)})
		var got []string
		for _, m := range wrong {
			got = append(got, m.Field+" "+m.Declared+"≠"+m.Observed)
			if m.Leg != c.leg || !strings.Contains(m.Evidence, strings.ToLower(c.host)) {
				t.Errorf("%s: leg %q, evidence %q", c.name, m.Leg, m.Evidence)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, strings.Join(got, ", "), c.want)
		}
		if !reflect.DeepEqual(refined.Declared, placed.Declared) {
			t.Errorf("%s: declared became %v", c.name, refined.Declared)
		}
	}
}

func TestEvidenceShowsTheWholeWay(t *testing.T) {
	t.Parallel()
	c := declared(request.OnPremises, request.Private, request.VNetIntegrated)
	c.Target.Host = azureName
	_, wrong := Place(c).Refine(map[string]Observed{target: seen(linkName + " 10.2.0.7")})
	if len(wrong) != 1 || wrong[0].Evidence != azureName+" → "+linkName+" → 10.2.0.7" {
		t.Errorf("%+v", wrong)
	}
}

func TestLiteralContradicts(t *testing.T) {
	t.Parallel()
	c := declared(request.OnPremises, request.Private, request.VNetIntegrated)
	c.Source.Address = "54.1.2.3"
	_, wrong := Place(c).Refine(nil)
	if len(wrong) != 1 || wrong[0].Field != "source.access" || wrong[0].Evidence != "54.1.2.3" || wrong[0].Told {
		t.Errorf("%+v", wrong)
	}
}

// Only the addresses show that a private source meets a public target.
func TestRefineRevealsTheUnsupportedRow(t *testing.T) {
	t.Parallel()
	c := request.Check{Source: request.Endpoint{Host: rdsName}, Target: request.Endpoint{Host: azureName}}
	placed := Place(c)
	if placed.Support == No || placed.Known() {
		t.Fatalf("decided before: %+v", placed)
	}
	refined, wrong := placed.Refine(map[string]Observed{source: seen("10.9.0.7"), target: seen(regionName + " 20.50.1.2")})
	if refined.Row != 12 || refined.Support != No || len(wrong) != 0 {
		t.Errorf("%+v, %v", refined, wrong)
	}
	if len(placed.Inferred) != 1 {
		t.Errorf("the first placement was changed: %v", placed.Inferred)
	}
}

func TestContradictionNamesTheOtherRow(t *testing.T) {
	t.Parallel()
	c := declared(request.AmazonRDS, request.Public, request.Public)
	_, wrong := Place(c).Refine(map[string]Observed{source: seen("10.9.0.7")})
	if len(wrong) != 1 || wrong[0].As.Row != 12 || wrong[0].As.Support != No {
		t.Errorf("%+v", wrong)
	}
}

// Each right answer, given to an endpoint of which nothing is declared, leads back to the access that it is right for.
func TestAnswersLeadBackToTheirAccess(t *testing.T) {
	t.Parallel()
	for _, a := range Answers() {
		ideal := map[string]string{"private": "10.2.0.7", "public": "20.50.1.2"}[a.Nature]
		if a.Through != "" {
			ideal = linkName + " " + ideal
		}
		for _, leg := range a.Legs {
			kind := request.Kind("")
			if len(a.Kinds) > 0 {
				kind = a.Kinds[0]
			}
			if got := see(leg, request.Endpoint{Host: azureName}, seen(ideal), kind); got.access != a.Access {
				t.Errorf("%s on %s: %q", a.Key, leg, got.access)
			}
		}
	}
}

func TestAnswersOfAPlacement(t *testing.T) {
	t.Parallel()
	c := declared(request.AzureSingleServer, request.Public, request.PrivateEndpoint)
	c.RuntimeServer = &request.Endpoint{Host: "runtime.postgres.database.azure.com"}
	want := map[string]string{source: "single_public", target: "private_endpoint", runtime: "vnet_integrated"}
	if got := Place(c).Answers(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	c.Target.Address, c.RuntimeServer = "10.2.0.7", nil
	if got := Place(c).Answers(); !reflect.DeepEqual(got, map[string]string{source: "single_public"}) {
		t.Errorf("with a custom address: %v", got)
	}
}
