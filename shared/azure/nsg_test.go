package azure

import (
	"net/netip"
	"strings"
	"testing"
)

func must(text string) netip.Prefix {
	prefix, ok := prefixOf(text)
	if !ok {
		panic(text)
	}
	return prefix
}

// rules reads one rule a line: name priority direction access protocol from fromPort to toPort. Lists have commas, a
// field that starts with asg: is an application security group.
func rules(text string) SecurityGroup {
	var g SecurityGroup
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 9 {
			continue
		}
		r := Rule{Name: f[0], Direction: f[2], Access: f[3], Protocol: f[4], SourcePorts: strings.Split(f[6], ","),
			DestinationPorts: strings.Split(f[8], ",")}
		for _, digit := range f[1] {
			r.Priority = r.Priority*10 + int(digit-'0')
		}
		r.SourcePrefixes, r.SourceGroups = addresses(f[5])
		r.DestinationPrefixes, r.DestinationGroups = addresses(f[7])
		if r.Priority >= 65000 {
			g.DefaultRules = append(g.DefaultRules, r)
			continue
		}
		g.Rules = append(g.Rules, r)
	}
	return g
}

func addresses(text string) (prefixes, groups []string) {
	for _, field := range strings.Split(text, ",") {
		if group, is := strings.CutPrefix(field, "asg:"); is {
			groups = append(groups, group)
			continue
		}
		prefixes = append(prefixes, field)
	}
	return prefixes, groups
}

const added = `
AllowVnetInBound 65000 Inbound Allow * VirtualNetwork * VirtualNetwork *
AllowAzureLoadBalancerInBound 65001 Inbound Allow * AzureLoadBalancer * * *
DenyAllInBound 65500 Inbound Deny * * * * *
AllowVnetOutBound 65000 Outbound Allow * VirtualNetwork * VirtualNetwork *
AllowInternetOutBound 65001 Outbound Allow * * * Internet *
DenyAllOutBound 65500 Outbound Deny * * * * *
`

