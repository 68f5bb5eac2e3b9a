package request

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

const (
	maxHost        = 253 // RFC 1035, section 2.3.4, as text
	maxDatabases   = 100
	maxIdentifier  = 63  // NAMEDATALEN - 1: a longer name is cut by the server without a word
	maxUser        = 256 // an Entra user principal name is longer than an identifier
	maxRequestedBy = 256
	maxTicketID    = 128
	maxURL         = 2048
)

var (
	name        = lazyregexp.New(`^[A-Za-z0-9._-]{1,64}$`)
	settingName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	queueName   = lazyregexp.New(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$`)
	label       = lazyregexp.New(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
)

// beName is the alphabet of ids, routes and waves. They become table keys and the last segment of a URL, which a dot or
// two would walk out of.
func beName(text string) string {
	if !name.MatchString(text) || text == "." || text == ".." {
		return "be 1 to 64 of the characters A-Z a-z 0-9 . _ -"
	}
	return ""
}

// IsName tells whether a text can be an id, a route or a wave.
func IsName(text string) bool { return beName(text) == "" }

// beHost lets through what is wrong but harmless (a URL, host:port, project:region:instance): the resolve layer knows
// what to say about those.
func beHost(text string) string {
	if len(text) > maxHost {
		return fmt.Sprintf("have at most %d characters", maxHost)
	}
	if strings.ContainsFunc(text, isInvisible) {
		return "have no spaces, control characters or invisible characters"
	}
	return ""
}

func isInvisible(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func beAddress(text string) string {
	if _, err := netip.ParseAddr(text); err == nil {
		return ""
	}
	labels := strings.Split(strings.TrimSuffix(text, "."), ".")
	for _, part := range labels {
		if !label.MatchString(part) {
			return "be an IP address or a host name"
		}
	}
	// No top-level domain is a number (RFC 3696): 10.0.0.300 is a mistyped address.
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil || len(text) > maxHost {
		return "be an IP address or a host name"
	}
	return ""
}

func beDatabase(text string) string { return beIdentifier(text, maxIdentifier) }

func beUser(text string) string { return beIdentifier(text, maxUser) }

func beIdentifier(text string, most int) string {
	if text == "" || len(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("be 1 to %d bytes without control characters", most)
	}
	return ""
}

func bePrintable(most int) rule {
	return func(text string) string {
		if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Sprintf("be at most %d bytes of printable text", most)
		}
		return ""
	}
}

func beSetting(text string) string {
	if len(text) > 128 || !settingName.MatchString(text) {
		return "be the name of an app setting: a letter or _, then letters, digits and _"
	}
	if OwnSetting(text) {
		return "not be a setting of pgpreflight or of its host"
	}
	return ""
}

func beVaultSecret(text string) string {
	if _, ok := ParseVaultSecret(text); !ok {
		return "be https://<vault>.vault.azure.net/secrets/<name>, with /<version> if need be"
	}
	return ""
}

func beQueue(text string) string {
	if !queueName.MatchString(text) {
		return "be the name of a queue or topic: letters, digits, . _ - and /"
	}
	return ""
}

// beCallback admits http only to a loopback literal, never to a name: what localhost means is the resolver's choice.
func beCallback(text string) string {
	const expected = "be an https URL without user or fragment (http only to a loopback address)"
	target, err := url.Parse(text)
	if err != nil || len(text) > maxURL || target.User != nil || target.Fragment != "" || target.Hostname() == "" {
		return expected
	}
	addr, err := netip.ParseAddr(target.Hostname())
	onLoopback := err == nil && addr.Unmap().IsLoopback()
	if target.Scheme != "https" && (target.Scheme != "http" || !onLoopback) {
		return expected
	}
	return ""
}
