package notify

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	// attemptWithin bounds one attempt; lease is longer by what it takes to remember how it ended.
	attemptWithin = 20 * time.Second
	lease         = 45 * time.Second
	// waitMost is the longest delay that is waited for on the spot, attemptsMost how often at most.
	waitMost     = 3 * time.Second
	attemptsMost = 3
	// afterLease is when somebody else's attempt is looked after that never ended.
	afterLease = time.Second
	// contests bounds how often a claim is tried against other writers.
	contests = 5
)

// tell attempts one notice, again soon where that may help, and gives the time at which to go on; zero where nothing is
// left to do.
func (n *Notifier) tell(ctx context.Context, notice store.Notice, told Message) (time.Time, error) {
	for attempt := 1; ; attempt++ {
		claimed, due, err := n.claim(ctx, notice)
		if err != nil || claimed.Final() {
			return time.Time{}, err
		}
		if !due.IsZero() {
			wait := due.Sub(n.Now())
			if attempt > attemptsMost || wait > waitMost || !pause(ctx, wait) {
				return due, nil
			}
			notice = claimed
			continue
		}
		if notice, err = n.attempt(ctx, claimed, told); err != nil || notice.Final() {
			return time.Time{}, err
		}
	}
}

// claim takes a notice for one attempt. A time instead of that means that it is not to be tried before.
func (n *Notifier) claim(ctx context.Context, notice store.Notice) (store.Notice, time.Time, error) {
	for range contests {
		var err error
		if notice, err = n.settle(ctx, notice); err != nil || notice.Final() {
			return notice, time.Time{}, err
		}
		now := n.Now()
		switch {
		case notice.Claim != "" && notice.ClaimedUntil.After(now):
			return notice, notice.ClaimedUntil.Add(afterLease), nil
		case notice.NextDue.After(now):
			return notice, notice.NextDue, nil
		}
		claimed, mine, err := n.take(ctx, notice)
		if err != nil || mine {
			return claimed, time.Time{}, err
		}
		notice = claimed
	}
	return notice, n.Now().Add(lease), nil
}

// take writes a claim, or, where the time is too short for an attempt, the wish for one. Where another writer was faster
// it gives what that one wrote, and false.
func (n *Notifier) take(ctx context.Context, notice store.Notice) (store.Notice, bool, error) {
	now := n.Now()
	// A claim that nobody withdrew is an attempt of which nobody knows how far it came.
	notice.Unsure = notice.Unsure || notice.Claim != ""
	mark := rand.Text()
	notice.Claim, notice.ClaimedUntil = mark, now.Add(lease)
	if notice.First.IsZero() {
		notice.First = now
	}
	late := short(ctx)
	if late {
		notice.Claim, notice.ClaimedUntil, notice.NextDue = "", time.Time{}, now.Add(waitMost+time.Second)
	}
	written, mine := notice, false
	err := n.Retry(ctx, "claim the "+notice.To+" of "+notice.CheckID, func(ctx context.Context) error {
		var err error
		if notice.ETag == "" {
			written, mine, err = n.Memory.AddNotice(ctx, notice)
		} else {
			written, mine, err = n.Memory.ChangeNotice(ctx, notice)
		}
		return err
	})
	if err != nil || mine {
		return written, mine && !late, err
	}
	there, err := n.reread(ctx, notice)
	// The answer to our own write may have got lost, and the write was then repeated in vain.
	return there, err == nil && !late && there.Claim == mark, err
}

// reread gives the notice as it stands. One that is not there was removed by hand, and is as it was meant to be.
func (n *Notifier) reread(ctx context.Context, notice store.Notice) (store.Notice, error) {
	known, err := n.known(ctx, notice.CheckID)
	if err != nil {
		return notice, err
	}
	for _, k := range known {
		if k.To == notice.To {
			return k, nil
		}
	}
	notice.ETag, notice.Claim, notice.ClaimedUntil = "", "", time.Time{}
	return notice, nil
}

// attempt sends once and remembers how that ended.
func (n *Notifier) attempt(ctx context.Context, claimed store.Notice, told Message) (store.Notice, error) {
	told.Notice, told.Now = claimed, n.Now()
	sending, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	var err error = &web.RefusedError{Reason: "there is no way to tell by " + claimed.To}
	if sender := n.Senders[claimed.To]; sender != nil {
		err = sender.Send(sending, told)
	}
	ended := after(claimed, err, span{began: told.Now, ended: n.Now()})
	n.log(ctx, ended, err, n.Now().Sub(told.Now))
	if n.Told != nil {
		n.Told(ctx, ended.To, string(ended.State))
	}
	return n.record(ctx, ended)
}

// short tells that an attempt would not end within the context.
func short(ctx context.Context) bool {
	end, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && time.Until(end) < attemptWithin+5*time.Second
}

func pause(ctx context.Context, delay time.Duration) bool {
	if short(ctx) {
		return false
	}
	timer := time.NewTimer(max(delay, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
