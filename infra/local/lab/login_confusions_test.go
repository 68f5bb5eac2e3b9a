package lab

import (
	"slices"
	"strings"
	"testing"
)

// loginConfusions are situations that look alike to a hurried reader: each must get a name of its own.
func loginConfusions() map[string][]string {
	return map[string][]string{
		"HBA-01, HBA-02, HBA-03, AUTH-02": {"HBA: hostssl lines only, without TLS",
			"HBA: no line for the user, without TLS",
			"HBA: reject line, without TLS", "role: wrong password, hostssl only"},
		"HBA-02, TLS-01": {"state: ssl = off, no line for the address", "state: ssl = off, require, no line either"},
		"AUTH-01, AUTH-04, AUTH-05": {"role: unknown", "role: unknown, on a trust line", "role: may not log in",
			"login: SCRAM bound to the certificate"},
		"AUTH-06, AUTH-07, AUTH-08": {"database: missing", "database: no CONNECT privilege",
			"database: takes no connections"},
		"SRV-06, SRV-07, SRV-08": {"state: every connection taken", "state: only reserved connections left",
			"state: the role's other session uses up its limit", "database: connection limit"},
		"SRV-01, SRV-02, SRV-03, SRV-04": {"state: starting up", "state: smart shutdown",
			"state: a standby that admits nobody",
			"state: recovery after a crash"},
		"an open port of Single Server's gateway": {"Single Server: no rule for the virtual network",
			"Single Server's gateway: open port, no word", "Single Server: plain user name",
			"login: scripted server without a flaw, parted from with Terminate"},
		"HBA-02, HBA-06, HBA-09 of Azure": {"flexible server: no firewall rule",
			"flexible server: public access disabled",
			"flexible server: user@server of an old connection string", "flexible server: require_secure_transport"},
		"silence, a close, a lie": {"silent after startup, without TLS", "silent after the startup packet",
			"closes after the startup packet", "lies: lets us in without SCRAM's proof",
			"lies: speaks HTTP inside TLS"},
		"TLS that ends on the way": {"TLS ended by a proxy, plain behind it", "TLS opened and closed again by a proxy"},
	}
}

// sameNames are situations that must get the same name: what the server does not tell, nobody may claim to know, and a
// language or a version changes nothing.
func sameNames() map[string][]string {
	return map[string][]string{
		"AUTH-01's causes": {"role: wrong password", "role: unknown", "role: without a password",
			"role: password run out",
			"Japanese: wrong password", "Single Server: wrong password, right name"},
		"HBA-01 in all versions and clouds": {"HBA: hostssl lines only, without TLS", "PostgreSQL 13: SSL off",
			"RDS: rds.force_ssl", "Cloud SQL: ENCRYPTED_ONLY", "Single Server: without TLS"},
		"HBA-02 in all versions and languages": {"HBA: no line for the user, with TLS", "PostgreSQL 13: SSL on",
			"German: no line"},
		"SRV-07 in all versions": {"state: only reserved connections left",
			"PostgreSQL 16: reserved slots", "RDS: reserved slots"},
	}
}

// TestConfusionsOfTheLogin plays the situations of every group: each named as the table says, those that look alike
// told apart, and those that are alike named the same.
func TestConfusionsOfTheLogin(t *testing.T) {
	needs(t)
	wanted := map[string]bool{}
	for _, groups := range []map[string][]string{loginConfusions(), sameNames()} {
		for _, group := range groups {
			for _, name := range group {
				wanted[name] = true
			}
		}
	}
	all := slices.DeleteFunc(loginSituations(), func(s situation) bool { return !wanted[s.name] })
	if len(all) != len(wanted) {
		t.Fatalf("%d of %d situations are in the table", len(all), len(wanted))
	}
	named := map[string]string{}
	for _, o := range play(t, all) {
		if len(o.faults) > 0 {
			t.Errorf("%s: %v", o.name, o.faults)
			continue
		}
		named[o.name] = o.code()
	}
	for about, group := range loginConfusions() {
		if names := namesOf(group, named); len(names) != len(group) {
			t.Errorf("%s: %d situations have the names %v", about, len(group), names)
		}
	}
	for about, group := range sameNames() {
		if names := namesOf(group, named); len(names) != 1 {
			t.Errorf("%s: named %v", about, names)
		}
	}
}

// code is the name of what stands first, whichever leg it is on.
func (o *outcome) code() string {
	name, _, _ := strings.Cut(o.named(), " ")
	return name
}

func namesOf(group []string, named map[string]string) []string {
	var names []string
	for _, situation := range group {
		names = append(names, named[situation])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
