package logging

import (
	"regexp"
	"strings"
	"sync"
)

const redacted = "[redacted]"

// rule takes one kind of secret out of a text.
type rule struct {
	// where is a cheap test in lower case, so that most texts never meet the pattern; empty means always.
	where   []string
	pattern *regexp.Regexp
	with    string
}

// value is what stands behind an equals sign: quoted in either way, or up to what ends it in a query, a connection
// string, a libpq conninfo or a sentence.
const value = `("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\+".*|[^\s&;"']+)`

// rules are compiled when the first text is redacted, not at start: the host waits for the first answer.
var rules = sync.OnceValue(func() []rule {
	compile := regexp.MustCompile
	return []rule{
		// scheme://user:password@host and scheme://token@host. It reaches to the last @ so that an @ in a password
		// leaves no rest behind.
		{[]string{"://"}, compile(
			`([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/?#"'<>]+@|[^\s:/"'<>]*:[^\s"'<>]*@)`), "${1}" + redacted + "@"},
		// Authorization: Bearer …, x-functions-key: …, as header lines and as JSON, where a value may be a list.
		{[]string{"authorization", "x-functions-key", "cookie", "x-ms-token", "x-hub-signature"}, compile(
			`(?i)((?:proxy-)?authorization|x-functions-key|(?:set-)?cookie|x-ms-token-[a-z-]+|x-hub-signature(?:-256)?)` +
				`(\\*"?\s*[:=]\s*\[?)(\\+".*|"(?:[^"\\]|\\.)*"|[^\r\n"\]]+)`), "${1}${2}" + redacted},
		{[]string{"bearer "}, compile(`(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{12,}`), "Bearer " + redacted},
		// password=…, SharedAccessKey=…, PGPASSWORD='…', client_secret=…
		{[]string{"="}, compile(`(?i)((?:passwor[dt]|kennwort|passwd|\bpass|pwd|passphrase|secret|access[_-]?key|account[_-]?key|api[_-]?key|` +
			`accesssignature|\bsig|signature|[_-]token|\btoken)\s*=\s*)` + value), "${1}" + redacted},
		// The function key in a query. Alone, code= is too common a word to take out.
		{[]string{"code="}, compile(`(?i)([?&;]code=)[^\s&;"']+`), "${1}" + redacted},
		// "password": "…" and "code": "…" in JSON. Where the JSON is itself inside a string, the rest of the line goes:
		// quotes that end and quotes that belong to the value cannot be told apart there.
		{[]string{`"`},
			compile(`(?i)("[a-z_.-]*(?:password|passwd|pwd|passphrase|secret|access_?key|account_?key|api_?key|sig|` +
				`signature|token|code)\\*"\s*:\s*)(?:\\+".*|"(?:[^"\\]|\\.)*")`), `${1}"` + redacted + `"`},
		{[]string{"password:", "passwd:", "pwd:"}, compile(`(?i)\b((?:password|passwd|pwd):\s*)[^\s"]+`), "${1}" + redacted},
		// ALTER ROLE … PASSWORD '…', and what PostgreSQL keeps of a password.
		{[]string{"password"}, compile(`(?i)\b(password\s+)E?'(?:[^'\\]|\\.|'')*'?`), "${1}'" + redacted + "'"},
		{[]string{"scram-sha-256$", "md5"}, compile(`(?i)SCRAM-SHA-256\$[^\s'"]+|\bmd5[0-9a-f]{32}\b`), redacted},
		// --admin-password … on a command line.
		{[]string{"--"}, compile(`(?i)(--[a-z-]*(?:password|secret|token|key)\s+)("[^"]*"|'[^']*'|[^\s-]\S*)`),
			"${1}" + redacted},
		// A token of Entra ID or anybody else's, wherever it stands.
		{[]string{"eyj"}, compile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?`), redacted},
		// Keys that Azure makes recognisable: Functions, Storage, Service Bus, Event Hubs.
		{[]string{"azfu", "+ast", "+asb", "+aeh"},
			compile(`[A-Za-z0-9+/_-]{20,}(?:AzFu|\+ASt|\+ASb|\+AEh)[A-Za-z0-9+/_-]{4,}={0,2}`), redacted},
	}
})

// Redact takes secrets out of a text by their shape and makes control characters visible. It takes out too much rather
// than too little.
func Redact(text string) string {
	lower := strings.ToLower(text)
	for _, r := range rules() {
		if r.applies(lower) {
			text = r.pattern.ReplaceAllString(text, r.with)
		}
	}
	return escape(text)
}

func (r rule) applies(lower string) bool {
	for _, word := range r.where {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// isSecretName is for the names of attributes. A finding's code is not among them.
func isSecretName(name string) bool {
	name = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), "_", ""), "-", "")
	for _, word := range []string{
		"password", "passwd", "passphrase", "secret", "authorization", "cookie", "xfunctionskey", "functionkey", "accesskey",
		"accountkey", "apikey", "accesssignature", "connectionstring",
	} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return name == "pwd" || name == "sig" || name == "token" || name == "key"
}
