package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// names judges what private DNS makes of an end's name: the zone, its links, and the record in it. Where the custom
// address is used instead of the name, nobody asks.
func (j *judge) names(leg string) {
	end := j.of.Ends[leg]
	if _, err := netip.ParseAddr(end.Host); err == nil || !end.ByName {
		return
	}
	place := j.config.place(leg)
	server, _ := j.config.server(place.ServerID)
	endpoint, there := j.endpointFor(leg, j.config.place(j.connector()).NetworkID)
	switch {
	case there:
		j.endpointZone(leg, endpoint)
	case server.PrivateZoneID != "":
		zone, usable := j.usable(leg, server.PrivateZoneID, zoneSteps(leg, false))
		if usable {
			j.links(leg, zone, zoneSteps(leg, false))
			j.ownRecord(leg, zone, server)
		}
	}
}

// steps are the keys of the scenario's steps that the checks of one zone decide.
type steps struct{ zone, link, record string }

func zoneSteps(leg string, endpoint bool) steps {
	switch {
	case leg == source:
		return steps{"source_endpoint_zone", "source_zone_link", "source_a_record"}
	case leg == target && endpoint:
		return steps{"target_endpoint_zone", "target_endpoint_zone_link", "target_a_record"}
	case leg == runtime:
		return steps{link: "runtime_zone_link"}
	}
	return steps{link: "target_zone_link"}
}

// usable gives a zone that was read. One that is referred to and gone is missing; any other that was not read decides
// nothing.
func (j *judge) usable(leg, id string, s steps) (Zone, bool) {
	zone, read := j.config.zone(id)
	if read {
		return zone, true
	}
	check := Check{Leg: leg, About: "zone", Path: ByEach, State: Unread, Step: s.link, Resource: id}
	if trouble, had := j.config.trouble(id); had && trouble.Kind == NotFound {
		check.State = Wrong
		j.find(finding.Finding{Code: finding.AzZoneMissing, Leg: leg, Args: resource(id, finding.Args{
			"path": string(ByEach), "zone": ParseID(id).Name, "gone": true})})
	}
	j.check(check)
	return Zone{}, false
}

// endpointZone judges the zone of a private endpoint: the group that writes its record, the zone that it is written to,
// and the record itself.
func (j *judge) endpointZone(leg string, endpoint PrivateEndpoint) {
	s := zoneSteps(leg, true)
	var attached []string
	for _, group := range endpoint.ZoneGroups {
		attached = append(attached, group.ZoneIDs...)
	}
	zone, known := j.zoneNamed(j.zoneName(leg))
	if len(attached) > 0 {
		j.check(Check{Leg: leg, About: "zone_group", Path: ByEach, State: Right, Step: s.zone, Resource: endpoint.ID})
		if zone, known = j.usable(leg, attached[0], s); !known {
			return
		}
	} else {
		j.noGroup(leg, endpoint, zone)
	}
	if !known {
		j.noZone(leg, endpoint)
		return
	}
	j.links(leg, zone, s)
	j.record(leg, zone, endpoint)
}

// zoneName is the name that Azure resolves an endpoint's public name through.
func (j *judge) zoneName(leg string) string {
	host := strings.ToLower(strings.TrimSuffix(j.of.Ends[leg].Host, "."))
	_, domain, _ := strings.Cut(host, ".")
	if !strings.HasPrefix(domain, "postgres.") {
		domain = "postgres.database.azure.com"
	}
	return "privatelink." + domain
}

func (j *judge) zoneNamed(name string) (Zone, bool) {
	i := slices.IndexFunc(j.config.Zones, func(z Zone) bool { return strings.EqualFold(z.Name, name) })
	if i < 0 {
		return Zone{}, false
	}
	return j.config.Zones[i], true
}

