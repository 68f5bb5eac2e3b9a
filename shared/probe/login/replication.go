package login

import (
	"context"
	"net"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// ReplicationLogical is the startup parameter of a walsender that is bound to a database, as logical replication needs.
// The physical one is matched by other lines of pg_hba.conf and proves nothing for a migration.
const ReplicationLogical = "database"

// Replication is the evidence of one replication login: what a walsender answered before we went away again.
type Replication struct {
	Observation
	Answers []Answer `json:"answers,omitempty"`
}

// ObserveReplication logs in over conn, which it owns, as a migration in online mode will, and asks the walsender who
// it is. It creates nothing. versionNum is server_version_num as an ordinary login saw it, 0 where it did not.
//
// Make it only after an ordinary login worked: the password is known to be good then, and cannot count as a guess.
func ObserveReplication(ctx context.Context, conn net.Conn, t Target, versionNum int) Replication {
	t.Replication, t.Flight = ReplicationLogical, walsenderQuestions(versionNum)
	if t.Attempt == "" {
		t.Attempt = "for replication"
	}
	o, session := Observe(ctx, conn, t)
	if session == nil {
		return Replication{Observation: o}
	}
	seen := Replication{Observation: o, Answers: session.Answers(ctx)}
	_ = session.Close(ctx) // whether the goodbye arrives changes nothing
	return seen
}

// walsenderQuestions are commands of the replication protocol; SHOW is one from PostgreSQL 10 on.
func walsenderQuestions(versionNum int) []Query {
	queries := []Query{{Name: "identify_system", SQL: "IDENTIFY_SYSTEM"}}
	if versionNum >= 100000 {
		queries = append(queries, Query{Name: "wal_level", SQL: "SHOW wal_level"})
	}
	return queries
}

// JudgeReplication says what a replication login means for a migration in online mode. The ordinary login's remarks
// hold here too and are not repeated, so a working one gives no finding. All belong to the layer prerequisites: the
// layer login was passed before.
func JudgeReplication(r Replication, e Expect) []finding.Finding {
	code, args, found := broken(r.Observation, e)
	if !found {
		code, args, found = walsender(r, e)
	}
	if !found {
		return nil
	}
	f := observed(r.Observation, code, args)
	f.Layer = finding.Prerequisites
	f.Args["replication"] = r.Replication
	return []finding.Finding{f}
}

// walsender judges what the walsender answered.
func walsender(r Replication, e Expect) (finding.Code, finding.Args, bool) {
	for _, a := range r.Answers {
		switch {
		case a.Error != nil:
			code, args := Classify(*a.Error, circumstances(r.Observation, e))
			return code, args, true
		case !a.OK():
			o := r.Observation
			o.End, o.Violation = a.End, a.Violation
			return broken(o, e)
		case a.Name == "wal_level" && len(a.Rows) == 1 && a.Rows[0][0] != "logical":
			return finding.PreWALLevel, finding.Args{"id": "REP-01", "value": a.Rows[0][0]}, true
		}
	}
	return "", nil, false
}
