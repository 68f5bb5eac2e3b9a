package explain

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
)

// hits are the meanings of a piece. A server's message is a server's before it is anything else; a client's words are
// looked up in the table, and taken for a server's message without its signs where the table knows no cause.
func (p piece) hits(everything connection) []hit {
	if p.server != nil {
		return p.serverHits(everything)
	}
	found := p.clientHits(p.text)
	if slices.ContainsFunc(found, func(h hit) bool { return !h.wrapper }) || !naked(p.text) {
		return found
	}
	e := bare(p.text)
	e.SQLState = first(e.SQLState, stateIn(p.text))
	if e.SQLState == "" && !strings.Contains(e.Message, " ") {
		return found
	}
	p.server = &e
	return append(found, p.known(everything)...)
}

func (p piece) serverHits(everything connection) []hit {
	if known := p.known(everything); known != nil {
		return known
	}
	if found := p.clientHits(p.server.Message); found != nil {
		return found
	}
	// Dblink and postgres_fdw put class 08 around a client's words; what is unknown and unsigned can be anybody's.
	if !p.quoted || p.server.Message == "" || strings.HasPrefix(p.server.SQLState, "08") {
		return nil
	}
	args := finding.Args{}
	addFields(args, *p.server)
	ask := []string{askServerLog}
	if p.server.SQLState == "" {
		ask = append(ask, askSQLState)
	}
	return []hit{p.hit(finding.ServerError, args, ask...)}
}

// known names a server's message that the tables here or the login probe know.
func (p piece) known(everything connection) []hit {
	e := *p.server
	for _, s := range serverTexts() {
		if s.errorOnly && e.Severity != "ERROR" {
			continue
		}
		if _, args, ok := s.find(e.Message, strings.ToLower(e.Message)); ok {
			addFields(args, e)
			h := p.hit(s.code, args, s.ask...)
			h.found.Leg = s.leg
			return []hit{h}
		}
	}
	code, args := login.Classify(e, p.circumstances(everything))
	unsure := !p.quoted && e.SQLState == ""
	if code == finding.ServerError || unsure && code == finding.ServerPooler && !poolers.MatchString(e.Message) {
		return nil
	}
	if code == finding.ServerShuttingDown && strings.Contains(e.Message, "the database system") {
		// Without an SQLSTATE a pooler's row fits too.
		args["id"] = "SRV-02"
	}
	if code == finding.AuthFailed {
		decideByLog(args, e.Detail)
	}
	for name, value := range args {
		text, ok := value.(string)
		if ok && text == "" {
			delete(args, name)
			continue
		}
		if ok && (name == "user" || name == "database" || name == "seenAs") {
			args[name], _, _ = strings.Cut(text, `"`)
		}
	}
	return []hit{p.hit(code, args, questions(code, args)...)}
}

// logged are the details of a refused password, which a server writes into its log and sends to nobody.
var logged = lazyregexp.New(`(?P<role_missing>Role "[^"]*" does not exist)|` +
	`(?P<role_without_password>User "[^"]*" has no password assigned)|(?P<password_expired>" has an expired password)|` +
	`(?P<wrong_password>Password does not match for user)|(?P<md5_secret>does not have a valid SCRAM (?:secret|verifier))`)

// decideByLog names the one cause of a refused password where the text comes from the server's own log.
func decideByLog(args finding.Args, detail string) {
	found := logged.FindStringSubmatch(detail)
	for i, reason := range logged.SubexpNames() {
		if found != nil && reason != "" && found[i] != "" {
			args["reason"] = reason
			delete(args, "oneOf")
		}
	}
}

// poolers are words that only a pooler says; its name alone can be a host's.
var poolers = lazyregexp.New(`(?i)server_login_retry|server login (?:has been failing|failed)|` +
	`query_wait_timeout|client_login_timeout|` +
	`unsupported startup parameter|no more connections allowed|client sent partial pkt|pgbouncer cannot connect`)

