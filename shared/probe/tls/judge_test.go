package tls

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// The pairs that must never be mistaken for one another, side by side as recorded observations.
func TestConfusionsAreToldApart(t *testing.T) {
	t.Parallel()
	first := func(s string) *Bytes { return newBytes([]byte(s)) }
	h := &Handshake{Groups: P256First}
	for name, test := range map[string]struct {
		o    Observation
		code finding.Code
	}{
		"NET-08 silent":                {Observation{Stage: StageRequested, Ended: EndedTimeout}, finding.PeerSilent},
		"NET-09 closed":                {Observation{Stage: StageRequested, Ended: EndedClosed}, finding.PeerClosed},
		"NET-09 reset before we spoke": {Observation{Stage: StageOpen, Ended: EndedReset}, finding.PeerClosed},
		"NET-10 reset":                 {Observation{Stage: StageRequested, Ended: EndedReset}, finding.PeerReset},
		"TLS-11 S, closed":             {Observation{Stage: StageHandshake, Ended: EndedClosed, Reply: "S", Handshake: h}, finding.TLSClosed},
		"TLS-12 S, reset":              {Observation{Stage: StageHandshake, Ended: EndedReset, Reply: "S", Handshake: h}, finding.TLSReset},
		"NET-15 S, stalled":            {Observation{Stage: StageHandshake, Ended: EndedTimeout, Reply: "S", Handshake: h}, finding.TLSStalled},
		"NET-13 banner at once":        {Observation{Stage: StageRequested, Ended: EndedForeign, Reply: "S", ExtraBytes: true, FirstBytes: first("SSH-2.0-x")}, finding.PeerNotPostgres},
		"NET-13 banner dripping":       {Observation{Stage: StageHandshake, Ended: EndedNotTLS, Reply: "S", FirstBytes: first("SSH-2"), Handshake: h}, finding.PeerNotPostgres},
		"TLS-13 S, then not TLS":       {Observation{Stage: StageHandshake, Ended: EndedNotTLS, Reply: "S", FirstBytes: first("S\x00junk"), Handshake: h}, finding.TLSNotTLS},
		"TLS-01 N":                     {Observation{Stage: StageReplied, Reply: "N", FirstBytes: first("N")}, finding.TLSNotOffered},
		"our side refused":             {Observation{Stage: StageHandshake, Ended: EndedRefused, Handshake: h}, finding.TLSHandshake},
		"too much":                     {Observation{Stage: StageHandshake, Ended: EndedTooMuch, Handshake: h}, finding.TLSHandshake},
		"alert 40":                     {withAlert(40, false), finding.TLSHandshake},
		"alert 40 after a request":     {withAlert(40, true), finding.TLSClientCertificateRequired},
		"alert 42 after a request":     {withAlert(42, true), finding.TLSClientCertificateRequired},
		"alert 80 after a request":     {withAlert(80, true), finding.TLSHandshake},
		"alert 70":                     {withAlert(70, false), finding.TLSVersion},
		"alert 116":                    {withAlert(116, false), finding.TLSClientCertificateRequired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantOne(t, test.o, test.code, nil)
		})
	}
}

func withAlert(code uint8, requested bool) Observation {
	return Observation{Stage: StageHandshake, Ended: EndedAlert, Reply: "S",
		Handshake: &Handshake{AlertReceived: newAlert(code), ClientCertificateRequested: requested}}
}

// Words are filled from args, and a key that is missing is an error there.
func TestArgsHaveTheSameKeysWhateverWasSeen(t *testing.T) {
	t.Parallel()
	empty := Judge(Observation{Stage: StageRequested, Ended: EndedTimeout}, Expect{})[0].Args
	full := Judge(withAlert(40, true), Expect{})[0].Args
	if a, b := slices.Sorted(maps.Keys(empty)), slices.Sorted(maps.Keys(full)); !slices.Equal(a, b) {
		t.Errorf("keys differ: %v and %v", a, b)
	}
}

func TestInterceptionIsJudgedByTheCloudsOwnIssuers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		host          string
		organizations []string
		intercepted   bool
	}{
		{"orders.postgres.database.azure.com", []string{"Microsoft Corporation"}, false},
		{"orders.postgres.database.azure.com", []string{"DigiCert Inc"}, false},
		{"ORDERS.postgres.database.azure.com", []string{"Contoso Ltd"}, true},
		{"orders.postgres.database.azure.com", nil, true},
		{"orders.abc123.eu-west-1.rds.amazonaws.com", []string{"Amazon Web Services, Inc."}, false},
		{"orders.abc123.eu-west-1.rds.amazonaws.com", []string{"Zscaler Inc."}, true},
		{"db.example.test", []string{"Contoso Ltd"}, false},
		{"postgres.database.azure.com.example.test", []string{"Contoso Ltd"}, false},
	} {
		o := Observation{ServerName: test.host, Stage: StageSecured,
			Chain: []Certificate{{Issuer: "O=x", IssuerOrganizations: test.organizations}},
			Verification: &Verification{At: now, Trusted: true, NameMatches: true,
				NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}}
		var want []string
		if test.intercepted {
			want = []string{string(finding.TLSIntercepted)}
		}
		if got := marked(judge(t, o, request.TLSVerifyFull)); !slices.Equal(got, want) {
			t.Errorf("%s by %v: %v", test.host, test.organizations, got)
		}
	}
}

func TestDaysAreWhole(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	o := Observation{Stage: StageSecured, Chain: []Certificate{{}}, Verification: &Verification{At: now, Trusted: true,
		NameMatches: true, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.Add(5*24*time.Hour + time.Hour)}}
	if days := judge(t, o, request.TLSRequire)[0].Args["daysLeft"]; days != 5 {
		t.Errorf("days left: %v", days)
	}
	o.Verification.NotAfter = now.Add(-49 * time.Hour)
	if days := judge(t, o, request.TLSRequire)[0].Args["daysAgo"]; days != 2 {
		t.Errorf("days ago: %v", days)
	}
}

func TestLooksLike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SSH-2.0-x": "ssh", "SS": "ssh", "S": unknownProtocol, "HTTP/1.0 400": "http", "<html>": "http",
		"J\x00\x00\x00\x0a8.0": "mysql", "E\x00\x00\x00\xff\x6a\x04Host": "mysql",
		"220 x ESMTP": "smtp", "220 (vsFTPd 3)": "ftp", "220 hello": "smtp or ftp", "+OK ready": "pop3",
		"* OK IMAP4": "imap", "-ERR unknown command": "redis", "ERROR\r\n": "memcached", "RFB 003.008\n": "vnc",
		"AMQP\x00\x00\x09\x01": "amqp", "\xff\xfd\x18": "telnet", "\x15\x03\x01\x00\x02\x02\x0a": "tls",
		"\x03\x00\x00\x0b\x06\xd0": "rdp", "\x04\x01\x00\x25\x00\x00\x01\x00": "mssql",
		"\x00\x08\x00\x00\x0b\x00": "oracle", "": unknownProtocol, "J": unknownProtocol,
	} {
		if got := looksLike([]byte(text)); got != want {
			t.Errorf("%q looks like %s, want %s", text, got, want)
		}
	}
}

func TestTextsOfThePeerAreMadeSafe(t *testing.T) {
	t.Parallel()
	if got := clean("a\x1b[31m\r\nb\u202e\xffö"); got != "a.[31m..b..ö" {
		t.Errorf("clean: %q", got)
	}
	if got := clean(strings.Repeat("ö", 1000)); len(got) != maxText {
		t.Errorf("length %d", len(got))
	}
}
