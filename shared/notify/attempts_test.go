package notify

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// Every attempt is told of with what stands then, to whoever counts them.
func TestAttemptsAreToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := asking(everybody())
		n := f.notifier()
		var mu sync.Mutex
		var told []string
		n.Told = func(_ context.Context, way, state string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, way+" "+state)
		}
		for range 2 {
			if err := n.Notify(t.Context(), f.notice()); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(told)
		if want := []string{"callback done", "reply done", "ticket done"}; !slices.Equal(told, want) {
			t.Errorf("%q", told)
		}
	})
}
