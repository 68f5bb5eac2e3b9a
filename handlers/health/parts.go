package health

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// Ping asks a part one cheap question.
type Ping func(ctx context.Context) error

// Pings are how the parts are asked; nil where there is nothing to ask.
type Pings struct {
	Queue, Tables, Credentials, Resolvers Ping
	// Report logs what a ping said: its words may name what an anonymous caller must not know.
	Report func(ctx context.Context, part string, err error)
}

// Parts are the parts of the contract, in its order.
func Parts(s settings.Settings, p Pings) []Part {
	return []Part{
		p.connection("queue", s.Queue, p.Queue),
		p.connection("tables", s.Tables, p.Tables),
		{Name: "credentials", Look: func(ctx context.Context) Result { return p.credentials(ctx, s) }},
		{Name: "vnetIntegration", Look: func(context.Context) Result { return integration(s.Host) }},
		{Name: "resolvers", Look: func(ctx context.Context) Result { return p.resolvers(ctx, s) }},
	}
}

func (p Pings) connection(name string, c settings.Connection, ping Ping) Part {
	return Part{Name: name, Look: func(ctx context.Context) Result {
		if c.Missing() {
			return Result{Status: Missing, Detail: "setting " + c.Names() + " is not set"}
		}
		return p.ask(ctx, question{part: name, ping: ping, well: "answers"})
	}}
}

// question is a ping and what it means that nothing is wrong.
type question struct {
	part string
	ping Ping
	well string
}

func (p Pings) ask(ctx context.Context, q question) Result {
	if q.ping == nil {
		return Result{Status: OK, Detail: q.well}
	}
	if err := q.ping(ctx); err != nil {
		p.Report(ctx, q.part, err)
		return Result{Status: Failed, Detail: kind(err)}
	}
	return Result{Status: OK, Detail: q.well}
}

// kind says what sort of trouble it is, by type and errno.
func kind(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name does not resolve"
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "it is not reachable"
	}
	return "the log has the reason"
}

// credentials looks for secrets that other settings refer to and that are not there, then for the identity.
func (p Pings) credentials(ctx context.Context, s settings.Settings) Result {
	if len(s.Unresolved) > 0 {
		names := strings.Join(s.Unresolved, ", ")
		return Result{Status: Failed, Detail: "the Key Vault reference is not resolved of setting " + names}
	}
	var missing []string
	for _, system := range slices.Sorted(maps.Keys(s.TicketSecrets)) {
		if ticket := s.TicketSecrets[system]; ticket.Secret.Empty() {
			missing = append(missing, ticket.Setting)
		}
	}
	if len(missing) > 0 {
		names := strings.Join(missing, ", ")
		return Result{Status: Missing, Detail: "TICKET_SECRETS names a setting that is not set: " + names}
	}
	if detail := unable(s); detail != "" {
		return Result{Status: Missing, Detail: detail}
	}
	return p.ask(ctx, question{part: "credentials", ping: p.Credentials, well: optional(s)})
}

// unable says what keeps reports from being told although other settings ask for it.
func unable(s settings.Settings) string {
	var missing []string
	for _, system := range slices.Sorted(maps.Keys(s.TicketAPIs)) {
		if api := s.TicketAPIs[system]; api.Token.Empty() {
			missing = append(missing, api.Setting)
		}
	}
	switch {
	case len(missing) > 0:
		return "TICKET_APIS names a setting that is not set: " + strings.Join(missing, ", ")
	case len(s.AllowedCallbacks) > 0 && s.CallbackSecret.Empty():
		return "ALLOWED_CALLBACKS is set, and CALLBACK_SECRET is not: no callback is posted"
	}
	return ""
}

// optional names what may be missing for good.
func optional(s settings.Settings) string {
	var missing []string
	for _, setting := range []struct {
		name    string
		missing bool
	}{
		{"REPORT_LINK_KEY", s.ReportLinkKey.Empty()},
		{"PUBLIC_BASE_URL", s.PublicBaseURL == ""},
		{"TICKET_SECRETS", len(s.TicketSecrets) == 0},
		{"TICKET_APIS", len(s.TicketAPIs) == 0},
		{"CALLBACK_SECRET", s.CallbackSecret.Empty()},
		{"ALLOWED_CALLBACKS", len(s.AllowedCallbacks) == 0},
	} {
		if setting.missing {
			missing = append(missing, setting.name)
		}
	}
	if len(missing) == 0 {
		return "all secrets are set"
	}
	return "not set, and not needed by every function: " + strings.Join(missing, ", ")
}

// integration goes by the address that the platform gives an instance that is joined to a virtual network.
func integration(h settings.Host) Result {
	switch {
	case !h.InAzure():
		return Result{Status: OK, Detail: "not in Azure"}
	case !h.PrivateAddress.IsValid():
		return Result{Status: Missing, Detail: "WEBSITE_PRIVATE_IP is not set: the app is not joined to a virtual network"}
	}
	return Result{Status: OK, Detail: "joined to a virtual network"}
}

func (p Pings) resolvers(ctx context.Context, s settings.Settings) Result {
	well := "those of the instance"
	if n := len(s.Resolvers); n > 0 {
		well = "RESOLVERS names " + strconv.Itoa(n)
	}
	return p.ask(ctx, question{part: "resolvers", ping: p.Resolvers, well: well})
}
