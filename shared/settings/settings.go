// Package settings reads the app settings once, at start, and refuses those that are wrong. It opens nothing and asks
// nobody; a setting that is missing is no error here, since each function says itself what it cannot do without.
package settings

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

// Settings are all app settings, parsed and checked.
type Settings struct {
	// Queue is the Service Bus connection, Tables the table service's.
	Queue, Tables Connection
	// QueueName is the queue that check requests wait in.
	QueueName string
	// ReadinessSchedule is a six-field NCRONTAB. The host reads it too, and keeps time by it.
	ReadinessSchedule string
	// Allowed is what may be probed.
	Allowed guard.Policy
	// Resolvers replace the instance's own; empty means those of the instance.
	Resolvers []netip.AddrPort
	// ReportLinkKey signs report links; without it links are not signed.
	ReportLinkKey secret.String
	// PublicBaseURL is where people reach the app, without a slash at the end; empty means that links are relative.
	PublicBaseURL string
	// Cloud is the cloud whose management plane is read, by the name that the Azure CLI gives it.
	Cloud string
	// MaxConcurrentChecks is the number of checks that run at once in this process.
	MaxConcurrentChecks int
	// MaxSockets bounds the sockets of the checks that run at once in this process, at two for each server of a request.
	MaxSockets int
	// MaxRequestsPerMinute is the number of checks that one caller may ask for over HTTP, of this process.
	MaxRequestsPerMinute int
	// TicketSecrets are by ticketing system.
	TicketSecrets map[string]TicketSecret
	// TicketFields are the names of ticketing systems' fields, where they are not the contract's.
	TicketFields ticket.Fields
	// TicketAPIs are where comments go, by ticketing system.
	TicketAPIs map[string]TicketAPI
	// CallbackSecret signs posts to callback addresses.
	CallbackSecret secret.String
	// AllowedCallbacks are host names and suffixes (".example.com") in lower case; empty means that none may be posted to.
	AllowedCallbacks []string
	// Telemetry is where traces and metrics go; off where no endpoint is set.
	Telemetry Telemetry
	// Host is what the Functions host and the platform say about themselves.
	Host Host
	// Unresolved names the settings whose Key Vault reference the platform could not resolve. Their values are read as
	// missing.
	Unresolved []string
}

// TicketSecret is the secret of a ticketing system and the setting it stands in. Secret is empty where that setting is
// missing.
type TicketSecret struct {
	Setting string
	Secret  secret.String
}

// The values of settings that are not set.
const (
	DefaultQueueName         = "check-requests"
	DefaultReadinessSchedule = "0 */5 * * * *"
	DefaultCloud             = "AzureCloud"
	// An endpoint that waits costs some 50 KB, and a small pool turns one time-out into many in a row.
	DefaultMaxConcurrentChecks = 512
	DefaultMaxSockets          = 2400
	// A migration wave in batches of a thousand fits in.
	DefaultMaxRequestsPerMinute = 3000
)

const (
	mostConcurrentChecks  = 4096
	mostSockets           = 65536
	mostRequestsPerMinute = 1_000_000
)

// Parse reads the settings. An error is one line that names the first wrong setting, never its value where that may be
// a secret.
func Parse(getenv func(string) string) (Settings, error) {
	r := &reader{getenv: getenv}
	s := Settings{
		Queue:             r.connection("CheckQueue", "fullyQualifiedNamespace", checkServiceBus, checkNamespace),
		Tables:            r.connection("ResultTables", "tableServiceUri", checkTables, checkServiceURI),
		QueueName:         r.text("CHECK_QUEUE", DefaultQueueName, checkQueueName),
		ReadinessSchedule: r.text("READINESS_SCHEDULE", DefaultReadinessSchedule, checkSchedule),
		Allowed:           r.policy(),
		Resolvers:         r.resolvers("RESOLVERS"),
		ReportLinkKey:     secret.New(r.get("REPORT_LINK_KEY")),
		PublicBaseURL:     strings.TrimRight(r.text("PUBLIC_BASE_URL", "", checkBaseURL), "/"),
		Cloud:             r.text("AZURE_CLOUD", DefaultCloud, checkCloud),
		MaxConcurrentChecks: r.number("MAX_CONCURRENT_CHECKS", limits{
			preset: DefaultMaxConcurrentChecks, least: 1, most: mostConcurrentChecks}),
		MaxSockets: r.number("MAX_SOCKETS", limits{preset: DefaultMaxSockets, least: 8, most: mostSockets}),
		MaxRequestsPerMinute: r.number("MAX_REQUESTS_PER_MINUTE", limits{
			preset: DefaultMaxRequestsPerMinute, least: 1, most: mostRequestsPerMinute}),
		TicketSecrets:    r.ticketSecrets("TICKET_SECRETS"),
		TicketFields:     r.ticketFields("TICKET_FIELDS"),
		TicketAPIs:       r.ticketAPIs("TICKET_APIS"),
		CallbackSecret:   secret.New(r.get("CALLBACK_SECRET")),
		AllowedCallbacks: r.suffixes("ALLOWED_CALLBACKS"),
		Telemetry:        r.telemetry(),
		Host:             r.host(),
	}
	if r.err != nil {
		return Settings{}, r.err
	}
	s.Unresolved = r.unresolved
	return s, nil
}

// Secrets are all secrets among the settings, for a log that must not show them.
func (s Settings) Secrets() []secret.String {
	secrets := append(s.Queue.secrets(), s.Tables.secrets()...)
	secrets = append(secrets, s.ReportLinkKey, s.CallbackSecret)
	secrets = append(secrets, s.Telemetry.secrets()...)
	for _, ticket := range s.TicketSecrets {
		secrets = append(secrets, ticket.Secret)
	}
	for _, api := range s.TicketAPIs {
		secrets = append(secrets, api.Token)
	}
	return secrets
}

// reader reads settings and keeps the first error, so that Parse reads as the list it is.
type reader struct {
	getenv     func(string) string
	unresolved []string
	err        error
}

// get reads one setting without the spaces around it. App Service leaves the reference itself in the value where Key
// Vault cannot be read (no network way, no role), which would otherwise be taken for a key or a connection string.
func (r *reader) get(name string) string {
	value := strings.TrimSpace(r.getenv(name))
	if strings.HasPrefix(value, "@Microsoft.KeyVault(") {
		r.unresolved = append(r.unresolved, name)
		return ""
	}
	return value
}

func (r *reader) fail(name, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("setting %s: %s", name, oneLine(fmt.Sprintf(format, args...)))
	}
}

// oneLine keeps an error to one line: the host shows only the last lines of what a dying handler wrote.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

func (r *reader) text(name, preset string, check func(string) string) string {
	value := r.get(name)
	if value == "" {
		return preset
	}
	// A check's words do not repeat the value: people paste connection strings and signed addresses where they do not
	// belong.
	if trouble := check(value); trouble != "" {
		r.fail(name, "%s", trouble)
	}
	return value
}

func (r *reader) policy() guard.Policy {
	policy, err := guard.Parse(r.get("ALLOWED_TARGETS"), r.get("ALLOWED_PORTS"))
	if err != nil && r.err == nil {
		// The guard names the setting itself.
		r.err = err
	}
	return policy
}
