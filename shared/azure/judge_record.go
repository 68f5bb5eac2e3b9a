package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// recordName is an end's name in the zone of its private endpoint.
func (j *judge) recordName(leg string) string {
	host := strings.ToLower(j.of.Ends[leg].Host)
	if strings.Contains(host, ".postgres.") {
		first, _, _ := strings.Cut(host, ".")
		return first
	}
	return strings.ToLower(ParseID(j.config.place(leg).ResourceID).Name)
}

// named is a zone's A record set of a name; read tells whether its absence is a fact.
func (z Zone) named(name string) (record Record, read bool) {
	for _, r := range z.Records {
		if strings.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return Record{}, z.RecordsListed
}

// has tells whether a zone holds the record of an endpoint.
func (z Zone) has(name string, endpoint PrivateEndpoint) bool {
	record, _ := z.named(name)
	return record.Found && sameAddresses(record.Addresses, endpoint.Addresses)
}

func sameAddresses(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// record holds the A record against the endpoint's address, and both against what the resolver answered.
func (j *judge) record(leg string, zone Zone, endpoint PrivateEndpoint) {
	name := j.recordName(leg)
	record, read := zone.named(name)
	check := Check{Leg: leg, About: "record", Path: ByEach, Step: zoneSteps(leg, true).record, Resource: zone.ID,
		Rule: name}
	args := resource(zone.ID, finding.Args{"path": string(ByEach), "zone": zone.Name, "record": name,
		"endpoint": ParseID(endpoint.ID).Name, "endpointId": endpoint.ID, "addresses": endpoint.Addresses,
		"grouped": len(endpoint.ZoneGroups) > 0})
	switch {
	case !read:
		check.State = Unread
	case !record.Found:
		check.State = Wrong
		j.find(finding.Finding{Code: finding.AzRecordMissing, Leg: leg, Args: args})
	case len(endpoint.Addresses) == 0:
		check.State, check.Why = CannotTell, []string{"endpoint_address_unknown"}
	case !sameAddresses(record.Addresses, endpoint.Addresses):
		check.State = Wrong
		args["recorded"] = record.Addresses
		args["followed"] = slices.ContainsFunc(texts(ranges(j.of.Ends[leg].Addresses)),
			func(a string) bool { return slices.Contains(record.Addresses, a) })
		j.find(finding.Finding{Code: finding.AzRecordStale, Leg: leg, Args: args})
	default:
		check.State = Right
	}
	j.check(check)
	if check.State == Right {
		j.answer(leg, zone, record, args)
	}
}

// answer holds what the resolver answered against a record that is right. A network that asks Azure and is linked to
// the zone and gets another private address has it from a cache, or from a second zone of the same name.
func (j *judge) answer(leg string, zone Zone, record Record, args finding.Args) {
	network, read := j.config.network(j.config.place(vantage).NetworkID)
	_, linked := zone.link(network.ID)
	answered := texts(ranges(j.of.Ends[leg].Addresses))
	if !read || !linked || len(network.DNSServers) > 0 || len(answered) == 0 {
		return
	}
	check := Check{Leg: leg, About: "answer", Path: ByProbe, State: Right, Resource: zone.ID}
	if !slices.ContainsFunc(answered, func(a string) bool { return slices.Contains(record.Addresses, a) }) &&
		!slices.ContainsFunc(answered, public) {
		check.State = Wrong
		args["path"], args["elsewhere"], args["answered"] = string(ByProbe), true, answered
		args["followed"], args["recorded"], args["network"] = true, record.Addresses, ParseID(network.ID).Name
		j.find(finding.Finding{Code: finding.AzRecordStale, Leg: leg, Args: args})
	}
	j.check(check)
}

func public(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && !within(only(a), append(unroutable(), carrierGrade()))
}

// ownRecord judges the zone of a server in a delegated subnet. Azure writes its record under a name of its own making,
// so that all that can be told is whether any record leads into the subnet.
func (j *judge) ownRecord(leg string, zone Zone, server Server) {
	subnet, read := j.config.subnet(server.DelegatedSubnetID)
	check := Check{Leg: leg, About: "record", Path: ByEach, Resource: zone.ID}
	ranges := prefixes(subnet.Prefixes)
	inside := func(address string) bool {
		prefix, ok := prefixOf(address)
		return ok && within(prefix, ranges)
	}
	switch {
	case !read || !zone.RecordsListed:
		check.State = Unread
	case slices.ContainsFunc(zone.Records, func(r Record) bool { return slices.ContainsFunc(r.Addresses, inside) }):
		check.State = Right
	default:
		check.State = Wrong
		j.find(finding.Finding{Code: finding.AzRecordMissing, Leg: leg, Args: resource(zone.ID, finding.Args{
			"path": string(ByEach), "zone": zone.Name, "own": true, "subnet": ParseID(subnet.ID).Name,
			"addresses": subnet.Prefixes, "server": ParseID(server.ID).Name, "serverGroup": ParseID(server.ID).ResourceGroup})})
	}
	j.check(check)
}
