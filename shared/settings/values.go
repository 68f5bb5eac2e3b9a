package settings

import (
	"encoding/json"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/ncrontab"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

type limits struct{ preset, least, most int }

func (r *reader) number(name string, l limits) int {
	value := r.get(name)
	if value == "" {
		return l.preset
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < l.least || number > l.most {
		r.fail(name, "%q is not a number from %d to %d", value, l.least, l.most)
	}
	return number
}

func (r *reader) list(name string) []string {
	var entries []string
	for entry := range strings.SplitSeq(r.get(name), ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (r *reader) resolvers(name string) []netip.AddrPort {
	var resolvers []netip.AddrPort
	for _, entry := range r.list(name) {
		at, err := netip.ParseAddrPort(entry)
		if err != nil || at.Port() == 0 {
			r.fail(name, "entry %q is not ip:port, such as 10.0.0.4:53 or [fd00::4]:53", entry)
			return nil
		}
		resolvers = append(resolvers, at)
	}
	return resolvers
}

// suffixes reads "*.example.com", ".example.com" (both: everything below), "example.com" and addresses.
func (r *reader) suffixes(name string) []string {
	var suffixes []string
	for _, entry := range r.list(name) {
		suffix := strings.TrimPrefix(strings.ToLower(entry), "*")
		if _, err := netip.ParseAddr(suffix); err != nil && !isHostName(strings.TrimPrefix(suffix, ".")) {
			r.fail(name, "entry %q is not a host name, an address or *.suffix", entry)
			return nil
		}
		suffixes = append(suffixes, suffix)
	}
	return suffixes
}

// ticketSecrets never shows a value in an error: whoever confuses the name of a setting with its secret writes the
// secret there.
func (r *reader) ticketSecrets(name string) map[string]TicketSecret {
	value := r.get(name)
	if value == "" {
		return nil
	}
	var named map[string]string
	if err := json.Unmarshal([]byte(value), &named); err != nil {
		r.fail(name, `is not a JSON object such as {"jira": "JIRA_WEBHOOK_SECRET"}`)
		return nil
	}
	secrets := make(map[string]TicketSecret, len(named))
	for _, system := range slices.Sorted(maps.Keys(named)) {
		setting := named[system]
		if !slices.Contains(ticket.Systems(), ticket.System(system)) {
			r.fail(name, "%q is not a known ticketing system (jira, servicenow, generic)", system)
			return nil
		}
		if !isSettingName(setting) {
			r.fail(name, "%s: what is there is not the name of a setting", system)
			return nil
		}
		secrets[system] = TicketSecret{Setting: setting, Secret: secret.New(r.get(setting))}
	}
	return secrets
}

func (r *reader) ticketFields(name string) ticket.Fields {
	value := r.get(name)
	if value == "" {
		return nil
	}
	fields, err := ticket.ParseFields([]byte(value))
	if err != nil {
		r.fail(name, "%v", err)
	}
	return fields
}

// checkQueueName follows Service Bus: 1 to 260 letters, digits, periods, hyphens, underscores and slashes.
func checkQueueName(value string) string {
	if !queueName().MatchString(value) || len(value) > 260 {
		return "is not a queue name"
	}
	return ""
}

// checkSchedule demands six fields. The host takes five as well and then means minutes where six mean seconds, so a
// field that was lost would go unseen. A schedule that the host cannot read would only keep its timer from starting.
func checkSchedule(value string) string {
	if len(strings.Fields(value)) != 6 {
		return "is not a schedule of six fields (second minute hour day month weekday), such as " + DefaultReadinessSchedule
	}
	if _, err := ncrontab.Parse(value); err != nil {
		return "has a field that is no schedule, such as " + DefaultReadinessSchedule
	}
	return ""
}

func checkCloud(value string) string {
	if clouds := []string{DefaultCloud, "AzureUSGovernment", "AzureChinaCloud"}; !slices.Contains(clouds, value) {
		return "is not one of " + strings.Join(clouds, ", ")
	}
	return ""
}

func checkBaseURL(value string) string {
	at, err := url.Parse(value)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		return "is not an address such as https://app.example.com"
	}
	if at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return "has more than scheme, host and path"
	}
	return ""
}

// Patterns are compiled when first needed: most are never, and the host waits for the first answer.
var queueName = lazy(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9_])?$`)

func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// isSettingName is for names of app settings, which become environment variables on Linux.
func isSettingName(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func isHostName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.ToLower(name), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
