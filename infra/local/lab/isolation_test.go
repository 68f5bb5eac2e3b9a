package lab

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestTheLabHasNoWayOut looks at every host of a bench: only loopback and interfaces whose other end is in the same
// bench, only the lab's own networks, and nothing of it on the machine itself.
func TestTheLabHasNoWayOut(t *testing.T) {
	needs(t)
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	before := linksHere(t)
	b, err := newBench(certs, buildProbe(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if after := linksHere(t); !slices.Equal(before, after) {
		t.Errorf("the machine's interfaces were %v and are %v", before, after)
	}
	mine := map[string][]string{"router": {"dns", "lo", "source", "target", "vantage"}}
	for _, h := range []*host{b.router, b.vantage, b.dns, b.source, b.target} {
		want := mine[h.name]
		if want == nil {
			want = []string{"eth0", "lo"}
		}
		if got := names(t, output(t, h, "ip", "-json", "link")); !slices.Equal(got, want) {
			t.Errorf("%s has the interfaces %v, want %v", h.name, got, want)
		}
	}
	// The router is the only one with several ways, and it has none to anywhere else.
	for line := range strings.Lines(string(output(t, b.router, "ip", "-4", "route"))) {
		to := strings.Fields(line)[0]
		if !strings.HasPrefix(to, "10.77.") && !strings.HasPrefix(to, "20.77.") {
			t.Errorf("the router has a route to %s", to)
		}
	}
}

func linksHere(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("ip", "-json", "link").Output()
	if err != nil {
		t.Fatal(err)
	}
	return names(t, out)
}

func output(t *testing.T, h *host, command ...string) []byte {
	t.Helper()
	var out []byte
	err := h.Do(func() error {
		var err error
		out, err = exec.Command(command[0], command[1:]...).Output()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func names(t *testing.T, raw []byte) []string {
	t.Helper()
	var links []struct {
		Name string `json:"ifname"`
	}
	if err := json.Unmarshal(raw, &links); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, link := range links {
		all = append(all, link.Name)
	}
	slices.Sort(all)
	return all
}

// TestResettingForgetsEverything breaks a bench in each way that hosts offer and expects it healthy afterwards.
func TestResettingForgetsEverything(t *testing.T) {
	needs(t)
	certs, err := newCertificates()
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBench(certs, buildProbe(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	broken := b.play(situation{name: "broken", want: "TCP_TIMEOUT", arrange: func(b *bench) {
		b.source.filter("input", "tcp dport 5432 drop")
		b.router.change("route add blackhole "+absentNetwork, "route del blackhole "+absentNetwork)
		b.vantage.set("net/ipv4/tcp_syn_retries", "1", "6")
		b.target.stop()
		b.order.Resolvers = append(b.order.Resolvers, netip.MustParseAddrPort(otherResolver+":53"))
	}})
	if broken.answer.Report == nil || broken.answer.Report.FirstBroken == nil {
		t.Errorf("not broken: %v", broken.faults)
	}
	if healed := b.play(situation{name: "healed"}); len(healed.faults) > 0 {
		t.Errorf("not healed: %v", healed.faults)
	}
}
