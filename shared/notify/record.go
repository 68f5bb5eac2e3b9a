package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/store"
)

// recordWithin is what a process that is going down has left to remember what it just did.
const recordWithin = 15 * time.Second

// record remembers how an attempt ended, and gives the notice as it stands then. The attempt's claim is still on the
// notice that it is given.
func (n *Notifier) record(ctx context.Context, ended store.Notice) (store.Notice, error) {
	var stands store.Notice
	write := func(ctx context.Context) error {
		var err error
		stands, err = n.write(ctx, ended)
		return err
	}
	what := "remember the " + ended.To + " of " + ended.CheckID
	err := n.Retry(ctx, what, write)
	if err != nil && ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
		defer cancel()
		err = n.Retry(last, what, write)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.unrecorded[key(ended)] = ended
		return ended, fmt.Errorf("remember what was told of %s: %w", ended.CheckID, err)
	}
	delete(n.unrecorded, key(ended))
	return stands, nil
}

// write withdraws the claim together with what came of it. Where somebody else took over meanwhile, what stands is
// theirs.
func (n *Notifier) write(ctx context.Context, ended store.Notice) (store.Notice, error) {
	claim := ended.Claim
	for range contests {
		free := ended
		free.Claim, free.ClaimedUntil = "", time.Time{}
		written, mine, err := n.Memory.ChangeNotice(ctx, free)
		if err != nil || mine {
			return written, err
		}
		there, err := n.reread(ctx, ended)
		if err != nil || there.Claim != claim {
			return there, err
		}
		ended.ETag = there.ETag
	}
	return ended, nil
}

// settle writes what could not be remembered when it happened.
func (n *Notifier) settle(ctx context.Context, notice store.Notice) (store.Notice, error) {
	n.mu.Lock()
	ended, waiting := n.unrecorded[key(notice)]
	if waiting && ended.Claim != notice.Claim {
		delete(n.unrecorded, key(notice))
		waiting = false
	}
	n.mu.Unlock()
	if !waiting {
		return notice, nil
	}
	ended.ETag = notice.ETag
	return n.record(ctx, ended)
}

func key(n store.Notice) string { return n.CheckID + "/" + n.To }

// log writes one line for each attempt, without an address's path and query.
func (n *Notifier) log(ctx context.Context, ended store.Notice, err error, took time.Duration) {
	attrs := []any{"check", ended.CheckID, "to", ended.To, "target", target(ended), "attempt", ended.Attempts,
		"state", string(ended.State), "ms", took.Milliseconds()}
	if status := statusOf(err); status != 0 {
		attrs = append(attrs, "status", status)
	}
	if err != nil {
		attrs = append(attrs, "trouble", ended.Trouble)
	}
	if !ended.NextDue.IsZero() && !ended.Final() {
		attrs = append(attrs, "next", ended.NextDue)
	}
	level := slog.LevelInfo
	if ended.State != store.NoticeDone {
		level = slog.LevelWarn
	}
	n.Log.Log(ctx, level, "notification", attrs...)
}

// target is what may be shown of a target: of an address the host alone.
func target(n store.Notice) string {
	if n.To != ToCallback {
		return n.Target
	}
	at, err := url.Parse(n.Target)
	if err != nil {
		return ""
	}
	return strings.ToLower(at.Host)
}
