package check

import (
	"context"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/evidence"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/prerequisites"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
)

const (
	// maxFurther bounds the databases beyond the first that get a connection of their own, furtherAtOnce how many are
	// open side by side: a far administrator counts connections, and a full server has few to spare.
	maxFurther    = 16
	furtherAtOnce = 4
)

// flight are the questions that leave together with the login; none where the leg does not go as far.
func (l *legRun) flight() []login.Query {
	if !l.leg.Wants(finding.Prerequisites) {
		return nil
	}
	l.asked = prerequisites.Questions(l.questions(l.leg.Endpoint.Databases[0]))
	return queries(l.asked)
}

func (l *legRun) questions(database string) prerequisites.Target {
	return prerequisites.Target{Side: prerequisites.Side(l.leg.Name), Mode: l.leg.Mode, Database: database,
		Databases: l.leg.Migrated, DatabaseOnly: database != l.leg.Endpoint.Databases[0]}
}

func queries(questions []prerequisites.Question) []login.Query {
	out := make([]login.Query, 0, len(questions))
	for _, q := range questions {
		out = append(out, login.Query{Name: q.ID, SQL: q.SQL})
	}
	return out
}

// prerequisites reads the answers that came with the login, asks the further databases, and makes the replication login
// of a migration in online mode. None of it can fail as a login for a wrong password: that one has worked.
func (l *legRun) prerequisites(ctx context.Context) (diagnosis.Layer, bool) {
	seen := evidence.Prerequisites{Observation: prerequisites.Observe(ctx, reader(l.session),
		l.questions(l.leg.Endpoint.Databases[0]), l.asked)}
	var further []string
	further, seen.Absent = l.present(l.leg.Endpoint.Databases[1:], seen.Server.Catalog)
	if len(further) > maxFurther {
		further, seen.NotAsked = further[:maxFurther], further[maxFurther:]
	}
	others := make([]database, len(further))
	var group errgroup.Group
	group.SetLimit(furtherAtOnce)
	for i, name := range further {
		group.Go(func() error {
			others[i] = l.askDatabase(ctx, name)
			return nil
		})
	}
	if l.leg.Replicates() {
		group.Go(func() error {
			seen.Replication = l.replicate(ctx)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in the evidence
	return l.judgePrerequisites(seen, others), true
}

// present takes out the databases that the catalogue was asked for and does not have. One that was not read has them all.
func (l *legRun) present(further []string, catalog []prerequisites.CatalogRow) (there, absent []string) {
	for _, name := range further {
		if catalog != nil && slices.Contains(l.leg.Migrated, name) && !prerequisites.Has(catalog, name) {
			absent = append(absent, name)
			continue
		}
		there = append(there, name)
	}
	return there, absent
}

// database is what a connection to a further database showed: facts, or the login that did not work, or that there was
// none in time.
type database struct {
	asked *prerequisites.Observation
	login *evidence.Further
	late  string
}

func (l *legRun) judgePrerequisites(seen evidence.Prerequisites, others []database) diagnosis.Layer {
	for _, other := range others {
		if other.asked != nil {
			seen.Observation = seen.With(*other.asked)
		}
		if other.login != nil {
			seen.Further = append(seen.Further, *other.login)
		}
		if other.late != "" {
			seen.Late = append(seen.Late, other.late)
		}
	}
	found, inconclusive := seen.Judge(l.leg, l.tlsOffered)
	return diagnosis.Layer{Observation: seen, Findings: found, Inconclusive: inconclusive}
}

// askDatabase logs in to a further database with its questions in the login's flight.
func (l *legRun) askDatabase(ctx context.Context, name string) database {
	target := l.loginTarget()
	questions := prerequisites.Questions(l.questions(name))
	target.Database, target.Flight = name, queries(questions)
	begun := time.Now()
	conn := l.another(ctx)
	if conn == nil {
		return database{late: name}
	}
	o, session := login.Observe(ctx, conn, target)
	switch {
	case session == nil && o.Error == nil && l.cut(ctx, begun):
		return database{late: name}
	case session == nil:
		return database{login: &evidence.Further{Database: name, Observation: o}}
	}
	facts := prerequisites.Observe(ctx, reader(session), l.questions(name), questions)
	_ = session.Close(ctx) // whether the goodbye arrives changes nothing
	return database{asked: &facts}
}

func (l *legRun) replicate(ctx context.Context) *login.Replication {
	begun := time.Now()
	conn := l.another(ctx)
	if conn == nil {
		return nil
	}
	seen := login.ObserveReplication(ctx, conn, l.loginTarget(), l.version)
	if seen.Error == nil && l.cut(ctx, begun) {
		return nil
	}
	return &seen
}

// cut tells whether the layer's limit ended an attempt that had less than half of its share. Silence for that long is
// ours and not the peer's.
func (l *legRun) cut(ctx context.Context, begun time.Time) bool {
	end, bounded := ctx.Deadline()
	over := ctx.Err() != nil || bounded && time.Until(end) <= 0
	return over && time.Since(begun) < l.share/2
}

// another opens one more connection and demands of it what was demanded of the first: the password goes over it.
func (l *legRun) another(ctx context.Context) net.Conn {
	conn := l.redial(ctx)
	if conn == nil || l.tlsOffered != login.Yes {
		return conn
	}
	roots, err := l.roots()
	if err != nil {
		_ = conn.Close()
		return nil
	}
	groups := tls.P256First
	if l.secured.Handshake != nil {
		groups = l.secured.Handshake.Groups
	}
	o, secured := tls.Observe(ctx, conn, l.tlsTarget(roots, groups))
	if secured != nil && evidence.Offered(o) != login.Yes {
		_ = secured.Close()
		return nil
	}
	return secured
}

// reader gives the answers of a session whose questions left with its login.
func reader(s *login.Session) prerequisites.Ask {
	return func(ctx context.Context) []prerequisites.Answer {
		answers := s.Answers(ctx)
		out := make([]prerequisites.Answer, 0, len(answers))
		for _, a := range answers {
			out = append(out, answer(a))
		}
		return out
	}
}

func answer(a login.Answer) prerequisites.Answer {
	out := prerequisites.Answer{Truncated: a.Truncated}
	switch {
	case a.Error != nil:
		out.SQLState, out.Message = a.Error.SQLState, a.Error.Message
	case a.Violation != "":
		out.Missing = "the server broke the protocol: " + string(a.Violation)
	case a.End != "":
		out.Missing = "the connection ended: " + string(a.End)
	}
	out.Rows = make([]string, 0, len(a.Rows))
	for _, row := range a.Rows {
		if len(row) > 0 {
			out.Rows = append(out.Rows, row[0])
		}
	}
	return out
}
