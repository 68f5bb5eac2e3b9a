package login

import (
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

func replicationServer(t *testing.T, settings map[string]string) real {
	t.Helper()
	return startReal(t, postgres.Options{
		Settings: settings,
		HBA: []string{"host replication keyword all scram-sha-256", "host all migrator,plain all scram-sha-256",
			"host all rejected all reject"},
		Init: []string{"create database orders", "create role plain login password '" + password + "'",
			"create role migrator login replication password '" + password + "'",
			"create role keyword login replication password '" + password + "'",
			"create role rejected login replication password '" + password + "'"},
	})
}

func TestRealReplicationLogin(t *testing.T) {
	t.Parallel()
	logical := replicationServer(t, map[string]string{"wal_level": "logical", "max_wal_senders": "4"})
	none := replicationServer(t, map[string]string{"wal_level": "replica", "max_wal_senders": "0"})
	replica := replicationServer(t, map[string]string{"wal_level": "replica", "max_wal_senders": "4"})
	rows := []struct {
		name  string
		at    real
		user  string
		codes string
		id    string
	}{
		{"good", logical, "migrator", "", ""},
		{"no REPLICATION", logical, "plain", "PRE_REPLICATION_ROLE", "REP-02"},
		{"only a line with the keyword replication", logical, "keyword", "HBA_REPLICATION", "HBA-10"},
		{"a reject line for the database", logical, "rejected", "HBA_REPLICATION", "HBA-10"},
		{"no walsender left", none, "migrator", "PRE_WAL_SENDERS", "REP-06"},
		{"no walsender left, and no REPLICATION", none, "plain", "PRE_WAL_SENDERS", "REP-06"},
		{"not logical", replica, "migrator", "PRE_WAL_LEVEL", "REP-01"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			to := target()
			to.User = row.user
			before, from := row.at.traces(t), len(row.at.Log())
			seen := ObserveReplication(t.Context(), row.at.dialTLS(t), to, 150000)
			found := JudgeReplication(seen, Expect{User: to.User, Database: to.Database, TLSOffered: Yes})
			if codes(found) != row.codes {
				t.Fatalf("codes %q; %+v %+v %+v", codes(found), seen, seen.Error, seen.Answers)
			}
			for _, f := range found {
				if f.Args["id"] != row.id || f.Layer != finding.Prerequisites || f.Args["replication"] != "database" {
					t.Errorf("finding %+v", f)
				}
			}
			if len(found) == 0 {
				row.at.quiet(t, from)
			}
			if after := row.at.traces(t); after != before {
				t.Errorf("left %s, before %s", after, before)
			}
		})
	}
}

// traces are what a replication login could leave behind.
func (r real) traces(t *testing.T) string {
	t.Helper()
	rows, err := r.Query(t.Context(), "select (select count(*) from pg_replication_slots), "+
		"(select count(*) from pg_publication), (select count(*) from pg_replication_origin)")
	if err != nil {
		t.Fatal(err)
	}
	return rows[0][0] + " " + rows[0][1] + " " + rows[0][2]
}

func TestReplicationIsAskedInItsServersWords(t *testing.T) {
	t.Parallel()
	for version, want := range map[int]int{0: 1, 90624: 1, 100000: 2, 180001: 2} {
		if got := walsenderQuestions(version); len(got) != want {
			t.Errorf("version %d: %v", version, got)
		}
	}
}

func TestJudgeReplicationOfOtherRefusals(t *testing.T) {
	t.Parallel()
	refused := func(e ServerError) Replication {
		return Replication{Observation: Observation{Stage: StageAuthentication, Replication: ReplicationLogical, Error: &e}}
	}
	answered := func(a ...Answer) Replication {
		return Replication{Observation: Observation{Stage: StageSession, Replication: ReplicationLogical, TLS: true,
			AuthUsed: MethodMD5}, Answers: a}
	}
	identified := Answer{Name: "identify_system", Rows: [][]string{{"1", "1", "0/0", "orders"}}}
	rows := []struct {
		name string
		seen Replication
		want string
	}{
		{"PostgreSQL 16", refused(ServerError{Severity: "FATAL", SQLState: "42501", Routine: "InitPostgres",
			Message: "permission denied to start WAL sender"}), "PRE_REPLICATION_ROLE"},
		{"PgBouncer", refused(ServerError{Severity: "FATAL", SQLState: "08P01",
			Message: "unsupported startup parameter: replication"}), "SERVER_POOLER"},
		{"full meanwhile", refused(ServerError{Severity: "FATAL", SQLState: "53300", Routine: "InitProcess",
			Message: "sorry, too many clients already"}), "SERVER_FULL"},
		{"md5 is the ordinary login's remark", answered(identified), ""},
		{"logical", answered(identified, Answer{Name: "wal_level", Rows: [][]string{{"logical"}}}), ""},
		{"minimal", answered(identified, Answer{Name: "wal_level", Rows: [][]string{{"minimal"}}}), "PRE_WAL_LEVEL"},
		{"refused question", answered(Answer{Name: "identify_system", Error: &ServerError{SQLState: "XX000"}}), "SERVER_ERROR"},
		{"no answer", answered(Answer{Name: "identify_system", End: EndTimeout}), "LOGIN_STALLED"},
		{"our own doing", answered(Answer{Name: "identify_system", End: EndCancelled}), ""},
	}
	for _, row := range rows {
		if got := codes(JudgeReplication(row.seen, Expect{User: "migrator"})); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestReplicationFlightIsBare(t *testing.T) {
	t.Parallel()
	conn := serve(t, func(p *peer) {
		p.startup()
		p.welcome()
		for _, want := range []string{"IDENTIFY_SYSTEM", "SHOW wal_level"} {
			if q, ok := p.hear().(*pgproto3.Query); !ok || q.String != want {
				p.t.Errorf("sent %+v, not %s", q, want)
			}
			p.send(description(1), row("logical"), &pgproto3.CommandComplete{}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
		}
		p.untilGone()
	})
	seen := ObserveReplication(t.Context(), conn, target(), 150000)
	if len(seen.Answers) != 2 || !seen.Answers[1].OK() || seen.Attempt != "for replication" {
		t.Errorf("seen %+v", seen)
	}
}
