package explain

import (
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/logging"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
)

// connection is what a text tells about the connection. What is learned later wins.
type connection struct {
	host, address, user, database string
	port                          int
	// leg is source or target, where the migration service names it.
	leg         string
	replication string
	entra       bool
	privateLink bool
}

// naming is one manner in which clients name the connection.
type naming struct {
	// says is a piece that must be there, so that most lines never meet the pattern.
	says string
	// pattern has named groups.
	pattern *lazyregexp.Regexp
}

// where are the manners in which clients name the connection.
var where = sync.OnceValue(func() []naming {
	var out []naming
	for _, n := range []struct{ says, pattern string }{
		{"connection to server", `connection to server at "(?P<host>[^"]+)"(?: \((?P<address>[0-9A-Fa-f:.]+)\))?, ` +
			`port (?P<port>\d+)`},
		{"(", `["»«]\s?(?P<host>[\w-]+(?:\.[\w-]+)+)\s?["»«] ?\((?P<address>[0-9A-Fa-f:.]+)\)(?:[^\d\n]{1,20}(?P<port>\d+))?`},
		{"running on host", `server running on host "(?P<host>[^"]+)"(?: \((?P<address>[0-9A-Fa-f:.]+)\))?`},
		{"TCP/IP connections on", `TCP/IP connections on port (?P<port>\d+)`},
		{"translate host name", `could not translate host name "(?P<host>[^"]+)"`},
		{"failed to connect", "failed to connect to `(?:host=(?P<host>\\S+) )?user=(?P<user>\\S*) database=" +
			"(?P<database>[^`\\s]*)`"},
		{"): ", `(?:^|[\s:])(?P<address>\d+\.\d+\.\d+\.\d+):(?P<port>\d+) \((?P<host>[\w.-]+)\): `},
		{"dial tcp", `dial tcp4? (?P<address>\d+\.\d+\.\d+\.\d+):(?P<port>\d+)`},
		{"dial tcp", `dial tcp6? \[(?P<address>[0-9A-Fa-f:]+)\]:(?P<port>\d+)`},
		{"read tcp", `read tcp \S+->(?P<address>\d+\.\d+\.\d+\.\d+):(?P<port>\d+)`},
		{"lookup ", `lookup (?P<host>[^\s:]+)(?: on [^\s]+)?: `},
		{"Connection to ", `Connection to (?P<host>[\w.-]+):(?P<port>\d+) refused`},
		{"jdbc:", `jdbc:postgresql://(?P<host>[\w.-]+)(?::(?P<port>\d+))?(?:/(?P<database>[\w.-]+))?`},
		{"postgres", `postgres(?:ql)?://(?:[^\s@/]*@)?(?P<host>[\w.-]+)(?::(?P<port>\d+))?(?:/(?P<database>[\w.-]+))?`},
		{"UnknownHost", `UnknownHostException: (?P<host>[\w.-]+)`},
		{"Failed to connect", `Failed to connect to (?P<address>\d+\.\d+\.\d+\.\d+):(?P<port>\d+)`},
		{"('", `\('(?P<address>[0-9A-Fa-f:.]+)', (?P<port>\d+)(?:, \d+, \d+)?\)`},
		{"PostgreSQL server", `PostgreSQL server at "(?P<host>[\w.-]+):(?P<port>\d+)"`},
		{"connect E", `connect E[A-Z]+ (?P<address>[0-9A-Fa-f.:]+):(?P<port>\d+)`},
		{"getaddrinfo E", `getaddrinfo E[A-Z_]+ (?P<host>[\w.-]+)`},
		{"=", `(?i)\b(?:host|hostname|server)\s?=\s?'?(?P<host>[\w-]+\.[\w.-]+)`},
		{"=", `(?i)\bport\s?=\s?'?(?P<port>\d{2,5})\b`},
		{"=", `(?i)\buser(?:name| id)?\s?=\s?'?(?P<user>[\w.@+-]+)`},
		{"=", `(?i)\b(?:dbname|database)\s?=\s?'?(?P<database>[\w.-]+)`},
		{"onnect", `(?i)(?:connect to|` +
			`Connection to the) (?:the )?server:? ['"` + "`" + `]?(?P<host>[\w-]+\.[\w-]+\.[\w.-]+)`},
		{"onnect to ", `(?i)\bconnect to (?:host )?(?P<host>[\w.:-]+) port (?P<port>\d+)`},
		{"connect to (", `TCP connect to \((?P<address>[0-9A-Fa-f.:]+) : (?P<port>\d+)\)`},
		{"can't find", `can't find (?P<host>[\w.-]+): `},
		{"erver", `(?i)server[ _]?name['"]?\s?[:=]\s?['"]?(?P<host>[\w-]+(?:\.[\w-]+)+)`},
	} {
		out = append(out, naming{says: n.says, pattern: lazyregexp.New(n.pattern)})
	}
	return out
})

