package azure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// server judges a flexible server by itself: whether it runs, and whether it has public access where that is the way.
func (j *judge) server(leg string) {
	server, read := j.config.server(j.config.place(leg).ServerID)
	if !read {
		return
	}
	j.running(leg, server)
	if j.accessOf(leg) != request.Public || server.PublicNetworkAccess == "" {
		return
	}
	check := Check{Leg: leg, About: "public_access", Path: ByEach, State: Right, Resource: server.ID}
	if strings.EqualFold(server.PublicNetworkAccess, "Disabled") {
		check.State = Wrong
		j.find(finding.Finding{Code: finding.AzPublicAccessOff, Leg: leg, Args: resource(server.ID, finding.Args{
			"path": string(ByEach), "endpoints": len(j.config.place(leg).EndpointIDs) > 0,
			"integrated": server.DelegatedSubnetID != ""})})
	}
	j.check(check)
}

func (j *judge) running(leg string, server Server) {
	check := Check{Leg: leg, About: "server_state", Path: ByEach, Resource: server.ID, Why: []string{server.State}}
	stopped := slices.Contains([]string{"stopped", "stopping", "disabled", "dropping", "inaccessible"},
		strings.ToLower(server.State))
	passing := slices.Contains([]string{"starting", "restarting", "updating", "provisioning"},
		strings.ToLower(server.State))
	switch {
	case strings.EqualFold(server.State, "Ready"), strings.EqualFold(server.State, "Succeeded"):
		check.State, check.Why = Right, nil
	case stopped:
		check.State = Wrong
	default:
		check.State = CannotTell
	}
	j.check(check)
	if stopped || passing {
		j.find(finding.Finding{Code: finding.AzServerStopped, Leg: leg, Advisory: passing, Args: resource(server.ID,
			finding.Args{"path": string(ByEach), "state": server.State, "passing": passing,
				"startable": strings.EqualFold(server.State, "Stopped")})})
	}
}

func (j *judge) accessOf(leg string) request.Access {
	switch leg {
	case source:
		return j.of.SourceAccess
	case target:
		return j.of.TargetAccess
	}
	return request.VNetIntegrated
}

// endpoints judges the private endpoint that leads to an end: it has to be there, and approved.
func (j *judge) endpoints(leg string) {
	place := j.config.place(leg)
	if j.accessOf(leg) != request.PrivateEndpoint && len(place.EndpointIDs) == 0 {
		return
	}
	connection := j.connection(leg, place)
	if connection.status == "" {
		server, read := j.config.server(place.ServerID)
		if !read || server.DelegatedSubnetID != "" || len(place.EndpointIDs) > 0 || j.config.troubled(server.ID) {
			return // that none was seen is then no fact
		}
		connection.none = true
	}
	check := Check{Leg: leg, About: "endpoint_approved", Path: ByEach, State: Right, Resource: connection.endpointID}
	if leg != runtime {
		check.Step = leg + "_endpoint_approved"
	}
	if !strings.EqualFold(connection.status, "Approved") {
		check.State = Wrong
		j.find(connection.finding(leg, place))
	}
	j.check(check)
}

// connection is the state of a private endpoint as its two sides give it.
type connection struct {
	endpointID, id, status, description string
	// none tells that the server has no private endpoint at all.
	none bool
}

// connection takes the worse of what the endpoint and the server say.
func (j *judge) connection(leg string, place Place) connection {
	var out connection
	if endpoint, read := j.endpointFor(leg, j.config.place(j.connector()).NetworkID); read {
		out = connection{endpointID: endpoint.ID, status: endpoint.Status, description: endpoint.Description}
	}
	server, _ := j.config.server(place.ServerID)
	for _, c := range server.EndpointConnections {
		if out.endpointID != "" && !Same(c.EndpointID, out.endpointID) {
			continue
		}
		out.id = c.ID
		if out.status == "" || strings.EqualFold(out.status, "Approved") {
			out.status, out.description = c.Status, c.Description
		}
		out.endpointID = firstOf(out.endpointID, c.EndpointID)
		if strings.EqualFold(out.status, "Approved") {
			break
		}
	}
	return out
}

