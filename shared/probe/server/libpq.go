package server

import (
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// The way out of dblink is text: libpq's own words, in English where the server's lc_messages is, and nothing else
// tells what happened. So this is the one probe that reads texts.

// signature is one way in which libpq says that a connection failed, or how far it came.
type signature struct {
	// layer is the one that it ended in, code what broke it. Without a code the layer was passed.
	layer   finding.Layer
	code    finding.Code
	pattern string
	args    finding.Args
	// oneOf lists the codes between which the text does not decide.
	oneOf []string
	// silent says that the text is about silence, whose length is worth telling.
	silent bool
	// capture names the value of the pattern's first group.
	capture string

	text *lazyregexp.Regexp
}

// signatures lists them in the order in which they are tried. Texts are of libpq 9.6 to 18 and of glibc.
var signatures = sync.OnceValue(func() []signature {
	all := append(append(passed(), before()...), after()...)
	for i := range all {
		all[i].text = lazyregexp.New("(?is)" + all[i].pattern)
	}
	return all
})

// passed are the ends that we made ourselves: the far server asked for a password, or offered TLS.
func passed() []signature {
	return []signature{
		{layer: finding.Login, pattern: `no password supplied`},
		{layer: finding.Login, pattern: `authentication method requirement "none" failed`},
		{layer: finding.Login, pattern: `channel binding (?:is )?required`},
		{layer: finding.TLS, pattern: `root certificate file .* does not exist`},
	}
}

// before are the ends before PostgreSQL was spoken.
func before() []signature {
	return []signature{
		{layer: finding.Resolve, code: finding.DNSServerFailure, oneOf: []string{string(finding.DNSServerFailure),
			string(finding.DNSTimeout), string(finding.DNSRefused)},
			pattern: `could not translate host name.*temporary failure`},
		{layer: finding.Resolve, code: finding.DNSServerFailure, pattern: `could not translate host name.*non-recoverable`},
		{layer: finding.Resolve, code: finding.DNSNoAddress, pattern: `could not translate host name.*no address associated`},
		{layer: finding.Resolve, code: finding.DNSNameNotFound, pattern: `could not translate host name`},
		{layer: finding.Connect, code: finding.TCPRefused, pattern: `connection refused`,
			args: finding.Args{"errno": 111, "errnoName": "ECONNREFUSED"}},
		{layer: finding.Connect, code: finding.TCPTimeout, pattern: `connection timed out`, silent: true,
			args: finding.Args{"errno": 110, "errnoName": "ETIMEDOUT"}},
		{layer: finding.Connect, code: finding.TCPHostUnreachable, pattern: `no route to host|host is unreachable`,
			args: finding.Args{"errno": 113, "errnoName": "EHOSTUNREACH"}},
		{layer: finding.Connect, code: finding.TCPNetworkUnreachable, pattern: `network is unreachable`,
			args: finding.Args{"errno": 101, "errnoName": "ENETUNREACH"}},
	}
}

// after are the ends between the first byte of PostgreSQL and its first answer to the login.
func after() []signature {
	return []signature{
		{layer: finding.TLS, code: finding.TLSNotOffered, pattern: `server does not support SSL`},
		{layer: finding.TLS, code: finding.PeerNotPostgres, capture: "firstBytes",
			pattern: `received invalid response to SSL negotiation: (.)`, args: finding.Args{"looksLike": "unknown"}},
		{layer: finding.TLS, code: finding.PeerNotPostgres, pattern: `received unencrypted data after SSL response`,
			args: finding.Args{"looksLike": "unknown", "firstBytes": "S"}},
		{layer: finding.Login, code: finding.PeerNotPostgres, capture: "firstBytes",
			pattern: `expected authentication request from server, but received (.)`,
			args:    finding.Args{"looksLike": "unknown"}},
		{layer: finding.TLS, code: finding.TLSNotTLS, pattern: `SSL error: (?:wrong version number|unknown protocol|` +
			`packet length too long|http request|record layer failure)`},
		{layer: finding.TLS, code: finding.TLSVersion, pattern: `SSL error: .*(?:unsupported protocol|protocol version|` +
			`version too low)`},
		{layer: finding.Login, code: finding.TLSClientCertificateRequired, pattern: `SSL error: .*certificate required`},
		{layer: finding.TLS, code: finding.TLSHandshake, pattern: `SSL error:`},
		{layer: finding.TLS, code: finding.TLSClosed, pattern: `SSL SYSCALL error: EOF detected`},
		{layer: finding.TLS, code: finding.TLSReset, pattern: `SSL SYSCALL error: .*reset`},
		{layer: finding.Login, code: finding.AuthMethodUnsupported, capture: "method",
			pattern: `authentication method (\d+) not supported|GSSAPI (?:continuation|authentication)|SSPI authentication`},
	}
}

// undecided are the ends whose layer depends on whether TLS was wanted: libpq says the same in both.
func undecided(text string, o Observation, e Expect) (signature, bool) {
	layer := finding.TLS
	if !e.TLS {
		layer = finding.Login
	}
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "timeout expired") && o.ServerVersionNum < 120000:
		return signature{layer: finding.Connect, code: finding.TCPTimeout, silent: true,
			oneOf: []string{string(finding.TCPTimeout), string(finding.PeerSilent), string(finding.LoginStalled)}}, true
	case strings.Contains(lower, "timeout expired") && !e.TLS:
		return signature{layer: layer, code: finding.LoginStalled, silent: true}, true
	case strings.Contains(lower, "timeout expired"):
		// The kernel would have ended a TCP handshake without an answer sooner, and with another text.
		return signature{layer: layer, code: finding.PeerSilent, silent: true, oneOf: []string{string(finding.PeerSilent),
			string(finding.TLSStalled), string(finding.LoginStalled)}}, true
	case strings.Contains(lower, "closed the connection unexpectedly"), strings.Contains(lower, "closed unexpectedly"):
		// libpq says the same of a connection that was reset.
		return signature{layer: layer, code: finding.PeerClosed,
			oneOf: []string{string(finding.PeerClosed), string(finding.PeerReset)}}, true
	case strings.Contains(lower, "reset by peer"), strings.Contains(lower, "could not send ssl negotiation"),
		strings.Contains(lower, "broken pipe"):
		return signature{layer: layer, code: finding.PeerReset}, true
	}
	return signature{}, false
}

