package shared_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// sign is one row of the catalogue of failure signatures: what a probe sees of it, and its name. The lab of
// infra/local/lab provokes the same on real networks and servers; here is the whole list, to be read.
type sign struct {
	id   string
	code finding.Code
	// seen is what a probe saw, judged.
	seen []finding.Finding
	// pasted is what a person sees of it, where it is not the probe's to meet, and why says why it is not.
	pasted, why string
}

// signatures are how many rows each part of the catalogue has.
func signatures() map[string]int {
	return map[string]int{"DNS": 14, "NET": 27, "TLS": 22, "HBA": 10, "AUTH": 11, "ENT": 8, "SRV": 16, "REP": 22,
		"EXT": 6, "AZ": 9}
}

// TestEverySignatureHasItsName holds that each row of the catalogue is there, named, and, where no probe can meet it,
// explained and known to explain.
func TestEverySignatureHasItsName(t *testing.T) {
	t.Parallel()
	all := slices.Concat(dnsSigns(), networkSigns(), tlsSigns(), hbaSigns(), accountSigns(), entraSigns(), serverSigns(),
		replicationSigns(), extensionSigns(), azureSigns())
	met := map[string]bool{}
	for _, s := range all {
		met[s.id] = true
		if got := s.named(); got != s.code {
			t.Errorf("%s: named %q, want %q", s.id, got, s.code)
		}
		if (s.seen == nil) != (s.why != "") {
			t.Errorf("%s: either a probe meets it, or there is a reason why none does", s.id)
		}
		if s.seen != nil {
			if id := s.seen[0].Args["id"]; id != nil && id != s.id {
				t.Errorf("%s: the finding says %v", s.id, id)
			}
		}
	}
	probed := 0
	for part, n := range signatures() {
		for i := 1; i <= n; i++ {
			id := fmt.Sprintf("%s-%02d", part, i)
			if !met[id] {
				t.Errorf("%s is missing", id)
			}
			if slices.ContainsFunc(all, func(s sign) bool { return s.id == id && s.seen != nil }) {
				probed++
			}
		}
	}
	t.Logf("%d of 145 signatures are met by a probe, the others only by a reader of texts", probed)
}

// named is the first finding's code: the probe's, or else that of the pasted text.
func (s sign) named() finding.Code {
	found := s.seen
	if found == nil {
		found = explain.Explain(s.pasted).Findings
	}
	if len(found) == 0 {
		return ""
	}
	return found[0].Code
}

// What the probes' observations are made of.

const (
	azureHost = "orders.postgres.database.azure.com"
	linkHost  = "orders.privatelink.postgres.database.azure.com"
)

// answer is what one DNS server said of a name: the names of the chain, and the addresses at its end.
type answer struct {
	rcode   string
	outcome resolve.Outcome
	chain   []string
	aaaa    bool
	gives   []string
}

// answered judges what DNS servers said, where access is expected.
func answered(access request.Access, said ...answer) []finding.Finding {
	o := resolve.Observation{Name: azureHost, Form: resolve.FormName}
	for i, a := range said {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i + 4)}), 53)
		server := resolve.Server{Address: at, A: a.answer(!a.aaaa), AAAA: a.answer(a.aaaa)}
		o.Servers = append(o.Servers, server)
		if len(a.gives) > 0 && len(o.Addresses) == 0 {
			o.AnsweredBy = at
			for _, text := range a.gives {
				o.Addresses = append(o.Addresses, netip.MustParseAddr(text))
			}
		}
	}
	return resolve.Judge(o, resolve.Expect{Access: access})
}

func (a answer) answer(addressed bool) resolve.Answer {
	out := resolve.Answer{Outcome: resolve.Answered, RCODE: a.rcode, ChainEnd: azureHost}
	if a.outcome != "" {
		return resolve.Answer{Outcome: a.outcome}
	}
	for _, name := range a.chain {
		out.Chain = append(out.Chain, resolve.Link{Name: out.ChainEnd, Target: name})
		out.ChainEnd = name
	}
	out.ChainLength = len(out.Chain)
	for _, text := range a.gives {
		if addressed {
			out.Addresses = append(out.Addresses, resolve.Record{Address: netip.MustParseAddr(text)})
		}
	}
	return out
}

