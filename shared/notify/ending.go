package notify

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/logging"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

const (
	// day is how long a notice is tried.
	day = 24 * time.Hour
	// atOnce is when a failure is tried again that came at once; slow ones, and those of which nobody knows whether they
	// had their effect, wait for longer.
	atOnce = time.Second
	quick  = 3 * time.Second
	// troubleMost bounds the text that is remembered, in characters.
	troubleMost = 300
)

// MissingError means that a setting is not there that a way needs.
type MissingError struct{ Setting string }

// Error implements error.
func (e *MissingError) Error() string { return "setting " + e.Setting + " is not set" }

// LookError means that it could not be found out whether an earlier attempt arrived; nothing was sent.
type LookError struct{ Cause error }

// Error implements error.
func (e *LookError) Error() string {
	return "whether an earlier attempt arrived is not known: " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *LookError) Unwrap() error { return e.Cause }

// span is when an attempt was made.
type span struct{ began, ended time.Time }

// after is a notice after an attempt. Only refusals of our own and 410 end it; everything else may be mended within a
// day, by the receiver or by whoever keeps the settings.
func after(n store.Notice, err error, at span) store.Notice {
	n.Attempts++
	n.Trouble, n.NextDue = trouble(err), time.Time{}
	unsure := web.Unsure(err)
	if _, blind := errors.AsType[*LookError](err); blind {
		unsure = true
	}
	if _, missing := errors.AsType[*MissingError](err); missing {
		unsure = n.Unsure
	}
	n.Unsure = unsure
	_, refused := errors.AsType[*web.RefusedError](err)
	switch {
	case err == nil:
		n.State, n.Unsure = store.NoticeDone, false
	case refused:
		n.State = store.NoticeRefused
	case statusOf(err) == http.StatusGone:
		n.State = store.NoticeStopped
	default:
		n.NextDue = next(n, err, at)
		if n.NextDue.After(n.First.Add(day)) {
			n.State = store.NoticeGivenUp
		}
	}
	return n
}

// next is when to try again: what the receiver asked for, else a delay that grows.
func next(n store.Notice, err error, at span) time.Time {
	if status, ok := errors.AsType[*web.StatusError](err); ok {
		if wait, asked := retryAfter(status, at.ended); asked {
			return at.ended.Add(wait)
		}
	}
	fast := at.ended.Sub(at.began) < quick && (n.To != ToTicket || !n.Unsure)
	if n.Attempts == 1 && fast {
		return at.ended.Add(atOnce)
	}
	delay := Delay(n.Attempts)
	// Many that failed together should not come again together.
	return at.ended.Add(delay + rand.N(delay/5))
}

// Delay is how long to wait after so many attempts, counted from 1, at least; it is a fifth longer at most: 30 s, 1, 2,
// 5, 10 and 30 minutes, 1 and 2 hours, then 4 hours each time. The second attempt comes after a second instead, where
// the first failed at once.
func Delay(attempts int) time.Duration {
	growing := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour}
	if attempts > len(growing) {
		return 4 * time.Hour
	}
	return growing[max(attempts, 1)-1]
}

// retryAfter reads the header, which counts for 429 and 503 (RFC 9110, section 10.2.3): seconds, or a date.
func retryAfter(e *web.StatusError, now time.Time) (time.Duration, bool) {
	if e.Status != http.StatusTooManyRequests && e.Status != http.StatusServiceUnavailable {
		return 0, false
	}
	if seconds, err := strconv.ParseInt(e.RetryAfter, 10, 64); err == nil && seconds >= 0 {
		return max(time.Duration(min(seconds, int64(2*day/time.Second)))*time.Second, atOnce), true
	}
	at, err := http.ParseTime(e.RetryAfter)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), atOnce), true
}

func statusOf(err error) int {
	if status, ok := errors.AsType[*web.StatusError](err); ok {
		return status.Status
	}
	return 0
}

// trouble is what is remembered of an error: short, and without secrets.
func trouble(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if fault, ok := errors.AsType[*queue.Fault](err); ok && fault.Condition != "" {
		text = "the queue says " + fault.Condition
	}
	if letters := []rune(logging.Redact(text)); len(letters) > troubleMost {
		return string(letters[:troubleMost]) + "…"
	}
	return logging.Redact(text)
}
