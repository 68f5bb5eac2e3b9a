package azure

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// The slow evaluator knows nothing of prefixes, sets or three values. It asks about one packet at a time, in a small
// world of 32 addresses and a few ports, in which every tag is a set of addresses that somebody wrote down.
type packet struct{ from, to, comesFrom, goesTo int }

type world struct {
	// network and storage say which addresses the two tags hold.
	network, storage map[int]bool
	rules            []plainRule
	// members are the addresses of each field that is no tag.
	members map[string][32]bool
}

type plainRule struct {
	priority            int
	inbound, allow, tcp bool
	from, to            []string
	fromPorts, toPorts  string
}

func (w world) allows(p packet, inbound bool) bool {
	for _, priority := range []int{100, 101, 102, 103, 104, 105, 106, 107, 65500} {
		for _, r := range w.rules {
			if r.priority == priority && r.inbound == inbound && r.tcp && w.holds(r.from, p.from) && w.holds(r.to, p.to) &&
				portIn(r.fromPorts, p.comesFrom) && portIn(r.toPorts, p.goesTo) {
				return r.allow
			}
		}
	}
	panic("no rule was last")
}

func (w world) holds(fields []string, address int) bool {
	for _, field := range fields {
		switch field {
		case "VirtualNetwork":
			if w.network[address] {
				return true
			}
		case "Storage":
			if w.storage[address] {
				return true
			}
		default:
			if _, known := w.members[field]; !known {
				w.members[field] = membersOf(field)
			}
			if w.members[field][address] {
				return true
			}
		}
	}
	return false
}

// membersOf writes out which of the addresses a field holds.
func membersOf(field string) (out [32]bool) {
	for address := range out {
		var low, high, bits int
		switch {
		case strings.Contains(field, "/"):
			n, _ := fmt.Sscanf(field, "10.0.0.%d/%d", &low, &bits)
			out[address] = n == 2 && address>>(32-bits) == low>>(32-bits)
		case strings.Contains(field, "-"):
			n, _ := fmt.Sscanf(field, "10.0.0.%d-10.0.0.%d", &low, &high)
			out[address] = n == 2 && low <= address && address <= high
		default:
			out[address] = field == "*" || field == fmt.Sprintf("10.0.0.%d", address)
		}
	}
	return out
}

func portIn(field string, port int) bool {
	if field == "*" {
		return true
	}
	from, to, ranged := strings.Cut(field, "-")
	low, _ := strconv.Atoi(from)
	high, _ := strconv.Atoi(to)
	return ranged && low <= port && port <= high || !ranged && low == port
}

// generator makes rules. Decidable ones have no tag that nobody knows and no source port.
type generator struct {
	*rand.Rand
	decidable bool
}

func (g generator) field() string {
	switch n := g.IntN(10); {
	case n < 2:
		return "*"
	case n < 3:
		return "VirtualNetwork"
	case n < 4 && !g.decidable:
		return "Storage"
	case n < 5:
		low := g.IntN(32)
		return fmt.Sprintf("10.0.0.%d-10.0.0.%d", low, low+g.IntN(32-low))
	case n < 7:
		return fmt.Sprintf("10.0.0.%d", g.IntN(32))
	}
	bits := 27 + g.IntN(6)
	return fmt.Sprintf("10.0.0.%d/%d", g.IntN(32)>>(32-bits)<<(32-bits), bits)
}

func (g generator) fields() []string {
	out := []string{g.field()}
	for g.IntN(3) == 0 {
		out = append(out, g.field())
	}
	return out
}

func (g generator) port(world []string) string { return world[g.IntN(len(world))] }

