package runcheck

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// What telemetry is told: how long a message lay, and what is put back or given up, by its kind.
func TestWhatIsCounted(t *testing.T) {
	t.Parallel()
	queued := `"EnqueuedTimeUtc":"2026-11-22T06:58:30"`
	for name, test := range map[string]struct {
		failWith error
		metadata string
		age      time.Duration
		kinds    []string
	}{
		"well":            {nil, "{" + queued + "}", 90 * time.Second, nil},
		"no word of when": {nil, "{}", -1, nil},
		"a table away":    {errTable, "{" + queued + "}", 90 * time.Second, []string{"put_back"}},
		"no slot":         {errors.Join(errBusy), "{" + queued + "}", 90 * time.Second, []string{"busy"}},
		"for the last time": {errAway, `{"ApplicationProperties":{"pgpreflight-attempt":"3"},` + queued + "}", 90 * time.Second,
			[]string{"given_up"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakes{failAt: "run", failWith: test.failWith}
			h, age, kinds := f.handler(), time.Duration(-1), []string(nil)
			h.Waited = func(_ context.Context, waited time.Duration) { age = waited }
			h.Retry.Count = func(_ context.Context, kind string) { kinds = append(kinds, kind) }
			if _, err := h.Run(t.Context(), message(t, good, test.metadata)); err != nil {
				t.Fatal(err)
			}
			if age != test.age || !slices.Equal(kinds, test.kinds) {
				t.Errorf("it lay %s, counted %q", age, kinds)
			}
		})
	}
}
