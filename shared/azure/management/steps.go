package management

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// The types of resources that are followed.
const (
	typeServer   = "Microsoft.DBforPostgreSQL/flexibleServers"
	typeSingle   = "Microsoft.DBforPostgreSQL/servers"
	typeMachine  = "Microsoft.Compute/virtualMachines"
	typeNIC      = "Microsoft.Network/networkInterfaces"
	typeEndpoint = "Microsoft.Network/privateEndpoints"
	typeNetwork  = "Microsoft.Network/virtualNetworks"
	typeSubnet   = "Microsoft.Network/virtualNetworks/subnets"
	typeGroup    = "Microsoft.Network/networkSecurityGroups"
	typeRoutes   = "Microsoft.Network/routeTables"
	typeZone     = "Microsoft.Network/privateDnsZones"
)

// begin starts at the ends that the request names.
func (w *walk) begin(q azure.Question) {
	for _, role := range roles() {
		if start := startOf(q, role); start != "" {
			w.start(w.root(role), start)
		}
	}
}

// refuse gives every end the same trouble: nothing can be asked at all.
func (w *walk) refuse(q azure.Question, t azure.Trouble) {
	for _, role := range roles() {
		if t.Resource = startOf(q, role); t.Resource != "" {
			w.note(t, w.root(role))
		}
	}
}

func (w *walk) root(role string) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := &node{}
	w.nodes["end:"+role] = n
	return n
}

func (w *walk) end(role string) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes["end:"+role]
}

func startOf(q azure.Question, role string) string {
	return map[string]string{"source": q.SourceID, "target": q.TargetID, "runtime": q.RuntimeID,
		"vantage": q.VantageSubnetID}[role]
}

func (w *walk) start(root *node, start string) {
	at := id(start)
	if at == nil {
		w.note(azure.Trouble{Resource: start, Kind: azure.Unreadable, Detail: "not a resource id"}, root)
		return
	}
	steps := map[string]func(*node, *arm.ResourceID){
		typeServer: w.server, typeSingle: w.single, typeMachine: w.machine, typeNIC: w.machineInterface,
		typeEndpoint: w.endpoint, typeNetwork: w.network, typeSubnet: w.subnet,
	}
	for kind, step := range steps {
		if strings.EqualFold(at.ResourceType.String(), kind) {
			w.follow(root, start, kind, step)
			if root == w.end("target") && kind == typeServer {
				w.want(root, "migrations:"+key(start), func(n *node) { w.migrations(n, at) })
			}
			return
		}
	}
	w.note(azure.Trouble{Resource: start, Kind: azure.Unreadable, Detail: "no kind of resource that is read"}, root)
}

func (w *walk) server(n *node, at *arm.ResourceID) {
	s, ok := ask(w, n, w.table.server, at)
	if !ok {
		return
	}
	k := key(at.String())
	w.put(func(f *found) { f.servers[k] = &s })
	w.follow(n, s.DelegatedSubnetID, typeSubnet, w.subnet)
	w.follow(n, s.PrivateZoneID, typeZone, w.zone)
	if s.PrivateZoneID != "" {
		w.allRecords(n, s.PrivateZoneID)
	}
	w.want(n, "parameters:"+k, func(n *node) {
		list, _ := ask(w, n, w.table.parameters, at)
		w.put(func(*found) { s.Parameters = list })
	})
	if s.DelegatedSubnetID != "" {
		return // in a virtual network of its own it has neither firewall rules nor private endpoints
	}
	w.want(n, "firewall:"+k, func(n *node) {
		list, whole := ask(w, n, w.table.firewall, at)
		w.put(func(*found) { s.FirewallRules, s.FirewallRead = list, whole })
	})
	w.want(n, "connections:"+k, func(n *node) {
		list, _ := ask(w, n, w.table.connections, at)
		w.put(func(*found) { s.EndpointConnections = list })
		if len(list) > maxEndpoints {
			w.note(azure.Trouble{Resource: at.String(), Kind: azure.OverLimit, Detail: "more private endpoints than are read"}, n)
		}
		for _, c := range list[:min(len(list), maxEndpoints)] {
			w.follow(n, c.EndpointID, typeEndpoint, w.endpoint)
		}
	})
}

func (w *walk) migrations(n *node, at *arm.ResourceID) {
	list, _ := ask(w, n, w.table.migrations, at)
	w.put(func(f *found) { f.migrations = list })
}

// single is a Single Server. Azure has retired them and their interface with them; what may still be there are the
// private endpoints that lead to it.
func (w *walk) single(n *node, at *arm.ResourceID) {
	w.note(azure.Trouble{Resource: at.String(), Kind: azure.Unreadable, Detail: "Single Server is retired: of the server " +
		"itself nothing can be read, only the private endpoints in its resource group that lead to it"}, n)
	list, _ := ask(w, n, w.table.endpoints, id(group(at.String())))
	for _, e := range list {
		if key(e.TargetID) == key(at.String()) {
			w.want(n, key(e.ID), func(n *node) { w.endpointRead(n, e) })
		}
	}
}

func (w *walk) machine(n *node, at *arm.ResourceID) {
	list, whole := ask(w, n, w.table.nics, id(group(at.String())))
	any := false
	for _, i := range list {
		if key(i.MachineID) == key(at.String()) {
			any = true
			w.want(n, key(i.ID), func(n *node) { w.interfaceRead(n, i) })
		}
	}
	if whole && !any {
		w.note(azure.Trouble{Resource: at.String(), Kind: azure.NotFound,
			Detail: "its resource group has no network interface of it: name the interface instead"}, n)
	}
}

func (w *walk) machineInterface(n *node, at *arm.ResourceID) {
	if i, ok := ask(w, n, w.table.nic, at); ok {
		w.interfaceRead(n, i)
	}
}

func (w *walk) interfaceRead(n *node, i nic) {
	w.put(func(f *found) { f.nics[key(i.ID)] = &i.Interface })
	w.follow(n, i.SubnetID, typeSubnet, w.subnet)
	w.follow(n, i.SecurityGroupID, typeGroup, w.securityGroup)
}

func (w *walk) network(n *node, at *arm.ResourceID) {
	v, ok := ask(w, n, w.table.network, at)
	if !ok {
		return
	}
	k := key(at.String())
	w.put(func(f *found) { f.networks[k] = &v })
	w.want(n, "peerings:"+k, func(n *node) {
		list, whole := ask(w, n, w.table.peerings, at)
		w.put(func(*found) { v.Peerings, v.PeeringsRead = list, whole })
	})
}

func (w *walk) subnet(n *node, at *arm.ResourceID) {
	w.follow(n, at.Parent.String(), typeNetwork, w.network)
	s, ok := ask(w, n, w.table.subnet, at)
	if !ok {
		return
	}
	w.put(func(f *found) { f.subnets[key(at.String())] = &s })
	w.follow(n, s.SecurityGroupID, typeGroup, w.securityGroup)
	w.follow(n, s.RouteTableID, typeRoutes, w.routeTable)
}

func (w *walk) securityGroup(n *node, at *arm.ResourceID) {
	if g, ok := ask(w, n, w.table.group, at); ok {
		w.put(func(f *found) { f.groups[key(at.String())] = &g })
	}
}

func (w *walk) routeTable(n *node, at *arm.ResourceID) {
	if t, ok := ask(w, n, w.table.routes, at); ok {
		w.put(func(f *found) { f.tables[key(at.String())] = &t })
	}
}
