package azure

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Explanation is which symptoms a fault of the configuration brings about.
type Explanation struct {
	Fact     finding.Code
	Symptoms []finding.Code
}

// Explanations is the whole table. Each pair says that the fault by itself can make the probe see that symptom.
func Explanations() []Explanation {
	noName := []finding.Code{finding.DNSNameNotFound, finding.DNSNoAddress, finding.DNSPrivateLinkRecordMissing,
		finding.DNSPublicWherePrivateExpected}
	noWay := []finding.Code{finding.TCPTimeout, finding.TCPHostUnreachable, finding.TCPNetworkUnreachable}
	shut := append(slices.Clone(noWay), finding.TCPRefused, finding.PeerSilent, finding.PeerClosed, finding.PeerReset)
	middle := append(slices.Clone(shut), finding.TLSStalled, finding.TLSClosed, finding.TLSReset, finding.TLSIntercepted)
	refused := []finding.Code{finding.HBAAddressNotAllowed, finding.HBARejected, finding.AzurePublicAccessDisabled}
	return []Explanation{
		{finding.AzZoneNotLinked, append(slices.Clone(noName), finding.DNSAnswersDiffer)},
		{finding.AzZoneMissing, noName},
		{finding.AzRecordMissing, noName},
		{finding.AzEndpointZoneGroupMissing, noName},
		{finding.AzRecordStale, append(slices.Clone(shut), finding.TLSNameMismatch, finding.PeerNotPostgres,
			finding.DNSAnswersDiffer)},
		{finding.AzPeeringMissing, noWay},
		{finding.AzPeeringNotConnected, noWay},
		{finding.AzPeeringNoTraffic, noWay},
		{finding.AzNSGDenies, []finding.Code{finding.TCPTimeout}},
		{finding.AzRouteDiverts, middle},
		{finding.AzEndpointNotApproved, append(slices.Clone(noWay), noName...)},
		{finding.AzFirewallRuleMissing, append(slices.Clone(refused), shut...)},
		{finding.AzVNetRuleMissing, append(slices.Clone(refused), finding.AzureServiceEndpointIPv6)},
		{finding.AzPublicAccessOff, append(slices.Clone(refused), shut...)},
		{finding.AzServerStopped, append(append(slices.Clone(shut), noName...), finding.ServerStarting,
			finding.ServerShuttingDown)},
	}
}

// Explains tells how surely a fault of the configuration is the cause of what a probe saw: "certain", "likely", or ""
// where it is not.
func (c Configuration) Explains(fact, symptom finding.Finding) string {
	table := Explanations()
	i := slices.IndexFunc(table, func(e Explanation) bool { return e.Fact == fact.Code })
	if i < 0 || fact.Leg != symptom.Leg || !slices.Contains(table[i].Symptoms, symptom.Code) {
		return ""
	}
	if !possible(fact, symptom) {
		return ""
	}
	walked := ByProbe
	if symptom.From == "server" {
		walked = ByMigration
	}
	switch path := pathOf(fact); {
	case path != ByEach && path != walked && c.Vantage != nil, path == ByPage:
		return ""
	case path != ByEach && path != walked:
		// Where we stand ourselves nobody said: probably beside the server whose way is cut.
		return "likely"
	case fact.Code == finding.AzRouteDiverts && fact.Args["nowhere"] != true, fact.Advisory:
		// What an appliance does with a packet is in nobody's configuration here.
		return "likely"
	}
	return "certain"
}

// possible leaves out what the symptom itself speaks against: packets that were answered did not go nowhere, and a
// wrong record led nobody astray who was given another address.
func possible(fact, symptom finding.Finding) bool {
	switch fact.Code {
	case finding.AzRouteDiverts:
		return fact.Args["nowhere"] != true || symptom.Layer == finding.Connect && symptom.Code != finding.TCPRefused
	case finding.AzRecordStale:
		return fact.Args["followed"] == true
	}
	return true
}

// aboutOf says which checks speak of a symptom; none for one that no configuration explains.
func aboutOf(symptom finding.Layer) []string {
	switch symptom {
	case finding.Resolve:
		return []string{"zone_link", "zone", "record", "answer", "zone_group"}
	case finding.Connect, finding.TLS:
		return []string{"peering", "route", "route_back", "nsg_outbound", "nsg_inbound", "endpoint_approved",
			"server_state", "public_access", "firewall_rule"}
	}
	return nil
}

// Looks sums up what the configuration says about a symptom that it does not explain: the checks that came out right,
// and those that could not be decided. Ok is false where nothing was right or something is wrong.
func Looks(checks []Check, symptom finding.Finding) (right, open []string, ok bool) {
	walked := ByProbe
	if symptom.From == "server" {
		walked = ByMigration
	}
	for _, c := range checks {
		if c.Leg != symptom.Leg || c.Path != ByEach && c.Path != walked || !slices.Contains(aboutOf(symptom.Layer), c.About) {
			continue
		}
		switch c.State {
		case Right:
			right = append(right, c.About)
		case Wrong:
			return nil, nil, false
		default:
			open = append(open, c.About)
		}
	}
	open, right = unique(open), unique(right)
	right = slices.DeleteFunc(right, func(about string) bool { return slices.Contains(open, about) })
	return right, open, len(right) > 0
}