// attemptStart begins what libpq says of one address; lines that begin otherwise go on with it.
var attemptStart = lazyregexp.New(`(?m)^(?:connection to server|could not)`)

// lastAttempt is what libpq says of the last address it tried: it ends at the first one that answered.
func lastAttempt(text string) string {
	starts := attemptStart.FindAllStringIndex(text, -1)
	if len(starts) == 0 {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(text[starts[len(starts)-1][0]:])
}

var (
	// addressed finds the address that was tried, after the name or in its place (libpq 14 and later, then earlier).
	addressed = lazyregexp.New(`(?:server at|on host) "([^"]*)"(?: \(([^)]*)\))?`)
	preamble  = lazyregexp.New(`(?s)^connection to server (?:at|on) .*?failed: `)
	spoken    = lazyregexp.New(`(?s)^(?:FATAL|ERROR|PANIC):\s+(.*?)(?:\nDETAIL:\s+(.*?))?(?:\nHINT:\s+(.*?))?$`)
)

// triedAddress is the address of an attempt, or "" where libpq does not tell it.
func triedAddress(text string) string {
	found := addressed.FindStringSubmatch(text)
	switch {
	case found == nil:
		return ""
	case found[2] != "":
		return found[2]
	case literal(found[1]):
		return found[1]
	}
	return ""
}

// said is the far server's own message in libpq's text.
func said(text string) Said {
	text = preamble.ReplaceAllString(text, "")
	if found := spoken.FindStringSubmatch(text); found != nil {
		return Said{Message: found[1], Detail: found[2], Hint: found[3]}
	}
	return Said{Message: text}
}
