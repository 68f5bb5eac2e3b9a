package server

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// notAPassword stands where dblink demands that a password be named. It is never sent: each method ends before.
const notAPassword = "none"

// nowhere is a file that does not exist. It keeps the server's own password file, client certificate and roots, which
// libpq looks for by itself, out of an attempt that is ours.
const nowhere = "/nonexistent/pgpreflight"

// attemptTime bounds an attempt at one address: the TCP handshake, and the same again for the messages after it. libpq
// counts in seconds and takes less than two for two.
func attemptTime(t Target) time.Duration {
	return max(2*time.Second, (2*t.Patience + time.Second - 1).Truncate(time.Second))
}

// refused tells why a server may not be sent to a host: libpq reads more into a host than a name.
func refused(t Target) string {
	switch {
	case t.Host == "":
		return "the host is empty"
	case strings.HasPrefix(t.Host, "/"), strings.HasPrefix(t.Host, "@"):
		return "libpq takes the host for a Unix socket of the asked server"
	case strings.ContainsAny(t.Host, ",\x00"):
		return "libpq takes the host for a list of hosts"
	}
	return ""
}

// method chooses how far the attempt can go without a password. Whatever the far server asks for, none is sent.
func method(o Observation, t Target) Method {
	switch {
	case o.ServerVersionNum >= 160000:
		return MethodRequireAuth
	case o.Superuser:
		return MethodNoPassword
	case o.ServerVersionNum >= 130000 && !t.TLS:
		return MethodChannelBinding
	}
	return MethodRoots
}

// conninfo builds libpq's connection string. Options that the server's libpq does not know would be errors.
func conninfo(o Observation, t Target) string {
	var b strings.Builder
	set := func(name, value string) { fmt.Fprintf(&b, "%s=%s ", name, quoteValue(value)) }
	set("host", t.Host)
	set("port", strconv.Itoa(t.Port))
	set("user", t.User)
	set("dbname", t.Database)
	set("application_name", applicationName)
	set("connect_timeout", strconv.Itoa(int(attemptTime(t)/time.Second)))
	set("passfile", nowhere)
	set("sslcert", nowhere)
	set("sslrootcert", nowhere)
	set("sslmode", sslMode(o.Method, t.TLS))
	if o.ServerVersionNum >= 120000 {
		// The kernel gives up an unanswered handshake after this time and says so, and not otherwise: that is what tells
		// a silent network from a server that accepts and then says nothing (tcp(7), TCP_USER_TIMEOUT).
		set("tcp_user_timeout", strconv.FormatInt(t.Patience.Milliseconds(), 10))
		set("gssencmode", "disable")
	}
	switch o.Method {
	case MethodRequireAuth:
		set("require_auth", "none")
	case MethodChannelBinding:
		set("channel_binding", "require")
	}
	if o.Method != MethodNoPassword {
		set("password", notAPassword)
	}
	return strings.TrimSpace(b.String())
}

// sslMode never is verify-full, even where that was asked: the server has no roots that we know of. Whether the
// certificate is good is our own leg's question.
func sslMode(m Method, wanted bool) string {
	switch {
	case m == MethodRoots:
		return "verify-ca"
	case wanted:
		return "require"
	}
	return "disable"
}

// quoteValue quotes a value of a conninfo (libpq manual, 34.1.1.1).
func quoteValue(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// quoteLiteral quotes an SQL string so that standard_conforming_strings does not matter.
func quoteLiteral(value string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(value) + "'"
}

func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal tells whether the host is an address, which no DNS is asked for.
func literal(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
