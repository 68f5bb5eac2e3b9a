package azure_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

func TestArgsNameWhatIsToBeMended(t *testing.T) {
	t.Parallel()
	undone := func(row int, name string) azuretest.Scene {
		return change(row, func(s *azuretest.Scene) {
			for _, u := range azuretest.Undos(row) {
				if u.Name == name {
					u.Do(s)
				}
			}
		})
	}
	for _, c := range []struct {
		scene azuretest.Scene
		code  finding.Code
		want  string
	}{
		{undone(7, "outbound denied"), finding.AzNSGDenies, "name=nsg-migration resourceGroup=rg-net rule=deny-postgresql priority=150 free=149 " +
			"direction=Outbound path=each port=5432 subnets=[postgres functions] fromRanges=[10.2.1.0/24 10.2.2.0/24] toRanges=[10.1.1.4/32] from=[10.2.1.4 10.2.2.4]"},
		{undone(7, "inbound at the source denied"), finding.AzNSGDenies, "name=nsg-source resourceGroup=rg-src rule=deny-migration free=109 direction=Inbound"},
		{undone(7, "no peering back"), finding.AzPeeringMissing, "name=vnet-source resourceGroup=rg-src other=vnet-migration bothSides=false"},
		{undone(7, "no peering"), finding.AzPeeringMissing, "name=vnet-migration resourceGroup=rg-net other=vnet-source otherResourceGroup=rg-src bothSides=true path=each"},
		{undone(7, "peering initiated"), finding.AzPeeringNotConnected, "peering=to-vnet-source state=Initiated initiated=true"},
		{undone(9, "source's zone not linked"), finding.AzZoneNotLinked, "zone=privatelink.postgres.database.azure.com resourceGroup=rg-dns network=vnet-migration path=each"},
		{undone(9, "source's zone not linked to its own network"), finding.AzZoneNotLinked, "network=vnet-source path=page"},
		{undone(9, "source's record stale"), finding.AzRecordStale, "record=legacy recorded=[10.1.2.9] addresses=[10.1.2.4] followed=true"},
		{undone(9, "source's record missing"), finding.AzRecordMissing, "record=legacy addresses=[10.1.2.4] grouped=true"},
		{undone(9, "source's zone not attached"), finding.AzEndpointZoneGroupMissing, "name=pe-legacy recorded=true"},
		{undone(9, "source's endpoint pending"), finding.AzEndpointNotApproved, "name=pe-legacy status=Pending pending=true server=legacy"},
		{undone(10, "target's endpoint rejected"), finding.AzEndpointNotApproved, "name=pe-orders status=Rejected rejected=true " +
			"connectionId=" + azuretest.TargetID + "/privateEndpointConnections/pe-orders.1"},
		{undone(1, "no firewall rule"), finding.AzFirewallRuleMissing, "name=orders noRules=true address=203.0.113.70"},
		{undone(1, "no public access"), finding.AzPublicAccessOff, "name=orders integrated=false"},
		{undone(2, "target stopped"), finding.AzServerStopped, "name=orders state=Stopped startable=true"},
		{undone(2, "no gateway"), finding.AzRouteDiverts, "nowhere=true route= network=vnet-migration destination=192.168.10.5"},
		{undone(2, "gateway's routes kept out"), finding.AzRouteDiverts, "kept=true table=rt-migration name=rt-migration"},
		{undone(7, "routed to an appliance"), finding.AzRouteDiverts, "route=to-source nextHopAddress=10.2.9.4 nowhere=false internal=true"},
		{undone(8, "no service endpoint"), finding.AzVNetRuleMissing, "name=postgres network=vnet-migration single=legacy services=[Microsoft.Storage Microsoft.Sql] path=migration"},
		{undone(7, "another group at the probe"), finding.AzVantageDiffers, "groupDiffers=true theirgroup=nsg-migration name=functions other=postgres role=target"},
		{undone(7, "a rule for the server's subnet alone"), finding.AzVantageDiffers, "rules=[nsg-source/from-postgres]"},
		{undone(2, "target's zone deleted"), finding.AzZoneMissing, "zone=orders.private.postgres.database.azure.com gone=true"},
	} {
		got := args(t, c.scene, c.code)
		for _, pair := range pairs(c.want) {
			if is := fmt.Sprint(got[pair[0]]); is != pair[1] {
				t.Errorf("%s: %s is %s, not %s", c.code, pair[0], is, pair[1])
			}
		}
	}
}

// pairs reads "a=b c=[d e]".
func pairs(text string) [][2]string {
	var out [][2]string
	for _, word := range strings.Fields(text) {
		name, value, is := strings.Cut(word, "=")
		if !is {
			out[len(out)-1][1] += " " + word
			continue
		}
		out = append(out, [2]string{name, value})
	}
	return out
}
