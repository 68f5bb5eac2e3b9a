package explain

import (
	"slices"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// signature is one text of a client, a tool or the migration service, or a server's message outside the login.
type signature struct {
	// id is the row of the failure catalogue.
	id   string
	code finding.Code
	// any are literal pieces in lower case; one of them must be there.
	any []string
	// pattern narrows it down, whatever its case. Its named groups become args, numbers as numbers.
	pattern string
	// capture only adds args, where it is there.
	capture string
	// oneOf lists the codes between which the text does not decide. The first is the finding's own.
	oneOf []finding.Code
	args  finding.Args
	ask   []string
	// wrapper says that something failed, not why.
	wrapper bool
	// errorOnly keeps a text of a statement apart from the same words at login, which come as FATAL.
	errorOnly bool
	advisory  bool
	leg       string

	matches, captures *lazyregexp.Regexp
}

// find gives the span of a signature in a text and the args it holds; lower is the text in lower case.
func (s signature) find(text, lower string) (span [2]int, args finding.Args, ok bool) {
	at := -1
	for _, literal := range s.any {
		if i := strings.Index(lower, literal); i >= 0 && (at < 0 || i < at) && !inNumber(lower, literal, i) {
			at, span = i, [2]int{i, i + len(literal)}
		}
	}
	if at < 0 {
		return span, nil, false
	}
	args = finding.Args{"id": s.id}
	for name, value := range s.args {
		args[name] = value
	}
	if len(s.oneOf) > 0 {
		args["oneOf"] = codeNames(s.oneOf)
	}
	if s.captures != nil {
		groups(s.captures, text, args)
	}
	if s.matches == nil {
		return span, args, true
	}
	span, ok = groups(s.matches, text, args)
	return span, args, ok
}

// groups puts the named groups of the first match into args.
func groups(pattern *lazyregexp.Regexp, text string, args finding.Args) (span [2]int, ok bool) {
	found := pattern.FindStringSubmatchIndex(text)
	if found == nil {
		return span, false
	}
	for i, name := range pattern.SubexpNames() {
		if name != "" && found[2*i] >= 0 {
			args[name] = text[found[2*i]:found[2*i+1]]
		}
	}
	return [2]int{found[0], found[1]}, true
}

// inNumber tells whether a number was found as a part of a longer one.
func inNumber(text, literal string, at int) bool {
	digit := func(i int) bool { return i >= 0 && i < len(text) && '0' <= text[i] && text[i] <= '9' }
	return digit(at) && digit(at+len(literal)-1) && (digit(at-1) || digit(at+len(literal)))
}

func codeNames(codes []finding.Code) []string {
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = string(code)
	}
	return out
}

// clientTexts are what stands around a server's message or in place of it, the more specific before the general.
var clientTexts = sync.OnceValue(func() []signature {
	return compiled(slices.Concat(loginTexts(), resolveTexts(), connectTexts(), tlsTexts(), certificateTexts(),
		peerTexts(),
		azureTexts(), serviceTexts(), translatedTexts()))
})

// numbers are looked for where no words are known.
var numbers = sync.OnceValue(func() []signature { return compiled(numberedTexts()) })

// serverTexts are servers' messages to statements, in English: the login probe knows those at login.
var serverTexts = sync.OnceValue(func() []signature {
	return compiled(slices.Concat(statementTexts(),
		extensionTexts()))
})

func compiled(all []signature) []signature {
	for i := range all {
		if all[i].pattern != "" {
			all[i].matches = lazyregexp.New("(?i)" + all[i].pattern)
		}
		if all[i].capture != "" {
			all[i].captures = lazyregexp.New("(?i)" + all[i].capture)
		}
	}
	return all
}

// layerOf is the layer that a code belongs to.
func layerOf(code finding.Code) finding.Layer {
	part, _, _ := strings.Cut(string(code), "_")
	layers := map[string]finding.Layer{"REQUEST": finding.Request, "SCENARIO": finding.Scenario,
		"VANTAGE": finding.Scenario,
		"DNS":     finding.Resolve, "TCP": finding.Connect, "PEER": finding.TLS, "TLS": finding.TLS,
		"PRE": finding.Prerequisites,
		"AZ":  finding.Azure}
	if layer, ok := layers[part]; ok {
		return layer
	}
	return finding.Login
}

// The questions, in the catalogue's words.
const (
	askEndpoint     = "endpoint"
	askWholeText    = "whole_text"
	askInnerText    = "inner_text"
	askSQLState     = "sqlstate"
	askDNSAnswer    = "dns_answer"
	askIntegration  = "vnet_integration"
	askTCPOrSilence = "tcp_or_silence"
	askStage        = "stage"
	askFirstBytes   = "first_bytes"
	askIdle         = "idle_time"
	askCertificate  = "certificate"
	askPassword     = "password_cause"
	askReachability = "reachability"
	askFirstAttempt = "first_attempt"
	askToken        = "token"
	askDate         = "text_date"
	askServerLog    = "server_log"
	askSupport      = "support"
	askCutover      = "cutover"
	askPasswordAt   = "password_at"
)
