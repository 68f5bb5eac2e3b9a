package lab

import (
	"slices"
	"testing"
)

// confusion lists situations that are easily taken for each other. Each is provoked; their names have to differ.
type confusion struct {
	ids        string
	situations []string
}

// networkConfusions are the list at the end of section 2.7 of the mission's facts, as far as it is about the network.
func networkConfusions() []confusion {
	return []confusion{
		{"NET-01 NET-08 NET-09", []string{"a firewall drops on the way there", "accepts and stays silent", "accepts and closes"}},
		{"DNS-01 DNS-02 DNS-03", []string{"the name does not exist", "NODATA with SOA",
			"CNAME into the private link zone, NXDOMAIN there"}},
		{"DNS-06 DNS-07 DNS-08", []string{"SERVFAIL", "REFUSED", "a firewall drops port 53"}},
		{"NET-01 NET-02 NET-04 NET-05", []string{"a firewall drops on the way there", "nothing listens",
			"a router answers ICMP host-unreachable", "no route at the router"}},
		{"TLS-11 NET-10", []string{"S, then closed after our hello", "resets after the request"}},
		{"TLS-11 TLS-12", []string{"S, then closed after our hello", "S, then reset after our hello"}},
		{"NET-10 TLS-12", []string{"an intrusion detection resets what has data", "an intrusion detection resets our hello"}},
		{"NET-08 NET-15", []string{"a firewall drops what has data", "a firewall drops our hello"}},
		{"NET-13 TLS-13", []string{"SSH, the first letter alone and the rest after our hello", "S, then plain text"}},
		{"NET-13 TLS-11", []string{"SSH, a byte at a time", "S, then closed"}},
		{"a gateway that accepts, and a server", []string{"a gateway accepts for a server that is not there",
			"CNAME into the private link zone, address there"}},
		{"TLS-02 TLS-03 TLS-05", []string{"an unknown authority, verify-full", "another name, verify-full", "expired, verify-full"}},
		{"TLS-09 TLS-10 TLS-14", []string{"TLS 1.1 only", "no common cipher", "a client certificate is wanted, TLS 1.2"}},
		{"a client certificate that is needed, and one that is not", []string{"a client certificate is wanted, TLS 1.3",
			"a client certificate is asked for, and not needed"}},
		{"TLS-02 TLS-22", []string{"an unknown authority, verify-full", "intercepted, and its authority is trusted"}},
		{"NET-26 NET-02", []string{"two addresses, one refuses", "two addresses, both refuse"}},
		{"our own host, and the network", []string{"our own host prohibits it", "a prohibiting route at the router"}},
	}
}

// TestConfusions plays the situations of each group and expects every one named as the table says, and no two alike.
func TestConfusions(t *testing.T) {
	needs(t)
	wanted := map[string]bool{}
	for _, c := range networkConfusions() {
		for _, name := range c.situations {
			wanted[name] = true
		}
	}
	all := slices.DeleteFunc(networkSituations(), func(s situation) bool { return !wanted[s.name] })
	if len(all) != len(wanted) {
		t.Fatalf("%d of %d situations are in the table", len(all), len(wanted))
	}
	outcomes := map[string]outcome{}
	for _, o := range play(t, all) {
		outcomes[o.name] = o
	}
	for _, c := range networkConfusions() {
		told := map[string]string{}
		for _, name := range c.situations {
			o := outcomes[name]
			if len(o.faults) > 0 {
				t.Errorf("%s: %s: %v", c.ids, name, o.faults)
			}
			called := o.calledBy()
			if other, same := told[called]; same {
				t.Errorf("%s: %q and %q are both called %s", c.ids, other, name, called)
			}
			told[called] = name
		}
	}
}
