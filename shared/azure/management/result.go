package management

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// roles is the order in which the ends are named.
func roles() []string { return []string{"source", "target", "runtime", "vantage"} }

// configuration is what the walk found, in an order that does not depend on which answer came first.
func (w *walk) configuration(q azure.Question) azure.Configuration {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &w.seen
	for k, zone := range f.zones {
		zone.RecordsListed = f.listed[k]
		zone.Records = distinctRecords(f.records[k])
	}
	slices.Sort(f.sought)
	out := azure.Configuration{
		Servers: values(f.servers), VirtualNetworks: values(f.networks), Subnets: values(f.subnets),
		SecurityGroups: values(f.groups), RouteTables: values(f.tables), PrivateEndpoints: values(f.endpoints),
		Zones: values(f.zones), Interfaces: values(f.nics), Migrations: f.migrations, ZonesSought: f.sought,
		Troubles: w.troubles(),
	}
	out.Source, out.Target = w.place(q.SourceID), w.place(q.TargetID)
	out.Runtime, out.Vantage = w.place(q.RuntimeID), w.place(q.VantageSubnetID)
	return out
}

func values[T any](m map[string]*T) []T {
	var out []T
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, *m[k])
	}
	return out
}

// distinctRecords leaves out the second of two answers for a name, and one that is missing where a list has it.
func distinctRecords(list []azure.Record) []azure.Record {
	slices.SortStableFunc(list, func(a, b azure.Record) int {
		if d := strings.Compare(a.Name, b.Name); d != 0 {
			return d
		}
		return cmp.Compare(len(b.Addresses), len(a.Addresses))
	})
	return slices.CompactFunc(list, func(a, b azure.Record) bool { return strings.EqualFold(a.Name, b.Name) })
}

// place says where an end stands, by what was read of it.
func (w *walk) place(start string) *azure.Place {
	if start == "" {
		return nil
	}
	p := &azure.Place{ResourceID: start}
	at := id(start)
	if at == nil {
		return p
	}
	switch kind := at.ResourceType.String(); {
	case strings.EqualFold(kind, typeServer):
		w.serverPlace(p)
	case strings.EqualFold(kind, typeSingle):
		p.EndpointIDs = w.endpointsTo(start)
	case strings.EqualFold(kind, typeMachine), strings.EqualFold(kind, typeNIC):
		w.machinePlace(p)
	case strings.EqualFold(kind, typeEndpoint):
		p.EndpointIDs = []string{start}
	case strings.EqualFold(kind, typeSubnet):
		p.SubnetID, p.NetworkID = start, parent(start)
	case strings.EqualFold(kind, typeNetwork):
		p.NetworkID = start
	}
	return p
}

func (w *walk) serverPlace(p *azure.Place) {
	p.ServerID = p.ResourceID
	server := w.seen.servers[key(p.ServerID)]
	if server == nil {
		return
	}
	p.SubnetID, p.NetworkID = server.DelegatedSubnetID, parent(server.DelegatedSubnetID)
	for _, c := range server.EndpointConnections {
		if c.EndpointID != "" {
			p.EndpointIDs = append(p.EndpointIDs, c.EndpointID)
		}
	}
}

func (w *walk) endpointsTo(target string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(w.seen.endpoints)) {
		if e := w.seen.endpoints[k]; key(e.TargetID) == key(target) {
			out = append(out, e.ID)
		}
	}
	return out
}

// machinePlace is for a machine or for one of its interfaces.
func (w *walk) machinePlace(p *azure.Place) {
	for _, k := range slices.Sorted(maps.Keys(w.seen.nics)) {
		i := w.seen.nics[k]
		if key(i.ID) != key(p.ResourceID) && key(i.MachineID) != key(p.ResourceID) {
			continue
		}
		p.InterfaceIDs = append(p.InterfaceIDs, i.ID)
		if p.SubnetID == "" {
			p.SubnetID, p.NetworkID = i.SubnetID, parent(i.SubnetID)
		}
	}
}

// troubles are all of them, each with the ends that it matters to.
func (w *walk) troubles() []azure.Trouble {
	wantedBy := map[*node][]string{}
	for _, role := range roles() {
		if root := w.nodes["end:"+role]; root != nil {
			reach(root, role, wantedBy)
		}
	}
	var out []azure.Trouble
	for n, ends := range wantedBy {
		for _, t := range n.troubles {
			t.Roles = ends
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b azure.Trouble) int {
		return cmp.Or(strings.Compare(key(a.Resource), key(b.Resource)), strings.Compare(a.Action, b.Action),
			strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Detail, b.Detail))
	})
	return out
}

func reach(n *node, role string, wantedBy map[*node][]string) {
	if slices.Contains(wantedBy[n], role) {
		return
	}
	wantedBy[n] = append(wantedBy[n], role)
	for _, next := range n.next {
		reach(next, role, wantedBy)
	}
}
