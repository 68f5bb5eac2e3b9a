package resolve

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// The recorded answers that the situations are made of.

func gave(texts ...string) Answer {
	a := Answer{Outcome: Answered, RCODE: "NOERROR"}
	for _, address := range addresses(texts...) {
		a.Addresses = append(a.Addresses, Record{Address: address, TTLSeconds: 60})
	}
	return a
}

func said(rcode string) Answer { return Answer{Outcome: Answered, RCODE: rcode} }

func ended(outcome Outcome) Answer { return Answer{Outcome: outcome} }

// via puts a chain before an answer.
func via(a Answer, names ...string) Answer {
	from := "orders.postgres.database.azure.com"
	for _, name := range names {
		a.Chain = append(a.Chain, Link{Name: from, Target: name, TTLSeconds: 60})
		from = name
	}
	a.ChainLength, a.ChainEnd = len(a.Chain), from
	return a
}

func invalid(n int) Answer { return Answer{Outcome: TimedOut, InvalidAnswers: n} }

// heard builds an observation; answers are pairs of A and AAAA, one pair for each server.
func heard(answers ...Answer) Observation {
	o := Observation{Name: "orders.postgres.database.azure.com", Form: FormName, LimitMs: 4800}
	for i := 0; i < len(answers); i += 2 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i/2 + 4)}), 53)
		o.Servers = append(o.Servers, Server{Address: at, A: answers[i], AAAA: answers[i+1]})
	}
	o.AnsweredBy, o.Addresses = choose(o.Servers)
	return o
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const privateLink = "orders.privatelink.postgres.database.azure.com"
	const region = "orders.rs-abcdefghijklmno.postgres.database.azure.com"
	loopAnswer := via(gave(), "a.example", "orders.postgres.database.azure.com")
	loopAnswer.Loop = true
	none, notAwaited := gave(), ended(NotAwaited)
	const public = "DNS_PUBLIC_WHERE_PRIVATE_EXPECTED"
	const recordMissing = "DNS_PRIVATELINK_RECORD_MISSING"
	// A leading ~ marks a finding that has to be advisory.
	for _, c := range []struct {
		name   string
		o      Observation
		access request.Access
		want   string
	}{
		{"private, nothing expected", heard(gave("10.2.0.7"), none), "", ""},
		{"public, nothing expected", heard(gave("20.50.1.2"), none), "", ""},
		{"private as expected", heard(gave("10.2.0.7"), none), request.Private, ""},
		{"endpoint as expected", heard(via(gave("10.2.0.7"), privateLink), none), request.PrivateEndpoint, ""},
		{"public as expected", heard(gave("20.50.1.2"), none), request.Public, ""},
		{"CGNAT range counts as private", heard(gave("100.64.3.4"), none), request.Private, ""},
		{"above the CGNAT range is public", heard(gave("100.128.0.1"), none), request.Private, public},
		{"172.32 is public", heard(gave("172.32.0.1"), none), request.Private, public},
		{"172.31 is private", heard(gave("172.31.0.1"), none), request.Private, ""},
		{"loopback is neither", heard(gave("127.0.0.1"), none), request.Private, ""},
		{"loopback is neither, public", heard(gave("127.0.0.1"), none), request.Public, ""},
		{"link-local is neither", heard(gave("169.254.169.254"), none), request.Public, ""},
		{"public VNet-integrated", heard(gave("20.50.1.2"), none), request.VNetIntegrated, public},
		{"endpoint zone not linked",
			heard(via(gave("20.50.1.2"), privateLink, region), none), request.PrivateEndpoint, public},
		{"no endpoint, stays on rs", heard(via(gave("20.50.1.2"), region), none), request.PrivateEndpoint, public},
		{"one of two is public", heard(gave("10.2.0.7", "20.50.1.2"), none), request.Private, public},
		{"private where public", heard(gave("10.2.0.7"), none), request.Public, "DNS_PRIVATE_WHERE_PUBLIC_EXPECTED"},
		{"routable IPv6 on a private host", heard(gave("10.2.0.7"), gave("2a05:d018::1")), request.Private, ""},
		{"only IPv6", heard(none, gave("2a05:d018::1")), request.Private, "DNS_IPV6_ONLY"},
		{"only IPv6, A says NXDOMAIN", heard(said("NXDOMAIN"), gave("2a05:d018::1")), "", "DNS_IPV6_ONLY"},
		{"AAAA fails", heard(gave("10.2.0.7"), said("SERVFAIL")), "", ""},
		{"AAAA times out", heard(gave("10.2.0.7"), ended(TimedOut)), "", ""},
		{"AAAA says NXDOMAIN", heard(gave("10.2.0.7"), said("NXDOMAIN")), "", ""},
		{"A fails, AAAA answers", heard(said("SERVFAIL"), gave("fd00::1")), "", "DNS_SERVER_FAILURE"},
		{"A times out, AAAA answers", heard(ended(TimedOut), gave("fd00::1")), "", "DNS_TIMEOUT"},
		{"NXDOMAIN", heard(said("NXDOMAIN"), said("NXDOMAIN")), "", "DNS_NAME_NOT_FOUND"},
		{"NODATA", heard(none, none), "", "DNS_NO_ADDRESS"},
		{"NODATA, AAAA fails", heard(none, said("SERVFAIL")), "", "DNS_NO_ADDRESS"},
		{"blocked by 0.0.0.0", heard(gave("0.0.0.0"), gave("::")), "", "DNS_NO_ADDRESS"},
		{"multicast is no host", heard(gave("224.0.0.1"), none), "", "DNS_NO_ADDRESS"},
		{"private link, NXDOMAIN",
			heard(via(said("NXDOMAIN"), privateLink), said("NXDOMAIN")), request.Private, recordMissing},
		{"private link, NODATA", heard(via(none, privateLink), none), "", recordMissing},
		{"other private link zone",
			heard(via(said("NXDOMAIN"), "orders.privatelink.example.com"), none), "", recordMissing},
		{"other alias, NXDOMAIN", heard(via(said("NXDOMAIN"), "gone.example.com"), none), "", "DNS_NAME_NOT_FOUND"},
		{"name like privatelink",
			heard(via(said("NXDOMAIN"), "notprivatelink.example.com"), none), "", "DNS_NAME_NOT_FOUND"},
		{"loop", heard(loopAnswer, loopAnswer), "", "DNS_CNAME_LOOP"},
		{"SERVFAIL", heard(said("SERVFAIL"), said("SERVFAIL")), "", "DNS_SERVER_FAILURE"},
		{"NOTIMP", heard(said("NOTIMP"), said("NOTIMP")), "", "DNS_SERVER_FAILURE"},
		{"REFUSED", heard(said("REFUSED"), said("REFUSED")), "", "DNS_REFUSED"},
		{"silence", heard(ended(TimedOut), ended(TimedOut)), "", "DNS_TIMEOUT"},
		{"invalid answers", heard(invalid(2), invalid(2)), "", "DNS_TIMEOUT"},
		{"port closed", heard(ended(Unreachable), ended(Unreachable)), "", "DNS_TIMEOUT"},
		{"no server known", Observation{Form: FormName}, "", "DNS_TIMEOUT"},
		{"cancelled", heard(ended(Cancelled), ended(Cancelled)), "", ""},
		{"two agree", heard(gave("10.2.0.7"), none, gave("10.2.0.7"), none), "", ""},
		{"two agree it is missing", heard(said("NXDOMAIN"), none, said("NXDOMAIN"), none), "", "DNS_NAME_NOT_FOUND"},
		{"the platform's address", heard(gave("168.63.129.16"), none), request.Private, ""},
		{"rotated", heard(gave("10.2.0.7", "10.2.0.8"), none, gave("10.2.0.8", "10.2.0.7"), none), "", ""},
		{"overlapping private", heard(gave("10.2.0.7", "10.2.0.8"), none, gave("10.2.0.8"), none), "", ""},
		{"public rotation", heard(gave("20.50.1.2"), none, gave("52.1.2.3"), none), "", ""},
		{"another private address", heard(gave("10.2.0.7"), none, gave("10.9.0.7"), none), "", "~DNS_ANSWERS_DIFFER"},
		{"private and public",
			heard(gave("10.2.0.7"), none, gave("20.50.1.2"), none), request.Private, "DNS_ANSWERS_DIFFER"},
		{"public and private",
			heard(gave("20.50.1.2"), none, gave("10.2.0.7"), none), request.Private, public + " DNS_ANSWERS_DIFFER"},
		{"there and missing", heard(said("NXDOMAIN"), none, gave("10.2.0.7"), none), "", "DNS_ANSWERS_DIFFER"},
		{"there and empty", heard(gave("10.2.0.7"), none, none, none), "", "DNS_ANSWERS_DIFFER"},
		{"IPv4 on one, IPv6 on the other",
			heard(none, gave("fd00::1"), gave("10.2.0.7"), none), "", "DNS_ANSWERS_DIFFER"},
		{"missing and record missing",
			heard(said("NXDOMAIN"), none, via(said("NXDOMAIN"), privateLink), none), "",
			recordMissing + " ~DNS_ANSWERS_DIFFER"},
		{"good and SERVFAIL",
			heard(said("SERVFAIL"), said("SERVFAIL"), gave("10.2.0.7"), none), "", "~DNS_ANSWERS_DIFFER"},
		{"good and timed out",
			heard(gave("10.2.0.7"), none, ended(TimedOut), ended(TimedOut)), "", "~DNS_ANSWERS_DIFFER"},
		{"good and not awaited", heard(gave("10.2.0.7"), none, notAwaited, notAwaited), "", ""},
		{"AAAA fails on one", heard(gave("10.2.0.7"), said("SERVFAIL"), gave("10.2.0.7"), none), "", ""},
		{"missing and SERVFAIL", heard(said("SERVFAIL"), none, said("NXDOMAIN"), none), "", "DNS_NAME_NOT_FOUND"},
		{"SERVFAIL and timed out", heard(ended(TimedOut), none, said("SERVFAIL"), none), "", "DNS_SERVER_FAILURE"},
		{"REFUSED and SERVFAIL", heard(said("SERVFAIL"), none, said("REFUSED"), none), "", "DNS_REFUSED"},
		{"missing, the other one not awaited",
			heard(said("NXDOMAIN"), none, notAwaited, notAwaited), "", "DNS_NAME_NOT_FOUND"},
		{"a name", Observation{Form: FormURL}, "", "DNS_HOST_FORM_UNSUPPORTED"},
		{"private address, nature not checked",
			Observation{Form: FormAddress, Addresses: addresses("20.50.1.2")}, request.Private, "~DNS_HOST_IS_ADDRESS"},
		{"IPv6 address",
			Observation{Form: FormAddress, Addresses: addresses("fd00::1")}, "", "~DNS_HOST_IS_ADDRESS DNS_IPV6_ONLY"},
	} {
		var got []string
		for _, f := range Judge(c.o, Expect{Access: c.access}) {
			if f.Layer != finding.Resolve || f.Leg != "" {
				t.Errorf("%s: layer %q, leg %q", c.name, f.Layer, f.Leg)
			}
			got = append(got, map[bool]string{true: "~"}[f.Advisory]+string(f.Code))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %q", c.name, got, c.want)
		}
	}
}