// noGroup finds that no zone is attached to an endpoint. A record that somebody keeps by hand does until the address
// changes.
func (j *judge) noGroup(leg string, endpoint PrivateEndpoint, zone Zone) {
	check := Check{Leg: leg, About: "zone_group", Path: ByEach, Step: zoneSteps(leg, true).zone, Resource: endpoint.ID}
	if !endpoint.ZoneGroupsRead {
		check.State = Unread
		j.check(check)
		return
	}
	check.State = Wrong
	j.check(check)
	recorded := zone.has(j.recordName(leg), endpoint)
	j.find(finding.Finding{Code: finding.AzEndpointZoneGroupMissing, Leg: leg, Advisory: recorded,
		Args: resource(endpoint.ID, finding.Args{"path": string(ByEach), "zone": j.zoneName(leg), "zoneId": zone.ID,
			"recorded": recorded})})
}

// noZone finds that a zone is nowhere that was looked at.
func (j *judge) noZone(leg string, endpoint PrivateEndpoint) {
	if len(j.config.ZonesSought) == 0 || !endpoint.ZoneGroupsRead {
		return
	}
	j.check(Check{Leg: leg, About: "zone", Path: ByEach, State: Wrong, Step: zoneSteps(leg, true).link,
		Resource: endpoint.ID})
	j.find(finding.Finding{Code: finding.AzZoneMissing, Leg: leg, Args: resource(endpoint.SubnetID, finding.Args{
		"path": string(ByEach), "zone": j.zoneName(leg), "sought": j.config.ZonesSought,
		"endpoint": ParseID(endpoint.ID).Name, "endpointId": endpoint.ID,
		"endpointGroup": ParseID(endpoint.ID).ResourceGroup, "networkId": NetworkOf(endpoint.SubnetID)})})
}

// asker is a virtual network that has to know a zone.
type asker struct {
	networkID string
	path      Path
}

// askers are the networks that ask for an end's name, and those that the page wants linked besides.
func (j *judge) askers(leg string) []asker {
	var out []asker
	if role := j.connector(); role != "" && role != leg {
		out = append(out, asker{j.config.place(role).NetworkID, ByMigration})
	}
	if leg != source {
		out = append(out, asker{j.networkOf(leg), ByPage})
	}
	pageNames := map[string][]string{source: {source}, runtime: {source, target}, target: nil}
	if j.of.single() && leg == target && !j.of.RuntimeServer {
		pageNames[target] = []string{source}
	}
	for _, role := range pageNames[leg] {
		out = append(out, asker{j.networkOf(role), ByPage})
	}
	return append(out, asker{j.config.place(vantage).NetworkID, ByProbe})
}

// networkOf is where an end stands, or else where its private endpoint does.
func (j *judge) networkOf(leg string) string {
	place := j.config.place(leg)
	if endpoint, there := j.endpointFor(leg, j.config.place(j.connector()).NetworkID); there {
		return NetworkOf(endpoint.SubnetID)
	}
	return place.NetworkID
}

func (j *judge) links(leg string, zone Zone, s steps) {
	for _, a := range j.askers(leg) {
		if a.networkID == "" {
			continue
		}
		check := Check{Leg: leg, About: "zone_link", Path: a.path, Resource: zone.ID, Rule: ParseID(a.networkID).Name}
		if a.path != ByProbe {
			check.Step = s.link
		}
		link, linked := zone.link(a.networkID)
		network, read := j.config.network(a.networkID)
		switch {
		case read && len(network.DNSServers) > 0:
			// A server of one's own answers there, and whether it asks Azure no link tells.
			check.State, check.Why = CannotTell, append([]string{"custom_dns"}, network.DNSServers...)
		case linked && link.State != "" && !strings.EqualFold(link.State, "Completed"):
			check.State, check.Why = CannotTell, []string{"link_in_progress"}
		case linked:
			check.State, check.Rule = Right, link.Name
		case !zone.LinksRead:
			check.State = Unread
		default:
			check.State = Wrong
			j.find(finding.Finding{Code: finding.AzZoneNotLinked, Leg: leg, Args: resource(zone.ID, finding.Args{
				"path": string(a.path), "zone": zone.Name, "otherId": a.networkID, "network": ParseID(a.networkID).Name,
				"unread": !read})})
		}
		j.check(check)
	}
}
