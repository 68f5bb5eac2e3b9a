package guard_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/guard"
)

func parse(t *testing.T, targets, ports string) guard.Policy {
	t.Helper()
	policy, err := guard.Parse(targets, ports)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", targets, ports, err)
	}
	return policy
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const everything = "0.0.0.0/0,::/0,*.example.com"
	tests := []struct {
		name, targets, host, addr string
		allowed                   bool
	}{
		{"default, RFC 1918", "", "db", "10.1.2.4", true},
		{"default, last of 172.16/12", "", "db", "172.31.255.255", true},
		{"default, just after 172.16/12", "", "db", "172.32.0.0", false},
		{"default, unique local IPv6", "", "db", "fd12::1", true},
		{"default, shared address space", "", "db", "100.64.0.1", false},
		{"default, public address", "", "db.example.com", "20.1.2.3", false},
		{"default, flexible server with a public address", "", "x.postgres.database.azure.com", "20.1.2.3", true},
		{"default, RDS with a public address", "", "x.abc.eu-west-1.rds.amazonaws.com", "52.1.2.3", true},
		{"suffix in capitals, final dot", "", "X.Postgres.Database.Azure.COM.", "20.1.2.3", true},
		{"suffix without its dot", "", "evilpostgres.database.azure.com", "20.1.2.3", false},
		{"suffix in the middle", "", "x.postgres.database.azure.com.evil.net", "20.1.2.3", false},
		{"suffix alone", "*.example.com", "example.com", "20.1.2.3", false},
		{"suffix, several labels", "*.example.com", "a.b.example.com", "20.1.2.3", true},
		{"exact name", "db.example.com", "db.example.com", "20.1.2.3", true},
		{"below an exact name", "db.example.com", "a.db.example.com", "20.1.2.3", false},
		{"a list replaces the default", "20.0.0.0/8", "db", "10.1.2.4", false},
		{"single address", "20.1.2.3", "db", "20.1.2.3", true},
		{"beside a single address", "20.1.2.3", "db", "20.1.2.4", false},
		{"IPv4-mapped form of a listed address", "20.1.2.3", "db", "::ffff:20.1.2.3", true},
		{"mapped entry", "::ffff:20.1.2.3", "db", "20.1.2.3", true},
		{"zone does not hide a listed address", "fd12::/16", "db", "fd12::1%eth0", true},

		{"loopback by a suffix", everything, "x.example.com", "127.0.0.1", false},
		{"loopback named", "127.0.0.0/8", "db", "127.0.0.1", true},
		{"another loopback named", "127.0.0.2", "db", "127.0.0.1", false},
		{"loopback named and a suffix", "127.0.0.2,*.example.com", "x.example.com", "127.0.0.1", false},
		{"a shorter prefix does not name loopback", "126.0.0.0/7", "db", "127.0.0.1", false},
		{"loopback, mapped", everything, "db", "::ffff:127.0.0.1", false},
		{"loopback, mapped, named", "127.0.0.1", "db", "::ffff:127.0.0.1", true},
		{"loopback, NAT64", everything, "db", "64:ff9b::7f00:1", false},
		{"loopback, NAT64, named as IPv4 only", "127.0.0.0/8,64:ff9b::/96", "db", "64:ff9b::7f00:1", false},
		{"loopback, NAT64, named", "64:ff9b::7f00:0/104", "db", "64:ff9b::7f00:1", true},
		{"loopback, 6to4", everything, "db", "2002:7f00:1::1", false},
		{"loopback, IPv4-compatible", everything, "db", "::7f00:1", false},
		{"loopback IPv6", everything, "db", "::1", false},
		{"loopback IPv6 named", "::1", "db", "::1", true},
		{"an ordinary address in 6to4", "2002::/16", "db", "2002:1401:203::1", true},
		{"an ordinary address in NAT64 is judged as IPv6", "20.0.0.0/8", "db", "64:ff9b::1401:203", false},
		{"metadata", everything, "x.example.com", "169.254.169.254", false},
		{"metadata, mapped", everything, "db", "::ffff:169.254.169.254", false},
		{"metadata, NAT64", everything, "db", "64:ff9b::a9fe:a9fe", false},
		{"metadata, 6to4", everything, "db", "2002:a9fe:a9fe::", false},
		{"metadata named", "169.254.169.254", "db", "169.254.169.254", true},
		{"metadata IPv6 of AWS is inside fc00::/7", "", "db", "fd00:ec2::254", false},
		{"its neighbour is ordinary", "", "db", "fd00:ec2::255", true},
		{"metadata IPv6 of Google", "", "db", "fd20:ce::254", false},
		{"Azure platform", everything, "x.example.com", "168.63.129.16", false},
		{"Azure platform named", "168.63.129.16", "db", "168.63.129.16", true},
		{"Azure platform by its range", "168.63.129.0/24", "db", "168.63.129.16", false},
		{"link-local IPv6", everything, "db", "fe80::1", false},
		{"link-local IPv6 with a zone", everything, "db", "fe80::1%eth0", false},
		{"multicast", everything, "db", "224.0.0.1", false},
		{"multicast IPv6", everything, "db", "ff02::1", false},
		{"unspecified", everything, "db", "0.0.0.0", false},
		{"unspecified IPv6", everything, "db", "::", false},
		{"this network", everything, "db", "0.1.2.3", false},
		{"broadcast", everything, "db", "255.255.255.255", false},
		{"local NAT64", everything, "db", "64:ff9b:1::1", false},
		{"Teredo", everything, "db", "2001::1", false},
		{"public IPv6", everything, "db", "2603:1020::1", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := netip.MustParseAddr(test.addr)
			err := parse(t, test.targets, "").Check(test.host, addr)
			if (err == nil) != test.allowed {
				t.Fatalf("Check(%q, %s) with %q = %v, want allowed %t", test.host, addr, test.targets, err, test.allowed)
			}
			if test.allowed {
				return
			}
			refusal, ok := errors.AsType[*guard.Refusal](err)
			if !ok || refusal.Host != test.host || refusal.Address != addr || refusal.Reason == "" {
				t.Errorf("refusal %#v does not say what was refused and why", err)
			}
		})
	}
}

