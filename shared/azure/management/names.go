package management

import (
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

func (w *walk) endpoint(n *node, at *arm.ResourceID) {
	if e, ok := ask(w, n, w.table.endpoint, at); ok {
		w.endpointRead(n, e)
	}
}

// endpointRead goes on from a private endpoint: to its subnet, its addresses, and the zones that it writes into.
func (w *walk) endpointRead(n *node, e endpoint) {
	kept := e.PrivateEndpoint
	k := key(kept.ID)
	w.put(func(f *found) { f.endpoints[k] = &kept })
	w.follow(n, e.SubnetID, typeSubnet, w.subnet)
	at := id(e.ID)
	if at == nil {
		return
	}
	w.want(n, "zonegroups:"+k, func(n *node) {
		list, whole := ask(w, n, w.table.zoneGroups, at)
		w.put(func(*found) {
			kept.ZoneGroupsRead = whole
			for _, g := range list {
				kept.ZoneGroups = append(kept.ZoneGroups, g.ZoneGroup)
			}
		})
		for _, g := range list {
			for _, zone := range g.ZoneIDs {
				w.zoneWithRecords(n, zone, append(slices.Clone(g.records[zone]), serverName(e.TargetID)))
			}
		}
	})
	for _, i := range e.interfaces {
		w.endpointAddress(n, &kept, i)
	}
}

// endpointAddress reads the addresses off an endpoint's interface. What the endpoint itself says of them is empty as
// soon as a zone group has taken its records over.
func (w *walk) endpointAddress(n *node, e *azure.PrivateEndpoint, link string) {
	at := id(link)
	if at == nil || !strings.EqualFold(at.ResourceType.String(), typeNIC) {
		return
	}
	w.want(n, "address:"+key(link), func(n *node) {
		i, ok := ask(w, n, w.table.nic, at)
		if !ok {
			return
		}
		w.put(func(*found) {
			for _, address := range i.Addresses {
				if !slices.Contains(e.Addresses, address) {
					e.Addresses = append(e.Addresses, address)
				}
			}
		})
	})
}

// serverName is the name that a server's private endpoint goes by in its zone.
func serverName(id string) string { return strings.ToLower(id[strings.LastIndex(id, "/")+1:]) }

func (w *walk) zone(n *node, at *arm.ResourceID) {
	z, ok := ask(w, n, w.table.zone, at)
	if ok {
		w.zoneRead(n, z)
	}
}

func (w *walk) zoneRead(n *node, z azure.Zone) {
	k, at := key(z.ID), id(z.ID)
	w.put(func(f *found) { f.zones[k] = &z })
	w.want(n, "links:"+k, func(n *node) {
		list, whole := ask(w, n, w.table.links, at)
		w.put(func(*found) { z.Links, z.LinksRead = list, whole })
	})
}

// zoneWithRecords reads a zone and the records of some names in it.
func (w *walk) zoneWithRecords(n *node, zone string, names []string) {
	w.follow(n, zone, typeZone, w.zone)
	if at := id(zone); at == nil || !strings.EqualFold(at.ResourceType.String(), typeZone) {
		return
	}
	for _, name := range names {
		at := id(zone + "/A/" + name)
		if name == "" || at == nil {
			continue
		}
		w.want(n, "record:"+key(at.String()), func(n *node) {
			if r, ok := ask(w, n, w.table.record, at); ok {
				w.put(func(f *found) { f.records[key(zone)] = append(f.records[key(zone)], r) })
			}
		})
	}
}

// allRecords lists a zone that belongs to servers in delegated subnets: the names in it are Azure's own.
func (w *walk) allRecords(n *node, zone string) {
	at := id(zone)
	if at == nil || !strings.EqualFold(at.ResourceType.String(), typeZone) {
		return
	}
	w.want(n, "records:"+key(zone), func(n *node) {
		list, whole := ask(w, n, w.table.records, at)
		w.put(func(f *found) {
			f.records[key(zone)] = append(f.records[key(zone)], list...)
			f.listed[key(zone)] = whole
		})
	})
}
