package management

import (
	"maps"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

// seek is a zone to be looked for by its name in a resource group, with the records that it should have.
type seek struct {
	because *node
	zone    string
	records []string
}

// peer is a network on the other side of a peering that was read.
type peer struct {
	because *node
	id      string
}

// peers are the networks that may have the gateway to a source outside of Azure: the hub of those at hand. A source that
// the request names by its resource is reached without one.
func (w *walk) peers() []peer {
	var out []peer
	distinct := map[string]bool{}
	for _, k := range slices.Sorted(maps.Keys(w.seen.networks)) {
		for _, p := range w.seen.networks[k].Peerings {
			remote := key(p.RemoteID)
			if w.nodes[remote] != nil || microsofts(remote) || len(distinct) == maxPeers && !distinct[remote] {
				continue
			}
			distinct[remote] = true
			out = append(out, peer{w.nodes["peerings:"+k], p.RemoteID})
		}
	}
	return out
}

// microsofts tells the network of a virtual WAN's hub, which stands in a subscription that no one else may read.
func microsofts(network string) bool { return strings.HasPrefix(serverName(network), "hv_") }

// lookAround goes on when everything that ids led to is read: to the hub's gateway, and to zones. It looks for zones
// that no id led to, in the resource groups at hand: for a private endpoint without a zone group, and for a network that
// a zone is not linked to, which may know another zone of that name. Zones in other resource groups are not looked for:
// that would take the right to list a whole subscription.
func (w *walk) lookAround(q azure.Question) {
	w.mu.Lock()
	var peers []peer
	if q.SourceID == "" {
		peers = w.peers()
	}
	wanted := searches{}
	for _, k := range slices.Sorted(maps.Keys(w.seen.endpoints)) {
		w.seekFor(w.seen.endpoints[k], wanted)
	}
	for _, k := range slices.Sorted(maps.Keys(w.seen.zones)) {
		w.seekBeside(w.seen.zones[k], wanted)
	}
	w.mu.Unlock()
	for _, p := range peers {
		w.follow(p.because, p.id, typeNetwork, w.network)
	}
	for _, g := range slices.Sorted(maps.Keys(wanted)) {
		for _, s := range wanted[g].seeks {
			w.want(s.because, "zones:"+g, func(n *node) { w.seekIn(n, *wanted[g]) })
		}
	}
}

// search is a resource group with all that is looked for in it; searches are by the group's lower-case id.
type search struct {
	group string
	seeks []seek
}

type searches map[string]*search

// add has a zone looked for in the groups of some resources, each group once.
func (all searches) add(s seek, resources ...string) {
	done := map[string]bool{"": true}
	for _, resource := range resources {
		g := group(resource)
		if done[key(g)] {
			continue
		}
		done[key(g)] = true
		if all[key(g)] == nil {
			all[key(g)] = &search{group: g}
		}
		all[key(g)].seeks = append(all[key(g)].seeks, s)
	}
}

// seekFor is for an endpoint of which no zone is known.
func (w *walk) seekFor(e *azure.PrivateEndpoint, wanted searches) {
	known := slices.ContainsFunc(e.ZoneGroups, func(g azure.ZoneGroup) bool {
		return slices.ContainsFunc(g.ZoneIDs, func(id string) bool { return w.seen.zones[key(id)] != nil })
	})
	if known || !e.ZoneGroupsRead {
		return
	}
	near := []string{e.ID}
	for _, k := range slices.Sorted(maps.Keys(w.seen.networks)) {
		near = append(near, w.seen.networks[k].ID)
	}
	wanted.add(seek{w.nodes["zonegroups:"+key(e.ID)], w.endpointZone, []string{serverName(e.TargetID)}}, near...)
}

// seekBeside is for the networks that a zone is not linked to. A resource group has one zone of a name at most.
func (w *walk) seekBeside(z *azure.Zone, wanted searches) {
	if !z.LinksRead {
		return
	}
	k := key(z.ID)
	s := seek{because: w.nodes["links:"+k], zone: z.Name}
	for _, r := range w.seen.records[k] {
		if !w.seen.listed[k] {
			s.records = append(s.records, r.Name)
		}
	}
	var unlinked []string
	for _, network := range slices.Sorted(maps.Keys(w.seen.networks)) {
		linked := slices.ContainsFunc(z.Links, func(l azure.ZoneLink) bool { return key(l.NetworkID) == network })
		at := w.seen.networks[network].ID
		if !linked && key(group(at)) != key(group(z.ID)) {
			unlinked = append(unlinked, at)
		}
	}
	wanted.add(s, unlinked...)
}

// seekIn lists the zones of a resource group once, whoever looks for one there.
func (w *walk) seekIn(n *node, wanted search) {
	list, whole := ask(w, n, w.table.zones, id(wanted.group))
	if whole {
		w.put(func(f *found) { f.sought = append(f.sought, wanted.group) })
	}
	for _, z := range list {
		for _, s := range wanted.seeks {
			if strings.EqualFold(z.Name, s.zone) {
				w.want(n, key(z.ID), func(n *node) { w.zoneRead(n, z) })
				w.zoneWithRecords(n, z.ID, s.records)
			}
		}
	}
}
