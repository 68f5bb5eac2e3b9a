package main

import (
	"context"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/limit"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/handlers/tickets"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// fromTickets is the function that ticketing systems call.
func fromTickets(s settings.Settings, p parts, explained words,
	report func(context.Context, string, error)) server.HTTPFunction {
	return server.HTTPFunction{Name: tickets.Name, Route: tickets.Route, Methods: tickets.Methods(), Limit: tickets.Limit,
		Handler: tickets.Handler{
			Store: p.store, Queue: p.queue, MissingStore: s.Tables.Names(), MissingQueue: s.Queue.Names(),
			Secrets: s.TicketSecrets, Fields: s.TicketFields, BaseURL: s.PublicBaseURL, Links: links(s), Words: explained,
			Quota: limit.New(s.MaxRequestsPerMinute, time.Now).TakeOf, Now: time.Now, Report: report,
			Rule: callbackRule(s), Comments: refusals{ticketWriter(s)},
		}}
}
