package reporttest

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

// Ids that the sample with Azure's configuration names.
const (
	azureGroups  = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/"
	migrationNSG = azureGroups + "rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg-migration"
	migrationNet = azureGroups + "rg-net/providers/Microsoft.Network/virtualNetworks/vnet-migration"
	ownZone      = azureGroups + "rg-net/providers/Microsoft.Network/privateDnsZones/orders.private.postgres.database.azure.com"
	orders       = azureGroups + "rg-db/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
)

// Azure has a time-out whose cause the configuration names, a fault of the configuration that nothing has met yet, and
// what could not be read.
func Azure() report.Report {
	r := base("orders-azure", report.NotReady, "10.1.1.4:5432 does not answer: no packet came back to 10.2.2.4 in 5 s, because the rule "+
		"deny-postgresql (priority 150) of the network security group nsg-migration denies TCP 5432 out of functions")
	r.Scenario = report.Scenario{Row: 7, Supported: "yes", Declared: map[string]string{"source.kind": "azure_vm"},
		Inferred: map[string]string{"target.access": "vnet_integrated"}, Title: "PostgreSQL on an Azure VM → VNet-integrated flexible server",
		Steps: []report.Step{
			{Key: "vnet_peering", Text: "The virtual networks of source and target are peered, both ways", Owner: report.AzureNetwork,
				Leg: "source", State: "done"},
			{Key: "nsg_outbound", Text: "The target's delegated subnet lets out port 5432 to the source", Owner: report.AzureNetwork,
				Leg: "source", State: "undone", ShownBy: []finding.Code{finding.AzNSGDenies, finding.TCPTimeout}},
			{Key: "target_zone_link", Text: "The target's private DNS zone is linked to the virtual network", Owner: report.DNSAdmin,
				Leg: "target", State: "undone", ShownBy: []finding.Code{finding.AzZoneNotLinked}}}}
	r.Vantage.Address, r.Vantage.Subnet = "10.2.2.4", migrationNet+"/subnets/functions"
	source, target := leg("source", "10.1.1.4:5432"), leg("target", targetEndpoint)
	source.Layers[1] = report.Layer{Layer: finding.Connect, Status: finding.StatusFailed, ElapsedMs: 5000,
		Observation: seen{"attempts": []seen{{"address": "10.1.1.4:5432", "outcome": "timeout"}}}}
	for i := 2; i < 4; i++ {
		source.Layers[i] = report.Layer{Layer: source.Layers[i].Layer, Status: finding.StatusSkipped, BlockedBy: finding.Connect}
	}
	source.Layers = append(source.Layers, report.Layer{Layer: finding.Azure, Status: finding.StatusFailed, ElapsedMs: 840, Observation: seen{
		"checks": []seen{
			{"leg": "source", "about": "peering", "path": "migration", "state": "right", "step": "vnet_peering", "resource": migrationNet},
			{"leg": "source", "about": "route", "path": "probe", "state": "right", "resource": migrationNet + "/subnets/functions"},
			{"leg": "source", "about": "nsg_outbound", "path": "migration", "state": "wrong", "step": "nsg_outbound",
				"resource": migrationNSG, "rule": "deny-postgresql"},
			{"leg": "source", "about": "nsg_outbound", "path": "probe", "state": "wrong", "resource": migrationNSG, "rule": "deny-postgresql"},
			{"leg": "source", "about": "nsg_inbound", "path": "migration", "state": "undecided", "why": []string{"allow-app: AzureCloud"}}}}})
	target.Layers = append(target.Layers, report.Layer{Layer: finding.Azure, Status: finding.StatusWarned, ElapsedMs: 840,
		Observation: seen{"checks": []seen{
			{"leg": "target", "about": "server_state", "path": "each", "state": "right", "resource": orders},
			{"leg": "target", "about": "zone_link", "path": "page", "state": "wrong", "step": "target_zone_link", "resource": ownZone,
				"rule": "vnet-source"}},
			"configuration": seen{"calls": 17, "elapsedMs": 840, "target": seen{"resourceId": orders, "serverId": orders},
				"servers": []seen{{"id": orders, "state": "Ready", "version": "17", "publicNetworkAccess": "Disabled"}},
				"securityGroups": []seen{{"id": migrationNSG, "rules": []seen{{"name": "deny-postgresql", "priority": 150,
					"direction": "Outbound", "access": "Deny", "protocol": "*", "destinationPort": "5000-5999"}}}},
				"troubles": []seen{{"resource": orders + "/migrations", "action": "Microsoft.DBforPostgreSQL/flexibleServers/migrations/read",
					"kind": "not_permitted"}}}}})
	r.Legs = []report.Leg{source, target}
	r.FirstBroken = &report.FirstBroken{Leg: "source", Layer: finding.Connect, Code: finding.TCPTimeout}
	r.Findings = []report.Finding{deniedByRule(), notLinked(), notPermitted()}
	return r
}

