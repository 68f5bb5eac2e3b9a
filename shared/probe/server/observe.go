// Package server asks one PostgreSQL server to reach another, through dblink, and judges what came of it: the way from
// the migration's target to its source, which no probe of ours walks. Everything happens in one transaction that is
// always rolled back, the creation of the extension included.
//
// No password is handed over. A working one would stand in the asked server's memory and, with log_statement or slow
// statements logged, in its log; a wrong one would count at the far server as somebody's attempt to guess it. So the
// attempt ends where the far server asks for a password, as psql ends when nobody types one: the name was found, the
// port reached, TLS negotiated and the line of pg_hba.conf passed, and PostgreSQL logs no failure. Whether the password
// is right is what our own login has shown. Where the asked server's libpq cannot do that, less is proven, and said.
package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const applicationName = "pgpreflight"

// lockTimeout bounds the wait for somebody else who creates the same extension.
const lockTimeout = time.Second

// rollbackWithin bounds the goodbye of a transaction whose time is over.
const rollbackWithin = time.Second

// Target is where the server is sent.
type Target struct {
	// Host is a name, which the asked server resolves, or an address.
	Host     string
	Port     int
	User     string
	Database string
	// TLS says that an encrypted connection is wanted.
	TLS bool
	// Patience is how long the TCP handshake may take; the messages after it get as long again.
	Patience time.Duration
}

// Observe asks the server behind pg, which must be idle and is given back idle, or closed where it stopped answering.
func Observe(ctx context.Context, pg *pgconn.PgConn, t Target) (o Observation) {
	if o.Refused = refused(t); o.Refused != "" {
		return o
	}
	begun := time.Now()
	a := asker{pg: pg, t: t, o: &o}
	defer func() { o.ElapsedMs = milliseconds(time.Since(begun)) }()
	defer a.rollBack(ctx)
	a.run(ctx)
	return o
}

// asker is one attempt on its way.
type asker struct {
	pg *pgconn.PgConn
	t  Target
	o  *Observation
}

func (a asker) run(ctx context.Context) {
	a.o.Phase = PhaseBegin
	if !a.facts(ctx) || !a.begin(ctx) {
		return
	}
	a.o.Phase = PhaseExtension
	if a.o.Schema == "" && !a.create(ctx) {
		return
	}
	a.o.Phase = PhaseConnect
	a.connect(ctx)
}

// facts reads what decides how to go on.
func (a asker) facts(ctx context.Context) bool {
	rows, ok := a.exec(ctx, factsSQL)
	if !ok || len(rows) != 1 || len(rows[0]) != 6 {
		return false
	}
	row := rows[0]
	a.o.ServerVersionNum, _ = strconv.Atoi(string(row[0])) // 0 where it is no number
	a.o.Superuser, a.o.InRecovery = string(row[1]) == "on", string(row[2]) == "t"
	if row[3] != nil {
		setting := clean(string(row[3]))
		a.o.AzureExtensions = &setting
	}
	if row[4] != nil {
		a.o.Extension, a.o.Schema = ExtensionInstalled, string(row[4])
	} else if string(row[5]) != "t" {
		a.o.Extension = ExtensionNotAvailable
	}
	return true
}

// begin opens the transaction. A statement may take as long as the attempt and what stands around it. From PostgreSQL 16
// on that is what ends a connection in the making, whose connect_timeout dblink no longer heeds; before, it cannot. Only where the extension is to be created
// must the transaction be able to write.
func (a asker) begin(ctx context.Context) bool {
	mode := "READ ONLY"
	if a.o.Schema == "" && !a.o.InRecovery {
		mode = "READ WRITE"
	}
	limit := attemptTime(a.t) + 2*time.Second
	_, ok := a.exec(ctx, fmt.Sprintf("BEGIN TRANSACTION %s; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d",
		mode, limit.Milliseconds(), lockTimeout.Milliseconds()))
	return ok
}

const factsSQL = "SELECT pg_catalog.current_setting('server_version_num'), " +
	"pg_catalog.current_setting('is_superuser'), " +
	"pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('azure.extensions', true), (" + schemaSQL + "), " +
	"EXISTS (SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'dblink')"

const schemaSQL = "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n " +
	"ON n.oid = e.extnamespace WHERE e.extname = 'dblink'"

