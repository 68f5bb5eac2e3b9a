package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
)

// The ports of real servers: one with every kind of account that lives as long as the bench, and one that is started
// in the state that a situation wants.
const (
	accountPort = 5433
	statePort   = 5434
)

// database is a real PostgreSQL server on a host of the bench.
type database struct {
	*postgres.Server
	// from is where the log of the present situation begins.
	from int
	// stopped is a process of the server that a situation has stopped, which a shutdown would wait for; 0 means none.
	stopped int
}

// Close implements io.Closer.
func (d *database) Close() error {
	kill(d.stopped, syscall.SIGKILL)
	return d.Stop()
}

// logging is what lets the server's log tell what reached it, down to a connection that ends without Terminate.
func logging() map[string]string {
	return map[string]string{"log_connections": "on", "log_min_messages": "debug1", "autovacuum": "off"}
}

// startDatabase starts a server on every address of a host. Settings win over the lab's own.
func (b *bench) startDatabase(h *host, o postgres.Options) (*database, error) {
	o.Prefix, o.Address = h.Prefix(), "*"
	settings := logging()
	for name, value := range o.Settings {
		settings[name] = value
	}
	o.Settings = settings
	if settings["ssl"] != "off" {
		certificate, err := b.certs.authority.Issue(healthyOptions())
		if err != nil {
			return nil, err
		}
		o.TLS = &certificate
	}
	files := map[string]string{"root.crt": string(b.certs.authority.PEM())}
	for name, content := range o.Files {
		files[name] = content
	}
	o.Files = files
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	server, err := postgres.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return &database{Server: server}, nil
}

// standbySignal is the file that makes a server a standby, which no SQL can be written to.
const standbySignal = "standby.signal"

// inState starts a server on the source for this situation alone.
func (b *bench) inState(o postgres.Options) *database {
	o.Port = statePort
	if _, standby := o.Files[standbySignal]; !standby {
		o.Init = append([]string{"create role migrator login password '" + labPassword + "'", "create database orders"},
			o.Init...)
	}
	d, err := b.startDatabase(b.source, o)
	must(err)
	b.source.keep(d)
	d.mark()
	return d
}

// newTarget is the healthy server of the other end.
func (b *bench) newTarget() *database {
	d := once(b, "target", func() (*database, error) {
		return b.startDatabase(b.target, postgres.Options{Port: accountPort,
			Init: []string{"create role migrator login password '" + labPassword + "'"}})
	})
	d.mark()
	return d
}

func (d *database) mark() { d.from = len(d.Log()) }

// since is what the server logged since the mark; nothing where it is gone with its log.
func (d *database) since() string {
	log := d.Log()
	return log[min(d.from, len(log)):]
}

// lines are what the server logged since the mark about connections over the network.
func (d *database) lines() []string {
	var all []string
	for line := range strings.Lines(d.since()) {
		if !strings.Contains(line, "[local]") && !strings.Contains(line, postgres.Superuser+"@"+postgres.Superuser) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

func (d *database) count(text string) int {
	n := 0
	for _, line := range d.lines() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// calm waits until the server has no client but the one that asks: a backend writes its last line after it has closed.
func (d *database) calm() {
	for range 200 {
		rows, err := d.Query(context.Background(),
			"select 1 from pg_stat_activity where backend_type = 'client backend' "+
				"and pid <> pg_backend_pid() and client_addr is not null")
		if err != nil || len(rows) == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaits waits until the server's log has a text.
func (d *database) awaits(text string) bool {
	for range 400 {
		if strings.Contains(d.since(), text) {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// authorized is the process that serves whoever logged in last over the network.
func (d *database) authorized() int {
	var pid int
	for _, line := range d.lines() {
		if before, _, found := strings.Cut(line, "] "); found && strings.Contains(line, "connection authorized") {
			_, _ = fmt.Sscan(before[strings.LastIndex(before, "[")+1:], &pid)
		}
	}
	return pid
}

// loud are the lines that an administrator would look at, or that a monitoring system counts.
func (d *database) loud() []string {
	return slices.DeleteFunc(d.lines(), func(line string) bool {
		for _, bad := range []string{"ERROR", "FATAL", "PANIC", "WARNING", "unexpected EOF", "could not"} {
			if strings.Contains(line, bad) {
				return false
			}
		}
		return true
	})
}

// traces is how much of a check a server may have seen.
type traces struct {
	connections, failures, refusals int
	quiet                           bool
}

func (d *database) expect(o *outcome, name string, want traces) {
	d.calm()
	if got := d.count("connection received"); got != want.connections {
		o.fault("%s saw %d connections, want %d", name, got, want.connections)
	}
	if got := d.count("password authentication failed"); got != want.failures {
		o.fault("%s counted %d failed passwords, want %d", name, got, want.failures)
	}
	if got, limit := d.count("FATAL:"), max(want.refusals, 1); got > limit {
		o.fault("%s counted %d failed logins, at most %d may be", name, got, limit)
	}
	if loud := d.loud(); want.quiet && len(loud) > 0 {
		o.fault("%s logged %q", name, loud)
	}
}

// hold opens sessions over the Unix socket that stay until the situation ends, and gives the last one's process.
func (d *database) hold(h *host, user string, sessions int) uint32 {
	var pid uint32
	for range sessions {
		path := fmt.Sprintf("%s/socket/.s.PGSQL.%d", d.Dir, d.Port)
		conn, err := net.Dial("unix", path)
		must(err)
		h.keep(conn)
		front := pgproto3.NewFrontend(conn, conn)
		front.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
			Parameters: map[string]string{"user": user, "database": "postgres"}})
		must(front.Flush())
		for ready := false; !ready; {
			m, err := front.Receive()
			must(err)
			switch m := m.(type) {
			case *pgproto3.BackendKeyData:
				pid = m.ProcessID
			case *pgproto3.ErrorResponse:
				must(fmt.Errorf("hold a session: %s", m.Message))
			case *pgproto3.ReadyForQuery:
				ready = true
			}
		}
	}
	return pid
}

// cloudTLS is a TLS server by an authority of the organisation that signs for a cloud. The app trusts it.
func (b *bench) cloudTLS(organization, name string) *tls.Config {
	authority, err := pki.NewAuthorityOf(organization, organization+" lab root")
	must(err)
	b.order.Roots[rootsSetting] += string(authority.PEM())
	return serverConfig(authority, pki.Options{CommonName: name, Names: []string{name}})
}
