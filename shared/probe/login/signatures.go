package login

import (
	"slices"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// signature is one way a server says no. Every condition that is set must hold; the first signature that fits wins.
type signature struct {
	// id is the row of the failure catalogue.
	id   string
	code finding.Code
	// sqlstate and routine are free of locale. An error that lacks one (a gateway's, a pasted text) is left to the
	// pattern.
	sqlstate string
	routine  string
	// pattern is looked for in the message, whatever its case.
	pattern string
	// unsigned demands that the error names no routine: PostgreSQL always does, poolers and gateways do not.
	unsigned bool
	when     func(Circumstances) bool
	args     finding.Args
	// oneOf lists the causes between which the evidence does not decide.
	oneOf []string
	// capture names the value of the pattern's first group, quotes the first value in any language's quotes.
	capture string
	quotes  string
	// quoting says that the pattern is about what is quoted: PostgreSQL 17 began to quote the names of settings.
	quoting bool
	// login demands that it is no error of a statement: at login they come as FATAL.
	login bool

	message *lazyregexp.Regexp
}

// fits compares an error with a signature. Bare is its message with nothing in its quotes: a user, a role or a database
// may be called anything, and only a signature that takes such a name looks at them.
func (s signature) fits(e ServerError, bare string, c Circumstances) bool {
	switch {
	case s.when != nil && !s.when(c):
		return false
	case s.unsigned && e.Routine != "", s.login && e.Severity == "ERROR":
		return false
	case !s.names(s.sqlstate, e.SQLState), !s.names(s.routine, e.Routine):
		return false
	}
	if s.capture != "" || s.quoting {
		bare = e.Message
	}
	return s.message == nil || s.message.MatchString(bare)
}

// names compares a field that is free of locale; one that the server left out is made up for by a pattern.
func (s signature) names(wanted, got string) bool {
	return wanted == "" || wanted == got || (got == "" && s.message != nil)
}

func (s signature) fill(e ServerError, c Circumstances) finding.Args {
	args := finding.Args{"id": s.id}
	for name, value := range s.args {
		args[name] = value
	}
	if len(s.oneOf) > 0 {
		args["oneOf"] = slices.Clone(s.oneOf)
	}
	for name, value := range map[string]string{"user": c.User, "database": c.Database} {
		if value != "" {
			args[name] = value
		}
	}
	if s.capture != "" {
		if found := s.message.FindStringSubmatch(e.Message); found[1] != "" {
			args[s.capture] = found[1]
		}
	}
	if s.quotes != "" {
		if found := quoted.FindStringSubmatch(e.Message); found != nil {
			args[s.quotes] = firstOf(found[1:])
		}
	}
	if fromPooler(e) {
		args["pooler"] = true
	}
	return args
}

// signatures lists them in the order in which they are tried: first the texts of gateways, Entra ID and poolers, which
// use PostgreSQL's SQLSTATEs for things of their own; then what SQLSTATE and routine decide in every language; then
// wordings, English before others; then what an SQLSTATE alone leaves open.
var signatures = sync.OnceValue(func() []signature {
	all := slices.Concat(azureSignatures(), entraSignatures(), otherClouds(), poolerSignatures(), tlsSignatures(),
		localeFree(), wordings(), translations(), leftOpen())
	for i := range all {
		if all[i].pattern != "" {
			all[i].message = lazyregexp.New("(?is)" + all[i].pattern)
		}
	}
	return all
})
