package lab

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// topologies are the rows of the scenario table, each at least once.
func topologies() []topology {
	return slicesOf(publicRows(), premisesRows(), managedRows(), machineRows(), singleServerRows(), runtimeRows(),
		unsupportedRows())
}

// publicRows are a public source and a target with public access.
func publicRows() []topology {
	to := func(row int, kind request.Kind, name, host string, behind rowServer, undone ...undoing) topology {
		undone = append(undone, attempt(behind))
		return topology{row: row, name: name, kind: kind, access: request.Public, targetAccess: request.Public, host: host,
			behind: behind, undone: undone}
	}
	private := finding.DNSPrivateWherePublicExpected
	admits := func(s rowServer) undoing {
		return undoing{step: "source_admits_target", how: "only the target's address is dropped", arrange: s.serverDropped,
			code: finding.TCPTimeout}
	}
	kept := func(s rowServer) undoing {
		return undoing{step: "source_public_access", how: "no way in from outside: packets vanish", arrange: s.dropped,
			code: finding.TCPTimeout, among: []string{"source_admits_target"}}
	}
	return []topology{
		to(1, request.OnPremises, "on-premises, public → public", sourceName, premises(),
			undoing{step: "source_public_address", how: "the name has a private address", code: private,
				arrange: record(sourceName, addresses(sourceAddress))},
			undoing{step: "source_public_address", how: "the name has no address", code: finding.DNSNoAddress,
				arrange: record(sourceName, addresses())},
			undoing{step: "source_reachable_internet", how: "no way in from the internet: packets vanish",
				arrange: premises().dropped, code: finding.TCPTimeout, among: []string{"source_admits_target"}},
			unrouted(premises(), "source_reachable_internet"), admits(premises()), unlisted(premises())),
		to(3, request.AmazonRDS, "RDS, public → public", rdsHost, cloud(),
			undoing{step: "source_public_access", how: "not publicly accessible: a private address", code: private,
				arrange: record(rdsMachine, addresses(sourceAddress))}, kept(cloud()), admits(cloud())),
		to(5, request.GoogleCloudSQL, "Cloud SQL by address, public → public", publicSource, cloudSQL(),
			kept(cloudSQL()), unrouted(cloudSQL(), "source_public_access"), admits(cloudSQL())),
	}
}

// premisesRows are a source of one's own behind a gateway.
func premisesRows() []topology {
	top := topology{row: 2, name: "on-premises, private → VNet", kind: request.OnPremises, access: request.Private,
		targetAccess: request.VNetIntegrated, host: sourceName, behind: premises(), depth: request.DepthPrerequisites,
		unprovable: map[string]string{"nsg_inbound": onlyInbound},
		undone: slicesOf(silenced(premises(), "gateway", "vnet_allows_source_range", "return_route", "nsg_outbound",
			"source_admits_vnet"), zoneUnlinked("target_zone_link", targetName), []undoing{
			unrouted(premises(), "gateway", "vnet_allows_source_range"),
			unrouted(premises(), "vnet_allows_source_range", "gateway"),
			refused(premises(), "source_admits_vnet"), unlisted(premises()), attempt(premises())})}
	custom := top
	custom.name, custom.customTarget = "on-premises, private → VNet by custom address", targetAddress
	custom.undone = []undoing{customTarget()}
	return []topology{top, custom}
}

// managedRows are the managed services of other clouds behind a gateway.
func managedRows() []topology {
	to := func(row int, kind request.Kind, name, host string, s rowServer) topology {
		undone := slicesOf(silenced(s, "gateway", "return_route", "nsg_outbound", "source_admits_vnet"),
			zoneUnlinked("target_zone_link", targetName, "target_network"), []undoing{
				{step: "target_network", how: "the name leads to a public address", among: []string{"target_zone_link"},
					arrange: record(targetName, addresses(publicTarget)), code: finding.DNSPublicWherePrivateExpected},
				unrouted(s, "gateway"), refused(s, "source_admits_vnet"), attempt(s), customTarget()})
		return topology{row: row, name: name, kind: kind, access: request.Private, targetAccess: request.VNetIntegrated,
			host: host, behind: s, unprovable: map[string]string{"nsg_inbound": onlyInbound}, undone: undone}
	}
	return []topology{
		to(4, request.AmazonAurora, "Aurora, private → VNet", auroraHost, cloud()),
		to(6, request.GoogleCloudSQL, "Cloud SQL by address, private → VNet", sourceAddress, cloudSQL()),
	}
}

