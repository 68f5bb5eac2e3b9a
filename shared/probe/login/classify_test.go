package login

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func readFixture(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// The fixture holds the translations that PostgreSQL 15 ships, filled in with one host, user and database. Each is read
// as PostgreSQL sends it, without the routine as gateways hand it on, and bare as psql prints it: the words alone must
// not be taken for a neighbour's.
func TestClassifyReadsEveryLanguageOfPostgreSQL(t *testing.T) {
	t.Parallel()
	var rows []struct {
		Language, Message, SQLState, Routine, SeenAs string
		TLS                                          *bool
		Code                                         finding.Code
	}
	readFixture(t, "localised.json", &rows)
	if len(rows) < 200 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows {
		c := Circumstances{User: "migrator", Database: "orders", Host: "db.example.com", TLS: tri(row.TLS)}
		if strings.HasPrefix(string(row.Code), "PRE_") {
			c.Replication = "database"
		}
		e := ServerError{Severity: "FATAL", SQLState: row.SQLState, Routine: row.Routine, Message: clean(row.Message)}
		gateway, bare := e, e
		gateway.Routine, bare.Routine, bare.SQLState = "", "", ""
		for evidence, e := range map[string]ServerError{"whole": e, "without routine": gateway, "words alone": bare} {
			code, args := Classify(e, c)
			if code != row.Code {
				t.Errorf("%s, %s: %s: got %s, want %s", row.Language, evidence, row.Message, code, row.Code)
			}
			if row.SeenAs != "" && args["seenAs"] != row.SeenAs {
				t.Errorf("%s, %s: %s: seen as %v", row.Language, evidence, row.Message, args["seenAs"])
			}
			if row.Code == finding.AuthRoleMissing && args["user"] != "migrator" {
				t.Errorf("%s, %s: %s: user %v", row.Language, evidence, row.Message, args["user"])
			}
		}
	}
}

// The fixture holds recorded wordings: PostgreSQL 9.5 to 18, PgBouncer, RDS, Cloud SQL, Azure's gateways, Entra ID.
func TestClassifyRecordedWordings(t *testing.T) {
	t.Parallel()
	var rows []struct {
		From, ID      string
		Error         ServerError
		Circumstances struct {
			TLS, TLSOffered      *bool
			Host, User, Database string
			Kind                 request.Kind
			Port                 int
			Replication          string
			Entra                bool
		}
		Code finding.Code
		Args map[string]any
	}
	readFixture(t, "wordings.json", &rows)
	for _, row := range rows {
		in := row.Circumstances
		c := Circumstances{
			TLS: tri(in.TLS), TLSOffered: tri(in.TLSOffered), Host: in.Host, Port: in.Port, Kind: in.Kind, User: in.User,
			Database: in.Database, Replication: in.Replication, Entra: in.Entra,
		}
		code, args := Classify(row.Error, c)
		if code != row.Code || args["id"] != row.ID {
			t.Errorf("%s: %s: got %s %v, want %s %s", row.From, row.Error.Message, code, args["id"], row.Code, row.ID)
		}
		for name, want := range row.Args {
			if got := args[name]; got != want {
				t.Errorf("%s: %s: args[%q] = %v, want %v", row.From, row.Error.Message, name, got, want)
			}
		}
	}
}

func tri(value *bool) Tri {
	switch {
	case value == nil:
		return Unknown
	case *value:
		return Yes
	}
	return No
}

func TestClassifyWithoutKnownWordingNamesAllCauses(t *testing.T) {
	t.Parallel()
	rows := []struct {
		sqlstate, routine string
		code              finding.Code
		oneOf             string
	}{
		{"28000", "InitializeSessionUserId", finding.AuthRoleCannotLogin, "role_missing"},
		{"57P03", "ProcessStartupPacket", finding.ServerStarting, "shutting_down"},
		{"53300", "SomethingNew", finding.ServerFull, "role_limit"},
		{"28P01", "auth_failed", finding.AuthFailed, "role_without_password"},
	}
	for _, row := range rows {
		code, args := Classify(ServerError{SQLState: row.sqlstate, Routine: row.routine, Message: "zupełnie nieznane słowa"},
			Circumstances{})
		causes, _ := args["oneOf"].([]string)
		if code != row.code || !strings.Contains(strings.Join(causes, " "), row.oneOf) {
			t.Errorf("%s: got %s, one of %v", row.sqlstate, code, causes)
		}
	}
}

// A name in a message is no evidence: users, roles and databases may be called anything.
func TestClassifyIsNotMisledByNames(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		e    ServerError
		want finding.Code
	}{
		"user pgbouncer, password": {ServerError{SQLState: "28P01", Routine: "auth_failed",
			Message: `password authentication failed for user "pgbouncer"`}, finding.AuthFailed},
		"user pgbouncer, no line": {ServerError{SQLState: "28000", Routine: "ClientAuthentication",
			Message: `no pg_hba.conf entry for host "10.1.2.4", user "pgbouncer", database "d", SSL encryption`},
			finding.HBAAddressNotAllowed},
		"role pgbouncer": {ServerError{SQLState: "28000", Routine: "InitializeSessionUserId",
			Message: `role "pgbouncer" does not exist`}, finding.AuthRoleMissing},
		"database pgbouncer": {ServerError{SQLState: "3D000", Routine: "InitPostgres",
			Message: `database "pgbouncer" does not exist`}, finding.DatabaseMissing},
		"role rejects": {ServerError{SQLState: "28000", Routine: "ClientAuthentication",
			Message: `no pg_hba.conf entry for host "10.1.2.4", user "rejects", database "replication", SSL encryption`},
			finding.HBAAddressNotAllowed},
		"role off": {ServerError{SQLState: "28000", Routine: "ClientAuthentication",
			Message: `no pg_hba.conf entry for host "10.1.2.4", user "no encryption", database "SSL off", SSL on`},
			finding.HBAAddressNotAllowed},
		"role named after a file": {ServerError{SQLState: "28P01", Routine: "auth_failed",
			Message: `password authentication failed for user "pg_hba.conf"`}, finding.AuthFailed},
		"role token is expired": {ServerError{SQLState: "28P01", Routine: "auth_failed",
			Message: `password authentication failed for user "token is expired"`}, finding.AuthFailed},
		"role RDS proxy": {ServerError{SQLState: "28P01", Routine: "auth_failed",
			Message: `password authentication failed for user "rds proxy"`}, finding.AuthFailed},
		"database channel binding required": {ServerError{SQLState: "3D000", Routine: "InitPostgres",
			Message: `database "channel binding required" does not exist`}, finding.DatabaseMissing},
	} {
		c := Circumstances{TLS: Yes, TLSOffered: Yes, Host: "db.example.com", User: "x", Database: "d"}
		if code, args := Classify(row.e, c); code != row.want || args["pooler"] == true {
			t.Errorf("%s: got %s %v, want %s", name, code, args, row.want)
		}
	}
}

