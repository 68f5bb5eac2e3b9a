package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// routes judges the way there, and where the far end stands in a subnet of its own, the way back.
func (j *judge) routes(w leaving) {
	if w.leg == source && j.of.single() && slices.ContainsFunc(w.from.ServiceEndpoints, isSQL) && w.networkID == "" {
		// A service endpoint brings its own routes, whose prefixes Azure keeps to itself.
		j.check(Check{Leg: w.leg, About: "route", Path: w.path, State: CannotTell, Resource: w.from.ID,
			Why: []string{"service_endpoint"}})
		return
	}
	j.route(w, w.from.ID, w.to, false)
	back := w.subnetID != "" && w.endpoint.ID == "" && !Same(w.subnetID, w.from.ID) && w.leg == source
	if _, read := j.config.subnet(w.subnetID); back && read {
		j.route(w, w.subnetID, w.out, true)
	}
}

func isSQL(service string) bool { return strings.EqualFold(service, "Microsoft.Sql") }

func (j *judge) route(w leaving, subnetID string, to []netip.Prefix, back bool) {
	about := "route"
	if back {
		about = "route_back"
	}
	for _, p := range to {
		way := j.config.Way(subnetID, p)
		check := Check{Leg: w.leg, About: about, Path: w.path, Resource: subnetID, Rule: way.Route}
		check.State = map[Fate]State{Reaches: Right, Nowhere: Wrong, Diverted: CannotTell, Unclear: CannotTell}[way.Fate]
		switch {
		case way.Why == "not_read":
			check.State = Unread
		case way.Fate == Diverted:
			check.Why = []string{"appliance"}
		case way.Fate == Unclear:
			check.Why = []string{way.Why}
		}
		j.check(check)
		if way.Fate == Nowhere || way.Fate == Diverted {
			j.diverted(w, subnetID, way, p, back)
			return
		}
	}
}

// diverted finds what a route does to the traffic. An appliance is a design and no fault by itself: it weighs only
// where the probe does not go through it too, or failed.
func (j *judge) diverted(w leaving, subnetID string, way Way, to netip.Prefix, back bool) {
	subnet, _ := j.config.subnet(subnetID)
	network, _ := j.config.network(firstOf(subnet.NetworkID, NetworkOf(subnetID)))
	if way.Route == "" && j.unusedGateway(w, network, to) {
		return
	}
	gateway := j.config.gateway(network) == yes
	args := resource(firstOf(subnet.RouteTableID, subnetID), w.ends())
	args["table"] = ParseID(subnet.RouteTableID).Name
	args["subnets"], args["network"] = []string{ParseID(subnetID).Name}, ParseID(network.ID).Name
	args["route"], args["prefix"], args["nextHop"] = way.Route, way.Prefix, way.NextHop
	args["nextHopAddress"], args["nowhere"], args["back"] = way.NextHopAddress, way.Fate == Nowhere, back
	args["destination"], args["gateway"] = texts([]netip.Prefix{to})[0], gateway
	args["cidr"] = to.String()
	args["internal"] = within(to, j.config.surroundings(subnet, "").Known)
	table, read := j.config.routeTable(subnet.RouteTableID)
	args["kept"] = read && table.DisableBGP && gateway
	if way.Fate == Nowhere && way.Route == "" && !gateway && w.leg == source && !back && w.path == ByMigration {
		j.check(Check{Leg: w.leg, About: "gateway", Path: w.path, State: Wrong, Step: "gateway", Resource: network.ID})
	}
	if way.Fate == Nowhere && w.leg == source && !back && w.path == ByMigration && w.networkID == "" {
		j.check(Check{Leg: w.leg, About: "range_routed", Path: w.path, State: Wrong, Step: "vnet_allows_source_range",
			Resource: network.ID, Rule: way.Route})
	}
	j.find(finding.Finding{Code: finding.AzRouteDiverts, Leg: w.leg, Args: args,
		Advisory: way.Fate == Diverted && j.probeGoesSo(w, way)})
}

// probeGoesSo tells whether the probe's own packets take the same way, so that a probe which got through has shown that
// the appliance lets it pass.
func (j *judge) probeGoesSo(w leaving, way Way) bool {
	if w.path == ByProbe {
		return true
	}
	from := j.config.place(vantage).SubnetID
	if from == "" {
		return false
	}
	other := j.config.Way(from, w.to[0])
	return other.Fate == way.Fate && other.NextHopAddress == way.NextHopAddress
}

// unusedGateway finds the usual reason why a network in Azure has no way to the source's: the hub has a gateway, and
// the peering to it does not use it.
func (j *judge) unusedGateway(w leaving, network VirtualNetwork, to netip.Prefix) bool {
	for _, p := range network.Peerings {
		hub, read := j.config.network(p.RemoteID)
		if !read || !hub.HasGateway || !p.connected() || p.UseRemoteGateways || within(to, prefixes(p.RemotePrefixes)) {
			continue
		}
		back, _ := hub.peering(network.ID)
		args := peeringArgs(network.ID, p, w)
		args["flag"], args["gateway"], args["transit"] = "useRemoteGateways", true, back.AllowGatewayTransit
		args["otherPeering"] = back.Name
		j.find(finding.Finding{Code: finding.AzPeeringNoTraffic, Leg: w.leg, Args: args})
		if w.path == ByMigration && w.leg == source {
			j.check(Check{Leg: w.leg, About: "gateway", Path: w.path, State: Wrong, Step: "gateway", Resource: p.ID})
		}
		return true
	}
	return false
}