// unencrypted is "no encryption" in the languages of PostgreSQL; the probe knows it by itself and need not read it.
var unencrypted = lazyregexp.New(`keine Verschlüsselung|aucun chiffrement|sin cifrado|nessuna crittografia|` +
	`без шифрования|暗号化なし|` +
	`암호화 안함|ingen kryptering|без шифрування|დაშიფვრის გარეშე|没有加密|无加密|sem criptografia|bez szyfrowania`)

var userOf = lazyregexp.New(`user "([^"]+)"`)

func (p piece) circumstances(everything connection) login.Circumstances {
	c := p.conn
	c.replication = first(c.replication, everything.replication)
	c.host, c.entra = first(c.host, everything.host), c.entra || everything.entra
	if found := userOf.FindStringSubmatch(p.server.Message); found != nil {
		c.user = found[1]
	}
	if c.port == 0 {
		c.port = everything.port
	}
	known := c.circumstances()
	known.Entra = c.entra || strings.Contains(p.server.Message, "partial pkt")
	if unencrypted.MatchString(p.server.Message) {
		known.TLS = login.No
	}
	return known
}

func (p piece) hit(code finding.Code, args finding.Args, ask ...string) hit {
	return hit{found: finding.Finding{Code: code, Layer: layerOf(code), Args: args}, ask: ask, conn: p.conn,
		entry: p.entry, depth: p.depth}
}

// questions are what would decide between the causes of a server's error.
func questions(code finding.Code, args finding.Args) []string {
	switch {
	case code == finding.AuthFailed && args["reason"] != nil:
		return nil
	case code == finding.AuthFailed && args["pooler"] == true:
		return []string{askPassword, askToken}
	case code == finding.AuthFailed:
		return []string{askPassword}
	case args["oneOf"] != nil:
		return []string{askSQLState, askServerLog}
	case code == finding.HBATLSRequired:
		return []string{askFirstAttempt}
	}
	return nil
}

// addFields adds a server's error as the login probe does.
func addFields(args finding.Args, e login.ServerError) {
	for name, value := range map[string]string{"sqlstate": e.SQLState, "routine": e.Routine, "message": e.Message,
		"detail": e.Detail,
		"hint":   e.Hint, "severity": e.Severity} {
		if value != "" {
			args[name] = value
		}
	}
}

// located is a hit and where it stands.
type located struct {
	hit
	span [2]int
}

// clientHits are the table's rows that are in a text, or else the numbers that are.
func (p piece) clientHits(text string) []hit {
	all := p.located(text, clientTexts())
	if len(all) == 0 {
		all = p.located(text, numbers())
	}
	slices.SortStableFunc(all, func(a, b located) int { return cmp.Compare(a.span[0], b.span[0]) })
	var out []hit
	for _, l := range all {
		out = append(out, l.hit)
	}
	return out
}

// located finds a table's rows in a text. Where two rows share words, the one that stands first in the table is the more
// specific.
func (p piece) located(text string, table []signature) []located {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		lower = strings.Map(lowerASCII, text)
	}
	var all []located
	for _, s := range table {
		span, args, ok := s.find(text, lower)
		if !ok || slices.ContainsFunc(all, func(l located) bool { return l.span[0] < span[1] && span[0] < l.span[1] }) {
			continue
		}
		h := p.hit(s.code, plain(args), s.ask...)
		h.wrapper, h.found.Leg, h.found.Advisory = s.wrapper, s.leg, s.advisory
		all = append(all, located{h, span})
	}
	return all
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// plain gives captured args the types that the catalogue expects.
func plain(args finding.Args) finding.Args {
	for name, value := range args {
		text, _ := value.(string)
		switch name {
		case "names":
			args[name] = strings.Split(text, ", ")
		case "resolver":
			args["servers"] = []string{text}
			delete(args, name)
		case "other", "unknown":
			args["method"] = text
			delete(args, name)
		case "extension2":
			args["extension"] = text
			delete(args, name)
		}
	}
	if host, ok := args["host"].(string); ok && !hostName.MatchString(host) {
		if _, err := netip.ParseAddr(host); err != nil {
			delete(args, "host")
		}
	}
	return args
}