func TestDecide(t *testing.T) {
	t.Parallel()
	here := Surroundings{Known: []netip.Prefix{must("10.2.0.0/16"), must("10.1.0.0/16")}}
	behindGateway, forced := here, here
	behindGateway.Gateway = true
	forced.Routed = []netip.Prefix{must("0.0.0.0/0")}
	for _, c := range []struct {
		name      string
		rules     string
		from, to  string
		direction Direction
		around    Surroundings
		want      string // outcome, deciding rule
		unclear   string
	}{
		{"Azure's own rules let the network talk", added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "allowed AllowVnetOutBound", ""},
		{"and out to the internet", added, "10.2.1.0/24", "203.0.113.5", Outbound, here, "allowed AllowInternetOutBound", ""},
		{"and to no other private address", added, "10.2.1.0/24", "192.168.1.5", Outbound, here, "denied DenyAllOutBound", ""},
		{"unless a gateway may lead there", added, "10.2.1.0/24", "192.168.1.5", Outbound, behindGateway, "undecided ", "VirtualNetwork"},
		{"a default route makes no difference for the internet", added, "10.2.1.0/24", "203.0.113.5", Outbound, forced, "allowed ", ""},
		{"nobody comes in from the internet", added, "203.0.113.5", "10.2.1.4", Inbound, here, "denied DenyAllInBound", ""},
		{"the load balancer's probes do", added, "168.63.129.16", "10.2.1.4", Inbound, here, "allowed AllowAzureLoadBalancerInBound", ""},
		{"lowest priority first, wherever it stands", "b 300 Outbound Deny * * * * *\na 200 Outbound Allow Tcp * * 10.1.0.0/16 5432\n" + added,
			"10.2.1.0/24", "10.1.1.4", Outbound, here, "allowed a", ""},
		{"own rules before those that Azure adds", "a 4096 Outbound Deny * * * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"the other direction does not count", "a 100 Inbound Deny * * * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"nor another protocol", "a 100 Outbound Deny Udp * * * *\nb 101 Outbound Deny Icmp * * * *\n" + added, "10.2.1.0/24", "10.1.1.4",
			Outbound, here, "allowed AllowVnetOutBound", ""},
		{"nor another port", "a 100 Outbound Deny Tcp * * * 443,80,6000-7000\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"a range of ports", "a 100 Outbound Deny Tcp * * * 443,5000-6000\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"a list of addresses", "a 100 Outbound Deny * * * 192.168.0.0/16,10.1.1.4 *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"a range of addresses", "a 100 Outbound Deny * * * 10.1.1.1-10.1.1.9 *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"beyond a range of addresses", "a 100 Outbound Deny * * * 10.1.1.5-10.1.1.9 *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"everything as a prefix", "a 100 Outbound Deny * 0.0.0.0/0 * 0.0.0.0/0 *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"in any case", "a 100 outbound deny TCP * * virtualnetwork *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"another subnet of ours", "a 100 Outbound Deny * 10.2.9.0/24 * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"a part of our subnet", "a 100 Outbound Deny * 10.2.1.0/25 * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "undecided ",
			"a: 10.2.1.0/25"},
		{"a part of our subnet that ends the same way", "a 100 Outbound Allow * 10.2.1.0/25 * * *\n" + added, "10.2.1.0/24", "10.1.1.4",
			Outbound, here, "allowed ", ""},
		{"a service tag", "a 100 Outbound Deny * * * Sql.WestEurope *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "undecided ",
			"a: Sql.WestEurope"},
		{"a service tag that would only do the same", "a 100 Outbound Allow * * * AzureCloud *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound,
			here, "allowed ", ""},
		{"a service tag after the decision", "a 100 Outbound Deny * * * 10.1.1.4 *\nb 101 Outbound Allow * * * Storage *\n" + added,
			"10.2.1.0/24", "10.1.1.4", Outbound, here, "denied a", ""},
		{"a service tag beside what decides", "a 100 Outbound Deny * * * Storage,10.1.1.4 *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound,
			here, "denied a", ""},
		{"a service tag for another port", "a 100 Outbound Deny Tcp * * Storage 443\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"an application security group", "a 100 Outbound Deny * asg:db * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"undecided ", "a: application security group"},
		{"some source ports", "a 100 Outbound Deny Tcp * 1024-40000 * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "undecided ",
			"a: source port"},
		{"source ports that nobody comes from", "a 100 Outbound Deny Tcp * 1-1023 * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"allowed AllowVnetOutBound", ""},
		{"a port that nobody can read", "a 100 Outbound Deny Tcp * * * {{port}}\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here,
			"undecided ", "a: destination port"},
		{"an access that is new to us", "a 100 Outbound Audit Tcp * * * *\n" + added, "10.2.1.0/24", "10.1.1.4", Outbound, here, "undecided a", "a: access Audit"},
		{"no last rule", "a 100 Outbound Allow Tcp * * 10.9.9.9 *\n", "10.2.1.0/24", "10.1.1.4", Outbound, here, "undecided ", "the rules that Azure adds"},
		{"the tag holds the network alone", "a 100 Outbound Deny * * * VirtualNetwork *\n" + added, "10.2.1.0/24", "203.0.113.5", Outbound,
			here, "allowed AllowInternetOutBound", ""},
		{"a public range inside the network is not the internet", added, "10.2.1.0/24", "203.0.113.5", Outbound,
			Surroundings{Known: []netip.Prefix{must("10.2.0.0/16"), must("203.0.113.0/24")}}, "allowed AllowVnetOutBound", ""},
	} {
		d := rules(c.rules).Decide(Flow{From: must(c.from), To: must(c.to), Port: 5432}, c.direction, c.around)
		if got := string(d.Outcome) + " " + d.Rule; got != c.want {
			t.Errorf("%s: %s %v, not %s", c.name, got, d.Unclear, c.want)
		}
		if got := strings.Join(d.Unclear, "; "); got != c.unclear {
			t.Errorf("%s: unclear is %q, not %q", c.name, got, c.unclear)
		}
	}
}

func TestFreePriority(t *testing.T) {
	t.Parallel()
	full := SecurityGroup{}
	for priority := 100; priority < 200; priority++ {
		full.Rules = append(full.Rules, Rule{Priority: priority, Direction: "Outbound"})
	}
	for _, c := range []struct {
		name  string
		group SecurityGroup
		by    Decision
		want  int
	}{
		{"before the one that denies", rules("a 200 Outbound Deny * * * * *"), Decision{Rule: "a", Priority: 200}, 199},
		{"that is taken", rules("a 200 Outbound Deny * * * * *\nb 199 Outbound Allow * 10.9.0.0/16 * * *"),
			Decision{Rule: "a", Priority: 200}, 198},
		{"the other direction takes nothing", rules("a 200 Outbound Deny * * * * *\nb 199 Inbound Allow * * * * *"),
			Decision{Rule: "a", Priority: 200}, 199},
		{"Azure's own", rules(added), Decision{Rule: "DenyAllOutBound", Priority: 65500, Default: true}, 4096},
		{"several between them", rules("a 200 Outbound Deny * * * * *"), Decision{}, 100},
		{"none is free", full, Decision{Rule: "x", Priority: 200}, 0},
	} {
		if got := c.group.freePriority(Outbound, c.by); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
}
