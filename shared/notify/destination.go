package notify

import (
	"encoding/json"

	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// generic is the ticketing system whose way back is callbackUrl.
const generic = "generic"

// destinations are the notices that a report asks for, none of them stored.
func destinations(n Notice) []store.Notice {
	wanted := n.Wanted
	// A request that was refused is not kept whole, and so has no version: what it asked for stands in the message alone.
	var asked struct {
		Version int
		Notify  request.Notify
	}
	if len(n.Report.Request) > 0 && json.Unmarshal(n.Report.Request, &asked) == nil && asked.Version > 0 {
		wanted = asked.Notify
	}
	var all []store.Notice
	add := func(to, target string) {
		all = append(all, store.Notice{CheckID: n.Report.ID, To: to, Target: target, State: store.NoticePending,
			CorrelationID: n.CorrelationID, Changed: n.Changed, Was: n.Was, WasSince: n.WasSince})
	}
	if wanted.ReplyTo != "" {
		add(ToReply, wanted.ReplyTo)
	}
	if wanted.CallbackURL != "" {
		add(ToCallback, wanted.CallbackURL)
	}
	if wanted.Ticket != (request.Ticket{}) && wanted.Ticket.System != generic {
		add(ToTicket, wanted.Ticket.System+"/"+wanted.Ticket.ID)
	}
	return all
}