var (
	logical  = lazyregexp.New(`(?i)replication\s?=\s?['"]?database|pg_recvlogical`)
	physical = lazyregexp.New(`(?i)replication\s?=\s?['"]?(?:true|on|yes|1)\b|pg_basebackup|pg_receivewal`)
	tokens   = lazyregexp.New(`(?i)access token|azure ad\b|entra|oss-?rdbms`)
	sources  = lazyregexp.New(`(?i)\bsource (?:db |database )?server|\bsource db\b`)
	targets  = lazyregexp.New(`(?i)\btarget (?:db |database )?server|\btarget db\b`)
	viaLink  = lazyregexp.New(`(?i)privatelink\.postgres\.database\.`)
)

// learn takes in what a line tells.
func (c *connection) learn(line string) {
	for _, n := range where() {
		if strings.Contains(line, n.says) {
			c.take(n.pattern, line)
		}
	}
	switch {
	case logical.MatchString(line):
		c.replication = "database"
	case physical.MatchString(line):
		c.replication = "true"
	}
	switch source, target := sources.MatchString(line), targets.MatchString(line); {
	case source && !target:
		c.leg = "source"
	case target && !source:
		c.leg = "target"
	}
	c.entra = c.entra || tokens.MatchString(line)
	c.privateLink = c.privateLink || viaLink.MatchString(line)
}

// take keeps what a pattern's groups name. A new host comes first: it makes the address and port of another one void.
func (c *connection) take(pattern *lazyregexp.Regexp, line string) {
	at := pattern.FindStringSubmatchIndex(line)
	for _, hosts := range []bool{true, false} {
		for i, name := range pattern.SubexpNames() {
			if at != nil && name != "" && at[2*i] >= 0 && (name == "host") == hosts {
				c.set(name, line[at[2*i]:at[2*i+1]])
			}
		}
	}
}

var hostName = lazyregexp.New(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$`)

func (c *connection) set(name, value string) {
	switch name {
	case "host":
		c.setHost(value)
	case "address":
		if address, err := netip.ParseAddr(value); err == nil {
			c.address = address.String()
		}
	case "port":
		if port, err := strconv.Atoi(value); err == nil && port > 0 && port < 1<<16 {
			c.port = port
		}
	case "user":
		c.user = value
	case "database":
		c.database = value
	}
}

// setHost takes a name or an address. Libpq shows a part of the password as host name where the password has an @ in
// it, so what stands before an @ is never kept.
func (c *connection) setHost(value string) {
	value = strings.TrimSuffix(value[strings.LastIndex(value, "@")+1:], ".")
	if address, err := netip.ParseAddr(value); err == nil {
		value = address.String()
	} else if !hostName.MatchString(value) {
		return
	}
	if value != c.host {
		c.host, c.address, c.port = value, "", 0
	}
}

func (c connection) circumstances() login.Circumstances {
	return login.Circumstances{Host: c.host, Port: c.port, User: c.user, Database: c.database,
		Replication: c.replication, Entra: c.entra}
}

// complete fills in what the text says elsewhere, and lets no secret pass.
func (c connection) complete(h hit) finding.Finding {
	f := h.found
	if known := h.conn; known.host != "" || known.address != "" {
		c.host, c.address = known.host, known.address
		if known.port != 0 {
			c.port = known.port
		}
	}
	f.Leg = first(f.Leg, h.conn.leg, c.leg)
	h.conn.fill(f.Args)
	c.fill(f.Args)
	for name, value := range f.Args {
		if text, ok := value.(string); ok {
			f.Args[name] = strings.TrimSpace(logging.Redact(text))
		}
	}
	return f
}

func (c connection) fill(args finding.Args) {
	for name, value := range map[string]string{"host": first(c.host, c.address), "address": c.address, "user": c.user,
		"database": c.database} {
		if _, known := args[name]; !known && value != "" {
			args[name] = value
		}
	}
	if _, known := args["port"]; !known && c.port != 0 {
		args["port"] = c.port
	}
}
