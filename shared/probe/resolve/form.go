package resolve

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// Form says what stands in the field that should hold a host.
type Form string

// The forms. Only a name is asked for; an address needs no asking; the rest are things that people paste.
const (
	FormName             Form = "name"
	FormAddress          Form = "address"
	FormEmpty            Form = "empty"
	FormURL              Form = "url"
	FormConnectionString Form = "connection_string"
	FormUserAtHost       Form = "user_at_host"
	FormHostPort         Form = "host_port"
	FormInstance         Form = "cloud_sql_instance"
	FormSocket           Form = "socket_path"
	FormList             Form = "list"
	FormRange            Form = "address_range"
	FormBrackets         Form = "bracketed_address"
	FormBadAddress       Form = "malformed_address"
	FormSpace            Form = "space"
	FormNotASCII         Form = "not_ascii"
	FormEmptyLabel       Form = "empty_label"
	FormLabelTooLong     Form = "label_too_long"
	FormNameTooLong      Form = "name_too_long"
	FormCharacter        Form = "character"
)

// Limits of RFC 1035 section 2.3.4, in presentation form without the final dot.
const (
	maxName  = 253
	maxLabel = 63
)

// describe classifies a host field. What is shown of a URL or a connection string is its host alone: the rest may hold
// a password.
func describe(given string) Observation {
	form, suggestion := classify(given)
	name := given
	if form == FormURL || form == FormConnectionString || strings.Contains(given, "@") {
		name = suggestion
	}
	return Observation{Name: printable(name, maxName+2), Form: form, Suggestion: suggestion}
}

// classify gives the form and, where it is clear, the host that was meant.
func classify(given string) (Form, string) {
	trimmed := strings.TrimSpace(given)
	form, suggestion := classifyTrimmed(trimmed)
	if trimmed != given && (form == FormName || form == FormAddress) {
		return FormSpace, trimmed
	}
	return form, suggestion
}

func classifyTrimmed(s string) (Form, string) {
	if s == "" {
		return FormEmpty, ""
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return FormAddress, ""
	}
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return FormRange, wholeHost(prefix)
	}
	switch {
	case strings.Contains(s, "://"):
		return FormURL, hostOfURL(s[strings.Index(s, "://")+3:], s)
	case strings.ContainsAny(s, "=;"):
		return FormConnectionString, hostOfPairs(s)
	case strings.HasPrefix(s, "/"):
		return socketPath(s), ""
	case strings.Contains(s, "/"):
		return FormURL, hostOfURL(s, s)
	case strings.Contains(s, "@"):
		return FormUserAtHost, hostOfURL(s, s)
	case strings.Contains(s, ","):
		return FormList, host(strings.TrimSpace(s[:strings.Index(s, ",")]))
	case strings.HasPrefix(s, "["):
		return bracketed(s)
	case strings.Contains(s, ":"):
		return withColon(s)
	}
	return syntax(s), ""
}

// wholeHost is the address of a range of one.
func wholeHost(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return ""
}

// hostOfURL finds the host of scheme-less URL text. A part of a password must never pass for a host: with more than one
// @, or one outside the authority, nothing is suggested.
func hostOfURL(rest, whole string) string {
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	ats := strings.Count(whole, "@")
	if ats > 1 || ats == 1 && !strings.Contains(authority, "@") {
		return ""
	}
	return hostMaybePort(authority[strings.Index(authority, "@")+1:])
}

func hostMaybePort(s string) string {
	if form, inner := bracketed(s); form == FormBrackets || form == FormHostPort {
		return inner
	}
	if form, inner := withColon(s); form == FormHostPort {
		return inner
	}
	return host(s)
}

// hostOfPairs finds the host among key=value pairs of libpq's or ADO.NET's kind.
func hostOfPairs(s string) string {
	for pair := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || unicode.IsSpace(r) }) {
		name, value, _ := strings.Cut(pair, "=")
		switch strings.ToLower(name) {
		case "host", "server", "hostaddr":
			return host(strings.Trim(value, `'"`))
		}
	}
	return ""
}

// socketPath tells Cloud SQL's socket directories from others.
func socketPath(s string) Form {
	if form, _ := withColon(s[strings.LastIndex(s, "/")+1:]); form == FormInstance {
		return FormInstance
	}
	return FormSocket
}

func bracketed(s string) (Form, string) {
	inside, after, found := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if _, err := netip.ParseAddr(inside); err != nil || !found || !strings.HasPrefix(s, "[") {
		return FormCharacter, ""
	}
	if after == "" {
		return FormBrackets, inside
	}
	if isPort(strings.TrimPrefix(after, ":")) {
		return FormHostPort, inside
	}
	return FormCharacter, ""
}

// withColon tells host:port, project:region:instance (the project may hold a domain and one more colon) and a broken
// IPv6 address.
func withColon(s string) (Form, string) {
	parts := strings.Split(s, ":")
	switch {
	case len(parts) == 2 && isPort(parts[1]):
		return FormHostPort, host(parts[0])
	case strings.Trim(s, "0123456789abcdefABCDEF:.") == "":
		return FormBadAddress, ""
	case (len(parts) == 3 || len(parts) == 4) && isRegion(parts[len(parts)-2]):
		return FormInstance, ""
	}
	return FormCharacter, ""
}

// isRegion knows Google's region names: letters, a hyphen somewhere, a digit last.
func isRegion(s string) bool {
	return strings.Contains(s, "-") && s[len(s)-1] >= '0' && s[len(s)-1] <= '9'
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// host gives s back where it is a name or an address.
func host(s string) string {
	if form, _ := classify(s); form == FormName || form == FormAddress {
		return s
	}
	return ""
}

// syntax checks a name by RFC 1035, with the underscore that real names hold.
func syntax(s string) Form {
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			return FormSpace
		case r > unicode.MaxASCII:
			return FormNotASCII
		case !isNameRune(r):
			return FormCharacter
		}
	}
	return labels(strings.Split(strings.TrimSuffix(s, "."), "."))
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

func labels(all []string) Form {
	total := len(all) - 1
	for _, label := range all {
		total += len(label)
		if label == "" {
			return FormEmptyLabel
		}
		if len(label) > maxLabel {
			return FormLabelTooLong
		}
	}
	if total > maxName {
		return FormNameTooLong
	}
	// No top-level domain is a number (RFC 3696 section 2): such a name is an address that was mistyped.
	if strings.Trim(all[len(all)-1], "0123456789") == "" {
		return FormBadAddress
	}
	return FormName
}

// printable cuts a text to size and replaces what could disturb a log or a page.
func printable(s string, size int) string {
	clean := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(clean); len(runes) > size {
		return string(runes[:size])
	}
	return clean
}