func (c connection) finding(leg string, place Place) finding.Finding {
	args := resource(c.endpointID, finding.Args{"path": string(ByEach), "status": c.status, "description": c.description,
		"connectionId": c.id, "none": c.none, "server": ParseID(place.ResourceID).Name,
		"serverId": firstOf(place.ServerID, place.ResourceID), "rejected": strings.EqualFold(c.status, "Rejected"),
		"pending": strings.EqualFold(c.status, "Pending")})
	return finding.Finding{Code: finding.AzEndpointNotApproved, Leg: leg, Args: args}
}

// firewall holds the addresses that a server saw, or will see, against its firewall rules.
func (j *judge) firewall() {
	for _, leg := range []string{source, target} {
		server, read := j.config.server(j.config.place(leg).ServerID)
		if !read || !server.FirewallRead || j.accessOf(leg) != request.Public {
			continue
		}
		j.admits(leg, server, j.of.Ends[leg].SeenAs, ByProbe)
		if leg == source && j.of.TargetAccess == request.Public {
			// A public flexible server leaves by the address that its name leads to; that it can change, the words say.
			for _, address := range j.of.Ends[target].Addresses {
				j.admits(leg, server, address, ByMigration)
			}
		}
	}
}

func (j *judge) admits(leg string, server Server, address netip.Addr, path Path) {
	check := Check{Leg: leg, About: "firewall_rule", Path: path, Resource: server.ID}
	rule, azure := server.ruleFor(address)
	switch {
	case rule != "":
		check.State, check.Rule = Right, rule
	case len(server.FirewallRules) == 0, address.IsValid() && !azure:
		check.State = Wrong
	case address.IsValid():
		check.State, check.Why = CannotTell, []string{"azure_services"}
	default:
		check.State, check.Why = CannotTell, []string{"address_unknown"}
	}
	j.check(check)
	if check.State != Wrong {
		return
	}
	args := resource(server.ID, finding.Args{"path": string(path), "noRules": len(server.FirewallRules) == 0})
	if address.IsValid() {
		args["address"] = address.Unmap().String()
		args["otherId"] = args["address"]
	}
	j.find(finding.Finding{Code: finding.AzFirewallRuleMissing, Leg: leg, Args: args})
}

// ruleFor names the rule that admits an address, and tells whether there is the one that admits all of Azure.
func (s Server) ruleFor(address netip.Addr) (rule string, azure bool) {
	for _, r := range s.FirewallRules {
		first, last, ok := rangeOf(r.Start + "-" + r.End)
		switch {
		case !ok:
		case first.IsUnspecified() && last.IsUnspecified():
			azure = true
		case address.IsValid() && between(first, last, only(address)) == yes:
			rule = r.Name
		}
	}
	return rule, azure
}

// singleServer judges what is left to be read for the retired Single Server: its virtual network rules can be read by
// nobody, but none of them works for a subnet without the service endpoint.
func (j *judge) singleServer() {
	role := j.connector()
	if !j.of.single() || j.of.SourceAccess != request.Public || role == "" {
		return
	}
	subnet, read := j.config.subnet(j.config.place(role).SubnetID)
	check := Check{Leg: source, About: "vnet_rule", Path: ByMigration, Step: "vnet_rule", Resource: subnet.ID,
		State: CannotTell, Why: []string{"retired"}}
	if !read {
		check.State = Unread
	}
	if read && !sqlOf(subnet) {
		check.State = Wrong
		path := ByMigration
		if own, read := j.config.subnet(j.config.place(vantage).SubnetID); read && !sqlOf(own) {
			path = ByEach
		}
		args := resource(subnet.ID, finding.Args{"path": string(path), "network": ParseID(subnet.ID).Parent,
			"single":      firstOf(ParseID(j.config.place(source).ResourceID).Name, "SERVER"),
			"singleGroup": firstOf(ParseID(j.config.place(source).ResourceID).ResourceGroup, "RESOURCE_GROUP")})
		args["services"] = append(slices.Clone(subnet.ServiceEndpoints), "Microsoft.Sql")
		j.find(finding.Finding{Code: finding.AzVNetRuleMissing, Leg: source, Args: args})
	}
	j.check(check)
}
