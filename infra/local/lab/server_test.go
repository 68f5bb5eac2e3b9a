package lab

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// serverState is a server of its own, brought into one state.
type serverState struct {
	name, ids string
	options   postgres.Options
	// bring brings the running server into the state.
	bring   func(*bench, *database)
	mode    request.TLSMode
	request func(*request.Check)
	want    finding.Code
	also    []finding.Code
	verdict report.Verdict
	args    finding.Args
	says    []string
	// connections that the server must have seen; 0 means one.
	connections int
}

func (s serverState) situation() situation {
	var d *database
	return situation{name: s.name, ids: s.ids, want: s.want, also: s.also, verdict: s.verdict, args: s.args,
		arrange: func(b *bench) {
			b.newTarget()
			b.order.Secrets[sourceSetting] = labPassword
			d = b.inState(s.options)
			if s.bring != nil {
				s.bring(b, d)
			}
		},
		request: func(c *request.Check) {
			loginAt(statePort)(c)
			change(&c.Source.TLS.Mode, s.mode)
			if s.request != nil {
				s.request(c)
			}
		},
		after: func(b *bench, o *outcome) {
			o.says(s.says...)
			if got, want := d.count("connection received"), max(s.connections, 1); got != want {
				o.fault("the source saw %d connections, want %d: %q", got, want, d.lines())
			}
			b.kept["target"].(*database).expect(o, "the target", traces{connections: 1, quiet: true})
		}}
}

func stateSituations() []situation {
	var all []situation
	for _, s := range slicesOf(fullServers(), changingServers(), recoveringServers(), serversWithoutTLS()) {
		all = append(all, s.situation())
	}
	return append(all, startingUp())
}

func fullServers() []serverState {
	few := func(reserved string) postgres.Options {
		return postgres.Options{Settings: map[string]string{"max_connections": "4", "max_wal_senders": "0",
			"superuser_reserved_connections": reserved}}
	}
	holding := func(user string, sessions int) func(*bench, *database) {
		return func(b *bench, d *database) { d.hold(b.source, user, sessions) }
	}
	limited := postgres.Options{HBA: []string{"local all migrator trust", "host all all all scram-sha-256"},
		Init: []string{"alter role migrator connection limit 1", "alter database orders connection limit 5"}}
	return []serverState{
		{name: "state: every connection taken", ids: "SRV-06", options: few("1"), bring: holding(postgres.Superuser, 4),
			want: finding.ServerFull, args: finding.Args{"sqlstate": "53300"},
			says: []string{"max_connections is reached", "ALTER SYSTEM SET max_connections", "not: one of"}},
		{name: "state: only reserved connections left", ids: "SRV-07", options: few("2"),
			bring: holding(postgres.Superuser, 2),
			want:  finding.ServerFullReserved, args: finding.Args{"sqlstate": "53300"},
			says: []string{"only reserved connections left, and migrator may not"}},
		{name: "state: the role's other session uses up its limit", ids: "SRV-08", options: limited,
			bring: holding("migrator", 1), want: finding.RoleConnectionLimit, args: finding.Args{"sqlstate": "53300"},
			says: []string{"The role migrator", "The server itself has connections left"}},
	}
}

// whileLoggingIn does something to the server as soon as it has let somebody in, while post_auth_delay holds the login.
func whileLoggingIn(do func(*bench, *database)) func(*bench, *database) {
	return func(b *bench, d *database) {
		d.mark()
		b.source.serving.Go(func() {
			if d.awaits("connection authorized: user=migrator") {
				time.Sleep(20 * time.Millisecond)
				do(b, d)
			}
		})
	}
}

func changingServers() []serverState {
	held := postgres.Options{Settings: map[string]string{"post_auth_delay": "1"}}
	signal := func(s syscall.Signal) func(*bench, *database) {
		return func(_ *bench, d *database) { _ = d.Signal(s) } // a server that is gone fails the situation by its name
	}
	return []serverState{
		{name: "state: smart shutdown", ids: "SRV-02", want: finding.ServerShuttingDown,
			bring: func(b *bench, d *database) {
				d.hold(b.source, postgres.Superuser, 1)
				must(d.Signal(syscall.SIGTERM))
				d.awaits("received smart shutdown request")
			}, says: []string{"is shutting down", "not: one of"}},
		{name: "state: fast shutdown during the login", ids: "SRV-05", options: held,
			bring: whileLoggingIn(signal(syscall.SIGINT)),
			want:  finding.ServerShuttingDown, args: finding.Args{"sqlstate": "57P01"},
			says: []string{"one of server shutting down"}},
		{name: "state: session ended by an administrator", ids: "SRV-05", options: held,
			// pg_terminate_backend sends the same signal.
			bring: whileLoggingIn(func(_ *bench, d *database) { kill(d.authorized(), syscall.SIGTERM) }),
			want:  finding.ServerShuttingDown, says: []string{"ended by an administrator"}},
		{name: "state: immediate shutdown during the login", ids: "SRV-05", options: held,
			bring: whileLoggingIn(signal(syscall.SIGQUIT)), want: finding.ServerShuttingDown},
		{name: "state: another server process crashes during the login", ids: "SRV-04", options: held,
			bring: func(b *bench, d *database) {
				pid := d.hold(b.source, postgres.Superuser, 1)
				whileLoggingIn(func(*bench, *database) { kill(int(pid), syscall.SIGKILL) })(b, d)
			}, want: finding.ServerRecovering, args: finding.Args{"sqlstate": "57P02"}},
		{name: "state: immediate shutdown while the directory is asked", ids: "SRV-05", want: finding.PeerClosed,
			options: postgres.Options{HBA: []string{"host all all all " + ldap(1390)}},
			bring: func(b *bench, d *database) {
				b.source.serveOn(quietDirectory,
					func(conn *net.TCPConn) { _ = d.Signal(syscall.SIGQUIT); wait(conn) })
			}, says: []string{"after the password was sent"}},
	}
}

