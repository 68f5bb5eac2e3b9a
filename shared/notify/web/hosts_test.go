package web

import (
	"net/netip"
	"testing"
)

func TestWhichAddressesMayBeAsked(t *testing.T) {
	t.Parallel()
	hosts := Hosts{".example.com", "hooks.corp.example", "127.0.0.1", "10.1.2.3", "::1", "169.254.169.254"}
	for address, want := range map[string]bool{
		"https://a.example.com/x":         true,
		"https://A.Example.com./x":        true,
		"https://a.b.example.com:8443/x":  true,
		"https://hooks.corp.example":      true,
		"https://10.1.2.3/x":              true,
		"http://127.0.0.1:8080/x":         true,
		"https://127.0.0.1/x":             true,
		"http://[::1]:8080/x":             true,
		"http://[::ffff:127.0.0.1]/x":     true,
		"https://example.com/x":           false,
		"https://badexample.com/x":        false,
		"https://example.com.evil.net/x":  false,
		"https://a.example.com@evil.net/": false,
		"http://a.example.com/x":          false,
		"http://10.1.2.3/x":               false,
		"http://127.0.0.2/x":              false,
		"http://localhost/x":              false,
		"https://10.1.2.4/x":              false,
		"https://169.254.169.254/latest":  false,
		"ftp://a.example.com":             false,
		"//a.example.com":                 false,
		"":                                false,
		"https://":                        false,
		"http://2130706433/":              false,
	} {
		if err := hosts.CheckURL(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := (Hosts{}).CheckURL("https://a.example.com"); err == nil {
		t.Error("an empty list allows something")
	}
}

func TestWhichAddressesMayBeDialled(t *testing.T) {
	t.Parallel()
	hosts := Hosts{".example.com", "hooks.corp.example", "127.0.0.1", "localhost"}
	for _, c := range []struct {
		host, addr string
		want       bool
	}{
		{"a.example.com", "93.184.216.34", true},
		{"a.example.com", "10.0.0.1", false},
		{"a.example.com", "100.64.0.1", false},
		{"a.example.com", "fd00::1", false},
		{"a.example.com", "::ffff:10.0.0.1", false},
		{"a.example.com", "64:ff9b::a00:1", false},
		{"a.example.com", "2001:db8::1", true},
		{"hooks.corp.example", "10.0.0.1", true},
		{"hooks.corp.example", "fd00::1", true},
		{"hooks.corp.example", "127.0.0.1", false},
		{"hooks.corp.example", "169.254.169.254", false},
		{"hooks.corp.example", "::ffff:169.254.169.254", false},
		{"hooks.corp.example", "64:ff9b::a9fe:a9fe", false},
		{"hooks.corp.example", "168.63.129.16", false},
		{"hooks.corp.example", "fe80::1%eth0", false},
		{"hooks.corp.example", "0.0.0.0", false},
		{"hooks.corp.example", "224.0.0.1", false},
		{"localhost", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
	} {
		if err := hosts.checkAddress(c.host, netip.MustParseAddr(c.addr)); (err == nil) != c.want {
			t.Errorf("%s at %s: %v", c.host, c.addr, err)
		}
	}
}