func TestAddressWeighsMoreWhereTheNameIsVerified(t *testing.T) {
	t.Parallel()
	findings := Judge(describeAddress("10.0.0.4"), Expect{VerifyName: true})
	if len(findings) != 1 || findings[0].Advisory || findings[0].Code != finding.DNSHostIsAddress {
		t.Errorf("findings = %+v", findings)
	}
}

func describeAddress(text string) Observation {
	return Observation{Name: text, Form: FormAddress, Addresses: addresses(text)}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	chain := via(said("NXDOMAIN"), "a.example", "b.privatelink.postgres.database.azure.com")
	chain.ExtendedErrors = []ExtendedError{{Code: 9, Text: "why"}}
	for name, c := range map[string]struct {
		o    Observation
		want string
	}{
		"record missing": {heard(chain, ended(TimedOut), said("REFUSED"), none()), `aaaa="timed_out" addresses=[] ` +
			`answers=["10.1.0.4 NXDOMAIN","10.1.0.5 REFUSED"] authoritative=false ` +
			`chain=["orders.postgres.database.azure.com","a.example","b.privatelink.postgres.database.azure.com"] ` +
			`chainEnd="b.privatelink.postgres.database.azure.com" elapsedMs=0 extendedErrors=["why"] limitMs=4800 ` +
			`name="orders.postgres.database.azure.com" rcode="NXDOMAIN" ` +
			`recursionAvailable=false servers=["10.1.0.4"] viaPrivateLink=true viaRegion=false`},
		"blocked": {heard(gave("0.0.0.0"), none()), `aaaa="NODATA" addresses=[] answers=["10.1.0.4 0.0.0.0"] ` +
			`authoritative=false chain=[] chainEnd="" elapsedMs=0 extendedErrors=[] limitMs=4800 ` +
			`name="orders.postgres.database.azure.com" rcode="NOERROR" recursionAvailable=false servers=["10.1.0.4"] ` +
			`ttlSeconds=60 unusable=["0.0.0.0"] viaPrivateLink=false viaRegion=false`},
	} {
		findings := Judge(c.o, Expect{})
		if len(findings) != 1 {
			t.Fatalf("%s: findings = %+v", name, findings)
		}
		if got := dump(t, findings[0].Args); got != c.want {
			t.Errorf("%s: args\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func none() Answer { return gave() }

func dump(t *testing.T, args finding.Args) string {
	t.Helper()
	var names, out []string
	for name := range args {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		raw, err := json.Marshal(args[name])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, name+"="+string(raw))
	}
	return strings.Join(out, " ")
}

// TestSilenceHasOneKind: exactly one of the four flags of DNS_TIMEOUT is true.
func TestSilenceHasOneKind(t *testing.T) {
	t.Parallel()
	unreachable, truncated := Answer{Outcome: Unreachable, Errno: 111}, Answer{Outcome: OnlyTruncated, Truncated: true}
	silent := ended(TimedOut)
	for name, c := range map[string]struct {
		o    Observation
		want string
	}{
		"nothing":                {heard(silent, silent), "silent"},
		"junk":                   {heard(invalid(3), silent), "invalid"},
		"junk to AAAA":           {heard(silent, invalid(3)), "invalid"},
		"closed":                 {heard(unreachable, unreachable), "unreachable"},
		"closed, said once":      {heard(silent, unreachable), "unreachable"},
		"closed and silent":      {heard(unreachable, unreachable, silent, silent), "silent"},
		"closed and junk":        {heard(unreachable, unreachable, invalid(1), silent), "invalid"},
		"truncated":              {heard(truncated, truncated), "truncated"},
		"truncated and silent":   {heard(truncated, truncated, silent, silent), "truncated"},
		"junk, then SERVFAIL":    {heard(invalid(1), silent, said("SERVFAIL"), silent), ""},
		"not awaited beside it":  {heard(silent, silent, ended(NotAwaited), ended(NotAwaited)), "silent"},
		"truncated after a junk": {heard(truncated, invalid(2)), "truncated"},
	} {
		args := Judge(c.o, Expect{})[0].Args
		var got []string
		for _, flag := range []string{"silent", "invalid", "truncated", "unreachable"} {
			if args[flag] == true {
				got = append(got, flag)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}

func TestObservationSurvivesJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(heard(gave("10.2.0.7"), said("SERVFAIL")))
	if err != nil {
		t.Fatal(err)
	}
	var back Observation
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if back.AnsweredBy.String() != "10.1.0.4:53" || back.Addresses[0].String() != "10.2.0.7" {
		t.Errorf("came back as %s", raw)
	}
	if empty, _ := json.Marshal(Observation{Name: "x", Form: FormURL}); strings.Contains(string(empty), "answeredBy") {
		t.Errorf("an empty observation is %s", empty)
	}
}
