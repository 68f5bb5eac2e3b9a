package trouble

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	away := &store.Fault{Op: "save report"}
	for name, test := range map[string]struct {
		trouble error
		lasting time.Duration
		wantErr bool
		tries   func(int) bool
	}{
		"none":                       {away, 0, false, func(n int) bool { return n == 1 }},
		"ten seconds":                {away, 10 * time.Second, false, func(n int) bool { return n > 4 && n < 12 }},
		"too long":                   {away, time.Hour, true, func(n int) bool { return n > 6 && n < 20 }},
		"what does not pass":         {&store.Fault{Status: 403}, time.Hour, true, func(n int) bool { return n == 1 }},
		"a busy table":               {&store.Fault{Status: 503}, time.Second, false, func(n int) bool { return n > 1 }},
		"our own mistake":            {errors.New("too long"), time.Hour, true, func(n int) bool { return n == 1 }},
		"a queue without an answer":  {&queue.Fault{}, time.Second, false, func(n int) bool { return n > 1 }},
		"a queue that is not there":  {&queue.Fault{Condition: "amqp:not-found"}, time.Hour, true, func(n int) bool { return n == 1 }},
		"a queue that refuses us":    {&queue.Fault{Condition: "amqp:unauthorized-access"}, time.Hour, true, func(n int) bool { return n == 1 }},
		"trouble wrapped in another": {fmt.Errorf("x: %w", away), time.Second, false, func(n int) bool { return n > 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				started, tries, logged, counted := time.Now(), 0, 0, 0
				r := Retry{Report: func(context.Context, string, error) { logged++ }, Count: func(_ context.Context, kind string) {
					if kind == AgainCall {
						counted++
					}
				}}
				err := r.Do(ctx, "try", func(context.Context) error {
					if tries++; time.Since(started) >= test.lasting {
						return nil
					}
					return test.trouble
				})
				if (err != nil) != test.wantErr || err != nil && !errors.Is(err, test.trouble) {
					t.Errorf("error %v", err)
				}
				if !test.tries(tries) || logged != tries-1 || counted != logged || time.Since(started) > 30*time.Second {
					t.Errorf("%d tries, %d logged, in %s", tries, logged, time.Since(started))
				}
			})
		})
	}
}

func TestOfService(t *testing.T) {
	t.Parallel()
	for _, err := range []error{&store.Fault{Status: 403}, &queue.Fault{}, &MissingError{}, context.DeadlineExceeded} {
		if !OfService(fmt.Errorf("x: %w", err)) {
			t.Errorf("%T is taken for our own mistake", err)
		}
	}
	if OfService(errors.New("panic")) || OfService(context.Canceled) {
		t.Error("our own mistake is taken for an outage")
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	ctx, cancel := Within(t.Context(), time.Second)
	defer cancel()
	if _, limited := ctx.Deadline(); limited {
		t.Error("a limit out of nothing")
	}
	end := time.Now().Add(time.Hour)
	outer, stop := context.WithDeadline(t.Context(), end)
	defer stop()
	inner, stopInner := Within(outer, time.Minute)
	defer stopInner()
	if got, _ := inner.Deadline(); !got.Equal(end.Add(-time.Minute)) {
		t.Errorf("ends at %s", got)
	}
}