func TestCheckPort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ports   string
		port    int
		allowed bool
	}{
		{"", 5432, true}, {"", 6432, true}, {"", 22, false}, {"", 0, false}, {"", -1, false},
		{"5432-5440", 5431, false}, {"5432-5440", 5432, true}, {"5432-5440", 5440, true}, {"5432-5440", 5441, false},
		{" 5433 , 7000 - 7001 ,", 7001, true}, {"5433", 5432, false}, {"1-65535", 65536, false},
	}
	for _, test := range tests {
		err := parse(t, "", test.ports).CheckPort(test.port)
		if (err == nil) != test.allowed {
			t.Errorf("CheckPort(%d) with %q = %v, want allowed %t", test.port, test.ports, err, test.allowed)
		}
		if refusal, ok := errors.AsType[*guard.Refusal](err); !test.allowed && (!ok || refusal.Port != test.port) {
			t.Errorf("CheckPort(%d): %#v is no refusal of that port", test.port, err)
		}
	}
}

func TestTheZeroPolicyRefusesEverything(t *testing.T) {
	t.Parallel()
	var policy guard.Policy
	if policy.CheckPort(5432) == nil {
		t.Error("port 5432 is allowed")
	}
	for _, addr := range []string{"10.0.0.1", "127.0.0.1", "fd12::1", "20.1.2.3"} {
		if policy.Check("x.postgres.database.azure.com", netip.MustParseAddr(addr)) == nil {
			t.Errorf("%s is allowed", addr)
		}
	}
}

func TestNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	if parse(t, "*.example.com", "").Check("x.example.com", netip.Addr{}) == nil {
		t.Error("the invalid address is allowed")
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ targets, ports, want string }{
		{"10.0.0.0/33", "", `entry "10.0.0.0/33" is not a CIDR`},
		{"10.0.0.1,10.1.2.3/8", "", "write 10.0.0.0/8"},
		{"::ffff:10.0.0.0/104", "", "write it as IPv4"},
		{"10.0.0", "", "not a complete IP address"},
		{"10.0.0.300", "", "not a complete IP address"},
		{"fe80::1%eth0", "", "zone"},
		{"*", "", "is not a CIDR"},
		{"*.", "", "is not a CIDR"},
		{"*.*.example.com", "", "is not a CIDR"},
		{".example.com", "", "is not a CIDR"},
		{"https://example.com", "", "is not a CIDR"},
		{"db example", "", "is not a CIDR"},
		{"10.0.0.1:5432", "", "is not a CIDR"},
		{strings.Repeat("a.", 130) + "com", "", "longer"},
		{" , ,", "", "only commas"},
		{"", "0", "not a port"},
		{"", "65536", "not a port"},
		{"", "5432;6432", "not a port"},
		{"", "-5432", "not a port"},
		{"", "5440-5432", "ends before it starts"},
		{"", ",", "only commas"},
	}
	for _, test := range tests {
		_, err := guard.Parse(test.targets, test.ports)
		setting := "ALLOWED_TARGETS"
		if test.ports != "" {
			setting = "ALLOWED_PORTS"
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), setting) {
			t.Errorf("Parse(%q, %q) = %v, want %q and the setting's name", test.targets, test.ports, err, test.want)
		}
	}
}

func TestRefusalNamesWhatWasRefused(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("10.0.0.1")
	tests := []struct {
		refusal guard.Refusal
		want    string
	}{
		{guard.Refusal{Host: "db", Address: addr, Port: 22, Reason: "why"}, `refused "10.0.0.1" port 22: why`},
		{guard.Refusal{Host: "db", Address: addr, Reason: "why"}, `refused "10.0.0.1": why`},
		{guard.Refusal{Host: "db\n", Reason: "why"}, `refused "db\n": why`},
		{guard.Refusal{Port: 22, Reason: "why"}, `refused port 22: why`},
	}
	for _, test := range tests {
		if got := test.refusal.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("10.0.0.0/8,*.example.com,::1", "5432-5440")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, targets, ports string) {
		policy, err := guard.Parse(targets, ports)
		if err != nil {
			return
		}
		if policy.CheckPort(0) == nil || policy.CheckPort(65536) == nil {
			t.Errorf("%q allows a port that does not exist", ports)
		}
		// Only an entry as long as the platform address itself can name it.
		if !strings.Contains(targets, "168.63.129.16") && !strings.Contains(targets, ":") &&
			policy.Check("a.example.com", netip.MustParseAddr("168.63.129.16")) == nil {
			t.Errorf("%q allows the platform address without naming it", targets)
		}
	})
}
