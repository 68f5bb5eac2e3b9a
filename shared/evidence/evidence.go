// Package evidence is what each layer of a leg keeps in a report, and what it means. A check that runs and a report that
// is judged again both come here, so that the same evidence gives the same findings. It probes nothing and reads no
// clock; what a single probe saw is judged by that probe's own judge.
package evidence

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/plan"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Resolve judges the resolve layer of a leg.
func Resolve(o resolve.Observation, l plan.Leg) []finding.Finding {
	// With a custom address the certificate is held against the host all the same.
	byName := l.Endpoint.Address == "" && l.Endpoint.TLS.Mode == request.TLSVerifyFull
	return resolve.Judge(o, resolve.Expect{Access: l.Access, VerifyName: byName})
}

// Connect judges the connect layer. Where an upper layer was blocked, what the connection had to send again is that
// failure's evidence, not a slow way.
func Connect(o connect.Observation, blocked bool) []finding.Finding {
	if blocked {
		o.AtEnd = nil
	}
	return connect.Judge(o)
}

// TLS is the evidence of the tls layer.
type TLS struct {
	tls.Observation
	// FirstOffer is the attempt with P-256 first, where the server refused that and a second one was made.
	FirstOffer *tls.Observation `json:"firstOffer,omitempty"`
	// WithoutTLS is what the server does without TLS, on the connection where it declined TLS. No password was sent.
	WithoutTLS *login.Observation `json:"withoutTls,omitempty"`
}

// Judge judges the layer.
func (t TLS) Judge(l plan.Leg) []finding.Finding {
	found := tls.Judge(t.Observation, tls.Expect{Mode: l.Endpoint.TLS.Mode})
	if !t.Declined() {
		return found
	}
	for i := range found {
		if found[i].Code == finding.TLSNotOffered {
			found[i].Args["withoutTLS"] = describe(t.WithoutTLS)
		}
	}
	return found
}

// Declined tells whether the server answered with N and left the connection usable.
func (t TLS) Declined() bool { return Offered(t.Observation) == login.No && t.Ended == "" }

// Offered tells whether a server offers TLS.
func Offered(o tls.Observation) login.Tri {
	switch o.Reply {
	case "S":
		return login.Yes
	case "N":
		return login.No
	}
	return login.Unknown
}

// describe is the short form of an attempt for an argument of a finding.
func describe(o *login.Observation) string {
	switch {
	case o == nil:
		return ""
	case o.Error != nil:
		return o.Error.Message
	case len(o.AuthMethods) > 0:
		return "asked for a password (" + strings.Join(o.AuthMethods, ", ") + ")"
	case o.Admitted():
		return "let in without a password"
	}
	return string(o.End)
}

// Login is the evidence of the login layer: the attempt that was asked for, then the one with the other TLS state where
// that one had more to tell.
type Login struct {
	Attempts []login.Observation `json:"attempts"`
	// LateAlert is the handshake with the alert that came after it, where that ended the login.
	LateAlert *tls.Observation `json:"lateAlert,omitempty"`
	// OtherTLS is the handshake for the other attempt, where that attempt did not come about.
	OtherTLS *tls.Observation `json:"otherTls,omitempty"`
}

// Judge judges the layer; there is at least one attempt.
func (a Login) Judge(l plan.Leg, offered login.Tri) []finding.Finding {
	expect := LoginExpect(l, offered)
	switch {
	case a.LateAlert != nil:
		return tls.Judge(*a.LateAlert, tls.Expect{Mode: l.Endpoint.TLS.Mode})
	case len(a.Attempts) > 1:
		return login.JudgeAttempts(a.Attempts[0], a.Attempts[1], expect)
	case a.OtherTLS != nil:
		// What the try showed of TLS decides what the refusal without it means.
		expect.TLSOffered = Offered(*a.OtherTLS)
	}
	return login.Judge(a.Attempts[0], expect)
}

// LoginExpect is what a leg expects of a login, where its server offers TLS or not.
func LoginExpect(l plan.Leg, offered login.Tri) login.Expect {
	e := l.Endpoint
	return login.Expect{Host: e.Host, Port: e.Port, Kind: l.Kind, User: e.User, Database: e.Databases[0],
		Entra: e.Credential.Entra, TLSOffered: offered}
}