// create makes the extension for the time of the transaction, where the server has it and allows it. One that is known
// not to be allowed is not tried: the refusal would stand in the server's log.
func (a asker) create(ctx context.Context) bool {
	if a.o.Extension == ExtensionNotAvailable {
		return false
	}
	a.o.Extension = ExtensionNotAllowed
	if a.o.InRecovery || a.o.AzureExtensions != nil && !listed(*a.o.AzureExtensions) {
		return false
	}
	failed, ok := a.attempt(ctx, "CREATE EXTENSION dblink")
	if !ok || failed != nil {
		a.o.Error = failed
		return false
	}
	rows, ok := a.exec(ctx, schemaSQL)
	if !ok || len(rows) != 1 {
		return false
	}
	a.o.Extension, a.o.Schema = ExtensionCreated, string(rows[0][0])
	return true
}

func (a asker) connect(ctx context.Context) {
	a.o.Method = method(*a.o, a.t)
	a.o.Connection = conninfo(*a.o, a.t)
	schema := quoteIdentifier(a.o.Schema)
	begun := time.Now()
	failed, ok := a.attempt(ctx, "SELECT "+schema+".dblink_connect('pgpreflight', "+quoteLiteral(a.o.Connection)+")")
	a.o.ConnectMs = milliseconds(time.Since(begun))
	if !ok {
		return // why stands in the observation
	}
	if a.o.Error = failed; failed != nil {
		return
	}
	// A dblink connection outlives its transaction.
	_, _ = a.attempt(ctx, "SELECT "+schema+".dblink_disconnect('pgpreflight')")
}

// attempt runs a command whose failure is an answer. PL/pgSQL takes the error, so that it ends neither the transaction
// nor stands in the server's log as one. That of the time-out has to be named: OTHERS is not it. The command is a parameter, so that it stands in no statement's text.
func (a asker) attempt(ctx context.Context, command string) (*Error, bool) {
	set := a.pg.ExecParams(ctx, "SELECT pg_catalog.set_config('pgpreflight.command', $1, true)",
		[][]byte{[]byte(command)}, nil, nil, nil).Read()
	if set.Err != nil {
		a.failed(ctx, set.Err)
		return nil, false
	}
	rows, ok := a.exec(ctx, attemptSQL)
	if !ok || len(rows) != 1 || len(rows[0]) != 4 {
		return nil, false
	}
	if string(rows[0][0]) == "00000" {
		return nil, true
	}
	return &Error{SQLState: clean(string(rows[0][0])), Message: clean(string(rows[0][1])),
		Detail: clean(string(rows[0][2])), Hint: clean(string(rows[0][3]))}, true
}

const attemptSQL = `DO $attempt$
DECLARE state text := '00000'; message text := ''; detail text := ''; hint text := '';
BEGIN
  BEGIN
    EXECUTE pg_catalog.current_setting('pgpreflight.command');
  EXCEPTION WHEN OTHERS OR QUERY_CANCELED THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
      detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  END;
  PERFORM pg_catalog.set_config('pgpreflight.state', state, true),
    pg_catalog.set_config('pgpreflight.message', message, true),
    pg_catalog.set_config('pgpreflight.detail', detail, true), pg_catalog.set_config('pgpreflight.hint', hint, true);
END $attempt$;
SELECT pg_catalog.current_setting('pgpreflight.state'), pg_catalog.current_setting('pgpreflight.message'),
  pg_catalog.current_setting('pgpreflight.detail'), pg_catalog.current_setting('pgpreflight.hint')`

// exec runs a message of statements and returns the rows of the last.
func (a asker) exec(ctx context.Context, sql string) ([][][]byte, bool) {
	results, err := a.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		a.failed(ctx, err)
		return nil, false
	}
	if len(results) == 0 {
		return nil, false
	}
	return results[len(results)-1].Rows, true
}

// failed records why the asked server itself gave no answer, or which error it gave.
func (a asker) failed(ctx context.Context, err error) {
	var refusal *pgconn.PgError
	switch {
	case errors.As(err, &refusal):
		a.o.Error = &Error{SQLState: clean(refusal.Code), Message: clean(refusal.Message), Detail: clean(refusal.Detail),
			Hint: clean(refusal.Hint)}
	case errors.Is(ctx.Err(), context.Canceled):
		a.o.End = EndCancelled
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil, pgconn.Timeout(err):
		a.o.End = EndTimeout
	default:
		a.o.End = EndLost
	}
}

// rollBack ends the transaction whatever happened, a panic included.
func (a asker) rollBack(ctx context.Context) {
	if a.pg.IsClosed() || a.pg.TxStatus() == 'I' {
		return
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWithin)
	defer cancel()
	_, err := a.pg.Exec(within, "ROLLBACK").ReadAll()
	if a.o.RolledBack = err == nil && a.pg.TxStatus() == 'I'; !a.o.RolledBack {
		_ = a.pg.Conn().Close() // dropping the connection ends the transaction too
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