// written judges a host as it was written.
func written(form resolve.Form, name string) []finding.Finding {
	o := resolve.Observation{Name: name, Form: form}
	if address, err := netip.ParseAddr(name); err == nil {
		o.Addresses = []netip.Addr{address}
	}
	return resolve.Judge(o, resolve.Expect{VerifyName: true})
}

// dialled judges TCP handshakes; those that worked come last.
func dialled(rttMs float64, outcomes ...connect.Outcome) []finding.Finding {
	o := connect.Observation{Port: 5432, RTTMs: rttMs}
	for i, outcome := range outcomes {
		o.Attempts = append(o.Attempts, connect.Attempt{Address: fmt.Sprintf("10.0.0.%d", i+4), Outcome: outcome,
			Kept: outcome == connect.Connected})
	}
	return connect.Judge(o)
}

// opened judges the conversation before the login.
func opened(o tls.Observation) []finding.Finding {
	return tls.Judge(o, tls.Expect{Mode: request.TLSVerifyFull})
}

func said(text string) *tls.Bytes { return &tls.Bytes{Hex: fmt.Sprintf("%x", text), Text: text} }

// foreign is an answer to SSLRequest that no PostgreSQL gives.
func foreign(text string) []finding.Finding {
	return opened(tls.Observation{Stage: tls.StageRequested, Ended: tls.EndedForeign, Reply: text[:1],
		FirstBytes: said(text)})
}

// shaken judges a handshake that did not come to its end.
func shaken(ended tls.Ending, h tls.Handshake) []finding.Finding {
	return opened(tls.Observation{Stage: tls.StageHandshake, Reply: "S", Ended: ended, Handshake: &h})
}

// refused judges a server's error. With TLS or not, to which host, as which user: what is known of the attempt.
func refused(sqlstate, routine, message string, c login.Circumstances) []finding.Finding {
	code, args := login.Classify(login.ServerError{Severity: "FATAL", SQLState: sqlstate, Routine: routine,
		Message: message}, c)
	return []finding.Finding{{Code: code, Layer: finding.Login, Args: args}}
}

var (
	withTLS    = login.Circumstances{TLS: login.Yes, TLSOffered: login.Yes, Host: "db.example.com", User: "migrator"}
	withoutTLS = login.Circumstances{TLS: login.No, TLSOffered: login.Yes, Host: "db.example.com", User: "migrator"}
	atAzure    = login.Circumstances{TLS: login.Yes, TLSOffered: login.Yes, Host: azureHost, User: "migrator@orders"}
	tokenAt    = login.Circumstances{TLS: login.Yes, TLSOffered: login.Yes, Host: azureHost, User: "migrator", Entra: true}
	logical    = login.Circumstances{TLS: login.Yes, Host: "db.example.com", User: "migrator", Database: "orders",
		Replication: "database"}
)

// read judges what one end's catalogues and settings say, for an online migration of the database orders.
func read(o prerequisites.Observation) []finding.Finding {
	o.Mode = request.Online
	if o.Side == "" {
		o.Side = prerequisites.SideSource
	}
	found := prerequisites.Judge(o, prerequisites.Expect{Mode: request.Online, Databases: []string{"orders"}})
	// What a made-up observation does not hold is told as not checked, which is not the matter here.
	return slices.DeleteFunc(found, func(f finding.Finding) bool { return f.Code == finding.PreNotChecked })
}

func settings(pairs ...string) prerequisites.Server {
	s := prerequisites.Server{Version: &prerequisites.Version{Num: 150018}, Settings: map[prerequisites.Text]prerequisites.Setting{}}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		s.Settings[prerequisites.Text(name)] = prerequisites.Setting(value)
	}
	return s
}