// Prerequisites is the evidence of the prerequisites layer.
type Prerequisites struct {
	prerequisites.Observation
	// Further are the logins to the databases beyond the first, where one did not work.
	Further []Further `json:"further,omitempty"`
	// Absent are databases that the server's catalogue does not have: a login to one would only be a failed one.
	Absent []string `json:"absent,omitempty"`
	// Replication is the login that a migration in online mode makes.
	Replication *login.Replication `json:"replication,omitempty"`
	// NotAsked are databases beyond the bound, Late those whose login did not come about within the layer's share.
	NotAsked []string `json:"notAsked,omitempty"`
	Late     []string `json:"late,omitempty"`
}

// Further is a login to one more database.
type Further struct {
	Database string `json:"database"`
	login.Observation
}

// Judge judges the layer, and says why it is inconclusive where it is.
func (p Prerequisites) Judge(l plan.Leg, offered login.Tri) ([]finding.Finding, string) {
	var others []finding.Finding
	for _, further := range p.Further {
		expect := LoginExpect(l, offered)
		expect.Database = further.Database
		for _, f := range login.Judge(further.Observation, expect) {
			f.Layer, f.Args["database"] = finding.Prerequisites, further.Database
			others = append(others, f)
		}
	}
	for _, name := range p.Absent {
		others = append(others, finding.Finding{Code: finding.DatabaseMissing, Layer: finding.Prerequisites,
			Args: finding.Args{"id": "AUTH-06", "database": name, "user": l.Endpoint.User}})
	}
	if p.Replication != nil {
		others = append(others, login.JudgeReplication(*p.Replication, LoginExpect(l, offered))...)
	}
	open := p.open(l)
	facts := p.Observation
	facts.NotRead = slices.Concat(facts.NotRead, open)
	own := prerequisites.Judge(facts, prerequisitesExpect(l))
	for _, f := range others {
		if !slices.ContainsFunc(own, func(o finding.Finding) bool { return sameFault(o, f) }) {
			own = append(own, f)
		}
	}
	return own, p.cutShort(open)
}

// sameFault tells whether two findings of the layer tell of one fault. The catalogue and the walsender do, and the
// catalogue's numbers say more; several logins meet the same full server, but each a missing database of its own.
func sameFault(a, b finding.Finding) bool {
	ofOneDatabase := strings.HasPrefix(string(b.Code), "DATABASE_")
	return a.Code == b.Code && (!ofOneDatabase || a.Args["database"] == b.Args["database"])
}

// open is what nobody asked, though it was to be.
func (p Prerequisites) open(l plan.Leg) []prerequisites.NotRead {
	const everything = "everything"
	var out []prerequisites.NotRead
	for _, name := range p.NotAsked {
		out = append(out, prerequisites.NotRead{Question: everything, Database: name,
			Why: "only so many databases of a check get a connection of their own"})
	}
	for _, name := range p.Late {
		out = append(out, prerequisites.NotRead{Question: everything, Database: name, Lost: true,
			Why: "no login came about within the layer's share of the time"})
	}
	if l.Replicates() && p.Replication == nil {
		out = append(out, prerequisites.NotRead{Question: "the replication login", Lost: true,
			Why: "it did not come about within the layer's share of the time"})
	}
	return out
}

// cutShort says why the layer does not stand for the whole. A refusal is an answer; silence is none, and what it hides
// may be broken.
func (p Prerequisites) cutShort(open []prerequisites.NotRead) string {
	lost := slices.DeleteFunc(slices.Concat(p.NotRead, open), func(n prerequisites.NotRead) bool { return !n.Lost })
	switch {
	case p.Answered == 0:
		return "none of the questions was answered"
	case len(lost) > 0:
		return fmt.Sprintf("%s got no answer: %s", lost[0].Question, lost[0].Why)
	}
	return ""
}

func prerequisitesExpect(l plan.Leg) prerequisites.Expect {
	return prerequisites.Expect{Mode: l.Mode, Kind: l.Kind, Databases: l.Migrated}
}
