package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/delivery"
	"github.com/pgpreflight/pgpreflight/handlers/outcome"
	"github.com/pgpreflight/pgpreflight/handlers/tickets"
	"github.com/pgpreflight/pgpreflight/handlers/trouble"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/notify"
	"github.com/pgpreflight/pgpreflight/shared/notify/comment"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// notifier tells those who wait for reports; nil where nothing can be remembered.
func notifier(s settings.Settings, p parts, proc process, log *slog.Logger) outcome.Notifier {
	if p.store == nil {
		return nil
	}
	reply := &notify.Reply{Own: s.QueueName, Missing: s.Queue.Names(), Link: reportLink(s)}
	if !s.Queue.Missing() {
		reply.Open = func(name string) (notify.Queue, error) {
			return queue.Open(queue.Config{ConnectionString: s.Queue.ConnectionString, Namespace: s.Queue.Address,
				Credential: identity(s.Queue, proc), Queue: name})
		}
	}
	retry := trouble.Retry{Report: func(ctx context.Context, message string, err error) {
		log.WarnContext(ctx, message, "err", err)
	}, Count: p.hooks.retried}
	return notify.New(notify.Options{
		Memory: p.store, Retry: retry.Do, Now: proc.now, Log: log, Told: p.hooks.told,
		Later: func(ctx context.Context, id string, at time.Time) error {
			if p.queue == nil {
				return &trouble.MissingError{Names: s.Queue.Names()}
			}
			return p.queue.Send(ctx, delivery.Reminder(id, at))
		},
		Senders: map[string]notify.Sender{
			notify.ToReply: reply,
			notify.ToCallback: notify.Callback{Secret: s.CallbackSecret,
				Client: web.New(web.Options{Hosts: web.Hosts(s.AllowedCallbacks), Resolvers: s.Resolvers})},
			notify.ToTicket: ticketWriter(s),
		},
	})
}

// ticketWriter writes into the systems that TICKET_APIS names and whose token is there.
func ticketWriter(s settings.Settings) notify.Tickets {
	systems := map[string]comment.System{}
	for name, api := range s.TicketAPIs {
		if api.Token.Empty() {
			continue
		}
		client := web.New(web.Options{Hosts: web.Hosts{hostOf(api.URL)}, Resolvers: s.Resolvers})
		if system, known := comment.New(name, comment.API{URL: api.URL, User: api.User, Token: api.Token, Table: api.Table,
			Field: api.Field}, client); known {
			systems[name] = system
		}
	}
	link := reportLink(s)
	return notify.Tickets{
		Systems: systems,
		Missing: func(name string) string { return missingAPI(s, name) },
		Link: func(m notify.Message) string {
			if s.PublicBaseURL == "" {
				return "" // A relative link leads nowhere from a ticket.
			}
			return link(m)
		},
	}
}

func missingAPI(s settings.Settings, system string) string {
	api, there := s.TicketAPIs[system]
	switch {
	case there:
		return api.Setting
	case system == "jira" || system == "servicenow":
		return "TICKET_APIS for " + system
	}
	return ""
}

func reportLink(s settings.Settings) func(m notify.Message) string {
	return func(m notify.Message) string { return links(s).Report(m.CheckID, m.Now) }
}

func hostOf(address string) string {
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(at.Hostname())
}

// refusals tells a ticket why nothing is checked for it.
type refusals struct{ tickets notify.Tickets }

// Refused implements tickets.Commenter. The same refusal is written once, however often it is delivered.
func (r refusals) Refused(ctx context.Context, to request.Ticket, why tickets.Refusal) error {
	if r.tickets.Systems[to.System] == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(to.System + "\n" + to.ID + "\n" + why.Field + "\n" + why.Detail))
	plain := r.tickets.Systems[to.System].Words().Plain
	text := plain("NOT CHECKED — " + refusal(why))
	if why.Explained != nil {
		for _, f := range why.Explained.Findings {
			text += plain(fmt.Sprintf("%s (%s): %s", f.Title, f.Owner.Name(), f.Detail))
		}
	}
	return r.tickets.Comment(ctx, notify.Ticket{System: to.System, ID: to.ID,
		Mark: "refused-" + hex.EncodeToString(sum[:8])}, text)
}

func refusal(why tickets.Refusal) string {
	if why.Field == "" {
		return why.Detail
	}
	return why.Field + ": " + why.Detail
}

// callbackRule refuses at once an address that no attempt would be made at, with a word for its field.
func callbackRule(s settings.Settings) func(c request.Check) *request.Problem {
	hosts := web.Hosts(s.AllowedCallbacks)
	return func(c request.Check) *request.Problem {
		if c.Notify.CallbackURL == "" || hosts.CheckURL(c.Notify.CallbackURL) == nil {
			return nil
		}
		return &request.Problem{Code: finding.RequestInvalid, Field: "notify.callbackUrl", ID: c.ID,
			Message: "must be an address that ALLOWED_CALLBACKS allows"}
	}
}
