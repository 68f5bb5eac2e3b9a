package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// competitor is one way to find out whether the pair is ready. One run checks both ends side by side.
type competitor struct {
	name string
	// note says what it does less than a full check; empty means that it is one.
	note string
	argv []string
	env  []string
	// server is a process that does the work; its processor time and memory count, not those of who asks it.
	server int
	// says is what its output holds when all went well; empty leaves that to the exit code.
	says string
}

// blackboxModules is the exporter's own example of PostgreSQL, with the certificate verified.
const blackboxModules = `modules:
  pg:
    prober: tcp
    timeout: 30s
    tcp:
      preferred_ip_protocol: ip4
      tls_config: {ca_file: %s}
      query_response:
        - send: !!binary AAAACATSFi8=
        - expect_bytes: S
        - starttls: true
`

// competitors are those whose programs are here; missing names the others.
func (g *ground) competitors(o options, exporter int) ([]competitor, []string) {
	handler, err := filepath.Abs(filepath.Join(o.root, "bin", "handler"))
	if err != nil {
		handler = filepath.Join(o.root, "bin", "handler")
	}
	all := []competitor{
		{name: "pgpreflight (`handler check`)", argv: []string{handler, "check", filepath.Join(g.dir, "request.json")}, env: g.settings()},
		{name: "ideal pgx, one batch", argv: []string{g.clientProgram, "-place", g.placeFile, "pgx"}, says: `"ready":1`},
		{name: "psql, the same questions, one session", argv: []string{"sh", "-c", g.inParallel(g.psqlSession)}, env: g.psqlEnv()},
		{name: "shell: dig, pg_isready, openssl, psql for each question", argv: []string{"sh", "-c", g.inParallel(g.shellCheck)}, env: g.psqlEnv()},
		{name: "psql `select 1`", note: "one question", argv: []string{"sh", "-c", g.inParallel(g.psqlOne)}, env: g.psqlEnv()},
	}
	if exporter != 0 {
		all = append(all, competitor{name: "blackbox_exporter 0.28.0", note: "no login, no question", server: exporter,
			argv: []string{g.clientProgram, "-url", strings.Join(g.probeURLs(), ","), "get"}, says: `"ready":1`})
	}
	var missing []string
	for _, program := range []string{"psql", "pg_isready", "dig", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if exporter == 0 {
		missing = append(missing, "blackbox_exporter")
	}
	if len(missing) == 0 || missing[0] == "blackbox_exporter" {
		return all, missing
	}
	return append(all[:2:2], all[5:]...), missing
}

func (g *ground) settings() []string {
	settings, err := g.place.Settings()
	if err != nil {
		return nil // the check then says what it lacks, and its exit code is not the right one
	}
	var env []string
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}

func (g *ground) psqlEnv() []string {
	return []string{"PGPASSWORD=" + g.place.Password, "PGSSLMODE=verify-full", "PGSSLROOTCERT=" + g.place.RootsFile,
		"PGUSER=" + g.place.User, "PGCONNECT_TIMEOUT=30", "PGGSSENCMODE=disable", "PATH=" + os.Getenv("PATH")}
}

// inParallel runs one line for each end side by side, and fails where one of them did.
func (g *ground) inParallel(line func(end int) string) string {
	return fmt.Sprintf("(%s) & a=$!; (%s) & b=$!; wait $a && wait $b", line(0), line(1))
}

func (g *ground) psqlOne(end int) string {
	return fmt.Sprintf("psql -XAtq -v ON_ERROR_STOP=1 -h %s -d %s -c 'select 1' >/dev/null", g.place.Ends()[end].Host, g.place.Ends()[end].Database)
}

func (g *ground) psqlSession(end int) string {
	return fmt.Sprintf("psql -XAtq -v ON_ERROR_STOP=1 -h %s -d %s -f %s >/dev/null", g.place.Ends()[end].Host,
		g.place.Ends()[end].Database, filepath.Join(g.dir, fmt.Sprintf("questions-%d.sql", end)))
}

func (g *ground) shellCheck(end int) string {
	e := g.place.Ends()[end]
	lines := []string{
		fmt.Sprintf("dig +short %s >/dev/null", e.Host),
		fmt.Sprintf("pg_isready -q -h %s", e.Host),
		fmt.Sprintf("openssl s_client -starttls postgres -connect %s:%d -CAfile %s -verify_hostname %s -verify_return_error </dev/null >/dev/null 2>&1",
			e.Host, g.place.Port, g.place.RootsFile, e.Host),
	}
	for n := range g.place.Questions()[end] {
		lines = append(lines, fmt.Sprintf("psql -XAtq -v ON_ERROR_STOP=1 -h %s -d %s -f %s >/dev/null", e.Host, e.Database,
			filepath.Join(g.dir, fmt.Sprintf("question-%d-%02d.sql", end, n))))
	}
	return strings.Join(lines, " && ")
}

const exporterPort = 9115

func (g *ground) probeURLs() []string {
	var urls []string
	for _, e := range g.place.Ends() {
		urls = append(urls, fmt.Sprintf("http://127.0.0.1:%d/probe?module=pg&target=%s:%d", exporterPort, e.Host, g.place.Port))
	}
	return urls
}