func (g generator) rules() []plainRule {
	var out []plainRule
	for priority := range g.IntN(8) {
		priority += 100
		from := "*"
		if !g.decidable && g.IntN(4) == 0 {
			from = g.port([]string{"1024-2000", "2001-65535", "40000", "1-1023"})
		}
		out = append(out, plainRule{priority: priority, inbound: g.IntN(4) == 0, allow: g.IntN(3) > 0, tcp: g.IntN(6) > 0,
			from: g.fields(), to: g.fields(), fromPorts: from, toPorts: g.port([]string{"*", "5432", "5000-6000", "443", "6000-7000"})})
	}
	for _, inbound := range []bool{true, false} {
		out = append(out, plainRule{priority: 65500, inbound: inbound, tcp: true, from: []string{"*"}, to: []string{"*"},
			fromPorts: "*", toPorts: "*"})
	}
	g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func groupOf(rules []plainRule, g generator) SecurityGroup {
	var out SecurityGroup
	for _, r := range rules {
		rule := Rule{Name: fmt.Sprint("rule-", r.priority), Priority: r.priority, Direction: "Outbound", Access: "Deny",
			Protocol: "Udp", SourcePrefixes: r.from, SourcePort: r.fromPorts, DestinationPrefixes: r.to, DestinationPorts: []string{r.toPorts}}
		if r.inbound {
			rule.Direction = "inbound"
		}
		if r.allow {
			rule.Access = "Allow"
		}
		if r.tcp {
			rule.Protocol = []string{"*", "Tcp", "TCP"}[g.IntN(3)]
		}
		if len(r.from) == 1 && g.IntN(2) == 0 {
			rule.SourcePrefix, rule.SourcePrefixes = r.from[0], nil
		}
		if r.priority == 65500 {
			out.DefaultRules = append(out.DefaultRules, rule)
			continue
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}

// Whatever the fast evaluator decides holds for every packet of the flow, whatever the tags hold that nobody knows.
func TestDecideIsSound(t *testing.T) {
	t.Parallel()
	g := generator{Rand: rand.New(rand.NewPCG(7, 11))}
	decided := map[Outcome]int{}
	for range 600 {
		rules := g.rules()
		from, to := g.prefix(), g.prefix()
		gateway, known := g.IntN(2) == 0, netip.MustParsePrefix("10.0.0.8/30")
		flow := Flow{From: from, To: to, Port: 5432}
		d := groupOf(rules, g).Decide(flow, Outbound, Surroundings{Known: []netip.Prefix{known}, Gateway: gateway})
		decided[d.Outcome]++
		if d.Outcome == Undecided {
			continue
		}
		for range 4 { // some of the worlds that there may be
			w := world{network: map[int]bool{}, storage: map[int]bool{}, rules: rules, members: map[string][32]bool{}}
			for a := range 32 {
				w.network[a] = a >= 8 && a < 12 || gateway && g.IntN(2) == 0
				w.storage[a] = g.IntN(2) == 0
			}
			for _, p := range packets(from, to) {
				if w.allows(p, false) != (d.Outcome == Allowed) {
					t.Fatalf("%+v is decided as %+v, but not for %+v\n%+v", flow, d, p, rules)
				}
			}
		}
	}
	if decided[Allowed] < 50 || decided[Denied] < 50 || decided[Undecided] < 50 {
		t.Errorf("the rules are all of one kind: %v", decided)
	}
}

// Where nothing is unknown, nothing is left undecided, and the rule that is named is the one that decides.
func TestDecideIsComplete(t *testing.T) {
	t.Parallel()
	g := generator{Rand: rand.New(rand.NewPCG(3, 5)), decidable: true}
	for range 3000 {
		rules := g.rules()
		from, to := g.IntN(32), g.IntN(32)
		inbound := g.IntN(2) == 0
		direction := map[bool]Direction{true: Inbound, false: Outbound}[inbound]
		d := groupOf(rules, g).Decide(Flow{From: single(from), To: single(to), Port: 5432}, direction,
			Surroundings{Known: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/28")}})
		w := world{network: map[int]bool{}, rules: rules, members: map[string][32]bool{}}
		for a := range 16 {
			w.network[a] = true
		}
		p := packet{from: from, to: to, comesFrom: 40000, goesTo: 5432}
		if allowed := w.allows(p, inbound); d.Outcome == Undecided || allowed != (d.Outcome == Allowed) {
			t.Fatalf("%+v %s is %+v, but allowed is %v\n%+v", p, direction, d, allowed, rules)
		}
		if d.Rule == "rule-65500" {
			continue // the last one decides whatever is left
		}
		flipped := w
		flipped.rules = append([]plainRule(nil), rules...)
		for i, r := range flipped.rules {
			if fmt.Sprint("rule-", r.priority) == d.Rule {
				flipped.rules[i].allow = !r.allow
			}
		}
		if flipped.allows(p, inbound) == w.allows(p, inbound) {
			t.Fatalf("%s is named, and does not decide %+v\n%+v", d.Rule, p, rules)
		}
	}
}

func single(a int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(a)}), 32)
}

func (g generator) prefix() netip.Prefix {
	bits := 29 + g.IntN(4)
	return netip.PrefixFrom(single(g.IntN(32)).Addr(), bits).Masked()
}

// packets are all that a flow can consist of, from a few of the ports that a connection comes from.
func packets(from, to netip.Prefix) []packet {
	var out []packet
	for a := range 32 {
		for b := range 32 {
			if !from.Contains(single(a).Addr()) || !to.Contains(single(b).Addr()) {
				continue
			}
			for _, port := range []int{1024, 2000, 2001, 40000, 65535} {
				out = append(out, packet{from: a, to: b, comesFrom: port, goesTo: 5432})
			}
		}
	}
	return out
}
