package request

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// Secrets are looked for by the names and shapes in which they are pasted, everywhere in a message. To refuse a harmless
// text that says "password=" costs one resubmission; to store a password costs its rotation.
var (
	assignment = lazyregexp.New(`(?i)(pass(word|wd|phrase)["']?\s*[=:]|` +
		`(pwd|accountkey|accesskey|accesstoken|access_token|client_?secret|secret)["']?\s*=)\s*\S`)
	// A password in a database URL may hold any character, so the last @ ends it.
	databaseURL = lazyregexp.New(`(?is)\b(postgres|postgresql|postgis|mysql|mssql|sqlserver|mongodb|redis|amqps?)` +
		`(\+[a-z0-9]+)?://[^@]*:.*@`)
	anyURL = lazyregexp.New(`(?i)[a-z][a-z0-9+.-]*://[^\s/?#@]*:[^\s/?#]*@`)
	// The URL of a Logic App or of a function key carries its secret in the query.
	signedURL  = lazyregexp.New(`(?i)://[^\s?#]*\?([^\s#]*[&;])?(sig|sas|code|key|token|api[_-]?key|([a-z-]*-)?subscription-key)=[^\s&;#]`)
	webToken   = lazyregexp.New(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.`)
	privateKey = lazyregexp.New(`-----BEGIN [A-Z ]*PRIVATE KEY`)
)

// namesSecret tells whether a key is one that people put secrets under. The spelling does not matter: dbPassword,
// PGPASSWORD and ssl_password are all meant.
func namesSecret(key string) bool {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(key))
	if strings.Contains(name, "password") || strings.Contains(name, "passwd") || strings.HasSuffix(name, "pwd") {
		return true
	}
	return slices.Contains([]string{
		"pass", "passphrase", "secret", "clientsecret", "token", "accesstoken", "refreshtoken", "idtoken",
		"connectionstring", "accountkey", "accesskey", "sharedaccesskey", "apikey", "privatekey",
	}, name)
}

// holdsSecret tells whether a text has the shape of a secret. In what describes an endpoint, a colon before an @ is that
// of user:password; elsewhere user:name@domain is an ordinary way to say who asks.
func holdsSecret(path, text string) bool {
	if ofEndpoint(path) && hasUserPassword(text) {
		return true
	}
	url := strings.Contains(text, "://")
	// The cheap test goes first: nearly every text of a request is a name.
	return strings.ContainsAny(text, "=:") && assignment.MatchString(text) ||
		url && (databaseURL.MatchString(text) || anyURL.MatchString(text) || signedURL.MatchString(text)) ||
		strings.Contains(text, "eyJ") && webToken.MatchString(text) ||
		strings.Contains(text, "-----BEGIN") && privateKey.MatchString(text)
}

func ofEndpoint(path string) bool {
	for _, field := range []string{".host", ".address", ".user"} {
		if strings.HasSuffix(path, field) {
			return true
		}
	}
	return strings.Contains(path, ".databases[")
}

func hasUserPassword(text string) bool {
	if _, rest, isURL := strings.Cut(text, "://"); isURL {
		text = rest
	}
	colon, at := strings.Index(text, ":"), strings.LastIndex(text, "@")
	return colon >= 0 && colon < at
}
