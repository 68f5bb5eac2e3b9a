package notify

import (
	"context"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/notify/comment"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
)

// Tickets writes comments.
type Tickets struct {
	// Systems are those whose API is known. A system without a token is nil.
	Systems map[string]comment.System
	// Link is the link to a report; empty where there is no address that people could follow.
	Link func(m Message) string
	// Missing names, by system, the setting that is missing for it; "" where no system of the name is known at all.
	Missing func(system string) string
}

// Send implements Sender. A comment is never written twice: where an earlier attempt may have arrived, the ticket is
// read first, and where that cannot be done nothing is written.
func (t Tickets) Send(ctx context.Context, m Message) error {
	name, id, _ := strings.Cut(m.Target, "/")
	system := t.Systems[name]
	if system == nil {
		if missing := t.Missing(name); missing != "" {
			return &MissingError{Setting: missing}
		}
		return &web.RefusedError{Reason: "no ticketing system of this name can be told"}
	}
	mark := comment.Mark(m.CheckID)
	if m.Unsure {
		there, err := system.Has(ctx, id, mark)
		if err != nil {
			return &LookError{Cause: err}
		}
		if there {
			return nil
		}
	}
	return system.Add(ctx, id, text(m, t.Link(m), system.Words()))
}

// text is the comment: verdict, who must act with which command, and the link; without a link all there is to say.
func text(m Message, link string, w comment.Words) string {
	var b strings.Builder
	if link == "" {
		b.WriteString(w.Long(m.Report, ""))
	} else {
		b.WriteString(w.Short(m.Report, link))
	}
	if m.Changed {
		b.WriteString(w.Plain(change(m)))
	}
	b.WriteString(w.Plain(comment.Mark(m.CheckID)))
	return b.String()
}

// change says what was said of the route before.
func change(m Message) string {
	about := "Route " + m.Report.Route
	if m.Was == "" {
		return about + " is told of for the first time."
	}
	return about + " was " + m.Was.Name() + " since " + m.WasSince.UTC().Format("2006-01-02 15:04 UTC") + "; now it is " +
		m.Report.Verdict.Name() + "."
}

// Comment writes a text of one's own into a ticket, once, with the mark of an id: for what is no report. It looks for an
// earlier one first, so that it may be repeated.
func (t Tickets) Comment(ctx context.Context, to Ticket, text string) error {
	system := t.Systems[to.System]
	if system == nil {
		return &MissingError{Setting: t.Missing(to.System)}
	}
	mark := comment.Mark(to.Mark)
	there, err := system.Has(ctx, to.ID, mark)
	if err != nil || there {
		return err
	}
	return system.Add(ctx, to.ID, text+system.Words().Plain(mark))
}

// Ticket is where a text goes. Mark is the id by which it is found again.
type Ticket struct{ System, ID, Mark string }