func TestClassifyLeavesTheUnknownQuoted(t *testing.T) {
	t.Parallel()
	for _, e := range []ServerError{
		{SQLState: "XX000", Routine: "relation_open", Message: "could not open relation"},
		{SQLState: "0A000", Message: "unsupported frontend protocol 8.0: server supports 3.0 to 3.0"},
		{SQLState: "42704", Message: `unrecognized configuration parameter "x"`},
		{SQLState: "28000", Message: "computer says no"},
		{Message: "nothing that anybody knows"},
	} {
		code, args := Classify(e, Circumstances{})
		if code != finding.ServerError || args["message"] != e.Message {
			t.Errorf("%s: got %s %v", e.Message, code, args)
		}
	}
}

func TestClassifyGivesCodesThatExistAndArgsThatAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	known := map[finding.Code]bool{}
	for _, code := range finding.Codes() {
		known[code] = true
	}
	for _, s := range signatures() {
		if !known[s.code] {
			t.Errorf("%s: code %q is not listed", s.id, s.code)
		}
	}
	e := ServerError{SQLState: "28P01", Message: "x"}
	_, first := Classify(e, Circumstances{})
	first["oneOf"].([]string)[0] = "spoilt"
	first["user"] = "spoilt"
	if _, second := Classify(e, Circumstances{}); second["oneOf"].([]string)[0] == "spoilt" || second["user"] != nil {
		t.Error("args are shared between calls")
	}
}