// kill signals one process of a server; 0 would be our own group, 1 the machine's first.
func kill(pid int, signal syscall.Signal) {
	if pid > 1 {
		_ = syscall.Kill(pid, signal)
	}
}

func recoveringServers() []serverState {
	standby := func(hot string) postgres.Options {
		return postgres.Options{Files: map[string]string{standbySignal: ""},
			HBA:      []string{"host all postgres all trust"},
			Settings: map[string]string{"hot_standby": hot}}
	}
	superuser := func(c *request.Check) { c.Source.User, c.Source.Databases = postgres.Superuser, []string{"postgres"} }
	return []serverState{
		{name: "state: a standby that admits nobody", ids: "SRV-03", want: finding.ServerStandby,
			options: standby("off"),
			args:    finding.Args{"detail": "Hot standby mode is disabled."},
			says:    []string{"the migration needs the primary"},
			bring: func(_ *bench,
				d *database) {
				d.awaits("entering standby mode")
				time.Sleep(50 * time.Millisecond)
			}},
		{name: "state: a hot standby", ids: "SRV-03", want: finding.ServerStandby,
			also:    []finding.Code{finding.AuthTrust},
			options: standby("on"), request: superuser, verdict: report.ReadyWithWarnings,
			says: []string{"pg_is_in_recovery"}},
		{name: "state: recovery after a crash", ids: "SRV-04", want: finding.ServerRecovering,
			bring: func(b *bench, d *database) {
				// A process that is stopped keeps the postmaster from starting anew, for five seconds.
				stopped, killed := d.hold(b.source, postgres.Superuser, 1), d.hold(b.source, postgres.Superuser, 1)
				d.stopped = int(stopped)
				kill(d.stopped, syscall.SIGSTOP)
				kill(int(killed), syscall.SIGKILL)
				d.awaits("terminating any other active server processes")
			}, says: []string{"is recovering and takes no connections yet"}},
	}
}

func serversWithoutTLS() []serverState {
	off := postgres.Options{Settings: map[string]string{"ssl": "off"}}
	var all []serverState
	for _, mode := range []request.TLSMode{request.TLSRequire, request.TLSVerifyCA, request.TLSVerifyFull} {
		all = append(all, serverState{name: "state: ssl = off, " + string(mode), ids: "TLS-01", options: off,
			mode: mode,
			want: finding.TLSNotOffered, args: finding.Args{"withoutTLS": "asked for a password (scram-sha-256)"},
			says: []string{"does not offer TLS, and " + string(mode) + " was asked"}})
	}
	refusing := off
	refusing.HBA = []string{"host all all 10.88.0.0/16 scram-sha-256"}
	return append(all,
		serverState{name: "state: ssl = off, disable", options: off, mode: request.TLSDisable},
		serverState{name: "state: ssl = off, no line for the address", ids: "HBA-02", options: refusing,
			mode:        request.TLSDisable,
			connections: 2, want: finding.HBAAddressNotAllowed, says: []string{"does not admit " + vantageAddress}},
		serverState{name: "state: ssl = off, require, no line either", ids: "TLS-01", options: refusing,
			mode: request.TLSRequire,
			want: finding.TLSNotOffered, says: []string{"no pg_hba.conf entry"}},
		serverState{name: "state: a reload in between takes the line away", ids: "HBA-02",
			bring: func(_ *bench, d *database) {
				must(d.SetHBA(context.Background(), []string{"host all all 10.88.0.0/16 scram-sha-256"}))
			}, want: finding.HBAAddressNotAllowed})
}

// startingUp is a server that waits for its archive before it begins to recover.
func startingUp() situation {
	return situation{name: "state: starting up", ids: "SRV-01", want: finding.ServerStarting,
		arrange: func(b *bench) {
			b.newTarget()
			b.order.Secrets[sourceSetting] = labPassword
			ctx, cancel := context.WithCancel(context.Background())
			b.source.keep(closer(cancel))
			up := make(chan error, 1)
			b.source.serving.Go(func() {
				certificate, err := b.certs.authority.Issue(healthyOptions())
				if err == nil {
					_, err = postgres.Start(ctx, postgres.Options{Port: statePort, Prefix: b.source.Prefix(),
						Address: "*", TLS: &certificate,
						Settings: map[string]string{"restore_command": "sleep 30"},
						Files:    map[string]string{"standby.signal": ""}})
				}
				up <- err
			})
			must(b.awaitPort(statePort, up))
		},
		request: loginAt(statePort),
		after:   func(_ *bench, o *outcome) { o.says("starting up", "not: one of", "Check again in a minute") },
	}
}

// closer ends something that a context holds.
type closer context.CancelFunc

// Close implements io.Closer.
func (c closer) Close() error { c(); return nil }

// awaitPort waits until the source listens on a port.
func (b *bench) awaitPort(port int, ended <-chan error) error {
	for range 400 {
		select {
		case err := <-ended:
			return fmt.Errorf("wait for port %d: %w", port, err)
		case <-time.After(10 * time.Millisecond):
		}
		err := b.source.Do(func() error {
			conn, err := net.Dial("tcp", net.JoinHostPort(sourceAddress, strconv.Itoa(port)))
			if err == nil {
				_ = conn.Close()
			}
			return err
		})
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("wait for port %d: nobody listens", port)
}