// machineRows are PostgreSQL on an Azure VM. The one in another virtual network is migrated in online mode.
func machineRows() []topology {
	to := func(name, way string, same bool) topology {
		return topology{row: 7, name: name, kind: request.AzureVM, access: request.Private, sameNetwork: same,
			targetAccess: request.VNetIntegrated, host: machineHost, behind: machine(),
			undone: append(silenced(machine(), way, "nsg_source_inbound", "nsg_outbound", "source_admits_vnet"),
				unrouted(machine(), way))}
	}
	peered, same := to("Azure VM, peered → VNet", "vnet_peering", false),
		to("Azure VM → the same VNet", "same_virtual_network", true)
	peered.mode, peered.depth = request.Online, request.DepthPrerequisites
	peered.undone = slicesOf(peered.undone, zoneUnlinked("target_zone_link", targetName),
		[]undoing{refused(machine(), "source_admits_vnet"), unlisted(machine()), customTarget()})
	return []topology{peered, same}
}

// singleServerRows are Single Server and a VNet-integrated target.
func singleServerRows() []topology {
	to := func(row int, name string, access request.Access, undone ...undoing) topology {
		undone = slicesOf(undone, zoneUnlinked("target_zone_link", targetName), []undoing{customTarget()})
		return topology{row: row, name: name, kind: request.AzureSingleServer, access: access,
			targetAccess: request.VNetIntegrated, host: singleHost, behind: single(), undone: undone}
	}
	return []topology{
		to(8, "Single Server, public → VNet", request.Public, undoing{step: "vnet_rule", how: "no rule for the subnet",
			arrange: gatewayRefuses, request: func(c *request.Check) { c.Source.Port = scriptedPort },
			code: finding.HBAAddressNotAllowed}),
		to(9, "Single Server, endpoint → VNet", request.PrivateEndpoint, slicesOf(
			endpointSilent(), endpointZone("source", "source_zone_link", singleLink, publicSource),
			[]undoing{unrouted(single(), "vnet_peering"), customSource()})...),
	}
}

// gatewayRefuses has Single Server's gateway say its recorded words instead of the server.
func gatewayRefuses(b *bench) {
	b.source.serve(scriptedPort, speaks(b.cloudTLS(microsoft, singleHost), fatal("28000",
		"Client from Azure Virtual Networks is not allowed to access the server. "+
			"Please make sure your Virtual Network is correctly configured.")))
}

// endpointSilent are the ways to Single Server's private endpoint. What the probe gets through to is approved, so that a
// group in the migrating server's own subnet leaves that step out.
func endpointSilent() []undoing {
	all := silenced(single(), "vnet_peering", "nsg_source_inbound", "nsg_outbound", "source_endpoint_approved")
	for i := range all {
		if all[i].step == "nsg_outbound" {
			all[i].among = others(all[i].among, "source_endpoint_approved")
		}
	}
	return all
}

// runtimeRows need a migration runtime server.
func runtimeRows() []topology {
	to := func(row int, kind request.Kind, name, host string, s rowServer, undone ...undoing) topology {
		access := request.Private
		if kind == request.AzureSingleServer {
			access = request.PrivateEndpoint
		}
		return topology{row: row, name: name, kind: kind, access: access, targetAccess: request.PrivateEndpoint, host: host,
			behind: s, undone: undone}
	}
	common := slicesOf(towardsEndpoint(), endpointZone("target", "target_endpoint_zone_link", flexibleLink, publicTarget),
		zoneUnlinked("runtime_zone_link", runtimeHost), []undoing{noRuntime(), customTarget()})
	custom := to(10, request.AzureSingleServer, "Single Server, endpoint → endpoint, by custom address", singleHost, single(),
		customSource())
	custom.customSource, custom.customTarget = sourceAddress, targetAddress
	return []topology{
		to(10, request.AzureSingleServer, "Single Server, endpoint → endpoint", singleHost, single(), slicesOf(common,
			endpointSilent(), endpointZone("source", "source_zone_link", singleLink, publicSource),
			[]undoing{unrouted(single(), "vnet_peering"), customSource()})...),
		custom,
		to(11, request.OnPremises, "on-premises, private → endpoint", sourceName, premises(), slicesOf(common,
			silenced(premises(), "gateway", "return_route", "nsg_outbound", "source_admits_vnet"), []undoing{
				unrouted(premises(), "gateway"), refused(premises(), "source_admits_vnet"), unlisted(premises())})...),
		to(11, request.AzureVM, "Azure VM, private → endpoint", machineHost, machine(), append(
			silenced(machine(), "vnet_peering", "nsg_source_inbound", "nsg_outbound", "source_admits_vnet"),
			unrouted(machine(), "vnet_peering"))...),
	}
}

// unsupportedRows are answered before a packet is sent: the row itself is the step that is not done.
func unsupportedRows() []topology {
	return []topology{{row: 12, name: "on-premises, private → public", kind: request.OnPremises, access: request.Private,
		targetAccess: request.Public, host: sourceName, behind: premises(), undone: []undoing{
			{step: "supported_target", how: "the target has public access", code: finding.ScenarioUnsupported}}}}
}