func deniedByRule() report.Finding {
	return report.Finding{Code: finding.TCPTimeout, Severity: finding.Failed, Leg: "source", Layer: finding.Connect,
		Title: "No packet came back", Owner: report.AzureNetwork, ServiceCode: "603000",
		Docs: "https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works",
		Detail: "SYN packets to 10.1.1.4 port 5432 were answered by nothing, neither acceptance nor refusal. It is the first rule that " +
			"matches, whatever later ones say.",
		Causes: []report.Cause{{Likelihood: "certain", Text: "the rule deny-postgresql (priority 150) of the network security group " +
			"nsg-migration denies TCP 5432 out of functions, from 10.2.2.4 to 10.1.1.4",
			Confirm: "az network nsg rule list -g rg-net --nsg-name nsg-migration --include-default -o table"}},
		Remedy: []report.Remedy{{Text: "Allow the connection before that rule.",
			Command: "az network nsg rule create -g rg-net --nsg-name nsg-migration -n allow-postgresql-migration --priority 149 " +
				"--direction Outbound --access Allow --protocol Tcp --source-address-prefixes 10.2.2.4/32 " +
				"--destination-address-prefixes 10.1.1.4/32 --destination-port-ranges 5432"}},
		Args: finding.Args{"elapsedMs": 5000.0, "explainedBy": []string{string(finding.AzNSGDenies)}}}
}

func notLinked() report.Finding {
	return report.Finding{Code: finding.AzZoneNotLinked, Severity: finding.Warned, Leg: "target", Layer: finding.Azure,
		Title: "The private DNS zone is not linked to a virtual network that needs it", Owner: report.DNSAdmin, ServiceCode: "603000",
		Detail: "The scenario's page asks for the link; the migration's own connection does not ask for the name from there.",
		Causes: []report.Cause{{Text: "The list of the zone's links does not have vnet-source", Likelihood: "certain",
			Confirm: "az network private-dns link vnet list -g rg-net -z orders.private.postgres.database.azure.com -o table"}},
		Remedy: []report.Remedy{{Text: "Link the zone to the virtual network, without registration.",
			Command: "az network private-dns link vnet create -g rg-net -z orders.private.postgres.database.azure.com -n vnet-source " +
				"-v " + azureGroups + "rg-src/providers/Microsoft.Network/virtualNetworks/vnet-source -e false"}},
		Args: finding.Args{"path": "page", "zone": "orders.private.postgres.database.azure.com", "network": "vnet-source"}}
}

func notPermitted() report.Finding {
	return report.Finding{Code: finding.AzNotPermitted, Severity: finding.Info, Leg: "target", Layer: finding.Azure,
		Title: "Our identity may not read a part of the configuration", Owner: report.Operator,
		Detail: "Azure refused to show: " + orders + "/migrations. What depends on that was not judged, which says nothing about it.",
		Remedy: []report.Remedy{{Text: "Give our identity the role of docs/azure.md, or Reader, at the resource or its resource group.",
			Command: "az role assignment create --assignee IDENTITY --role Reader --scope " + orders}},
		Args: finding.Args{"actions": []string{"Microsoft.DBforPostgreSQL/flexibleServers/migrations/read"}}}
}
