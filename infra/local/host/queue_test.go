package host

import (
	"slices"
	"testing"
	"time"
)

func queueApp(t *testing.T, timeout, modes string) *app {
	t.Helper()
	return newApp(t, timeout, modes, map[string]string{"Work": workQueue})
}

func TestMessageIsCompletedOrComesAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"works", "fails", "resets"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			a := queueApp(t, "00:01:00", "")
			a.start(t, nil)
			a.broker.send(text)
			await(t, "completion", func() bool { completed, _ := a.broker.counts(); return completed == 1 })
			want := []string{text + "#1", text + "#2"}
			if text == "works" {
				want = want[:1]
			}
			if got := a.lines(t); !slices.Equal(got, want) {
				t.Errorf("deliveries: got %v, want %v", got, want)
			}
		})
	}
}

// TestRedirect is the case of the answers that depends on host.json: forwarding turns the following of redirects off.
func TestRedirect(t *testing.T) {
	t.Parallel()
	for modes, abandoned := range map[string]int{"": 0, proxying: 1} {
		a := queueApp(t, "00:01:00", modes)
		a.start(t, nil)
		a.broker.send("redirects")
		await(t, "completion", func() bool { completed, _ := a.broker.counts(); return completed == 1 })
		if _, got := a.broker.counts(); got != abandoned {
			t.Errorf("with %q: abandoned %d times, want %d", modes, got, abandoned)
		}
	}
}

func TestKilledHandlerIsReplacedAndTheMessageComesAgain(t *testing.T) {
	t.Parallel()
	a := queueApp(t, "00:01:00", "")
	h := a.start(t, nil)
	a.broker.send("takes long")
	await(t, "the first delivery", func() bool { return len(a.lines(t)) == 1 })
	if err := h.KillHandler(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "completion", func() bool { completed, _ := a.broker.counts(); return completed == 1 })
	if got, want := a.lines(t), []string{"takes long#1", "takes long#2"}; !slices.Equal(got, want) {
		t.Errorf("deliveries: got %v, want %v", got, want)
	}
}

// TestEmptyAnswerTakesTheOthersDown: it hangs until functionTimeout, and then fails every call in flight.
func TestEmptyAnswerTakesTheOthersDown(t *testing.T) {
	t.Parallel()
	a := queueApp(t, "00:00:01", "")
	h := a.start(t, nil)
	before := address(t, h)
	begin := time.Now()
	a.broker.send("answers nothing")
	await(t, "the first delivery", func() bool { return len(a.lines(t)) == 1 })
	time.Sleep(300 * time.Millisecond) // the second call must not reach its own timeout first
	a.broker.send("takes long")
	await(t, "completion of both", func() bool { completed, _ := a.broker.counts(); return completed == 2 })
	if _, abandoned := a.broker.counts(); abandoned != 2 {
		t.Errorf("abandoned %d, want both", abandoned)
	}
	if took := time.Since(begin); took < time.Second {
		t.Errorf("over after %v, before functionTimeout", took)
	}
	if after := address(t, h); after == before {
		t.Error("the handler was not replaced")
	}
	if err := h.Err(); err != nil {
		t.Errorf("a timeout counted as an error of the handler: %v", err)
	}
}

func address(t *testing.T, h *Host) string {
	t.Helper()
	url, err := h.HandlerURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestThirdCrashStopsTheHost(t *testing.T) {
	t.Parallel()
	a := queueApp(t, "00:01:00", "")
	h := a.start(t, nil)
	for range 3 {
		old, err := h.HandlerURL(t.Context())
		if err != nil {
			break // A handler that did not come up, its port taken by somebody else, counted as a crash.
		}
		if err := h.KillHandler(t.Context()); err != nil {
			t.Fatal(err)
		}
		await(t, "another handler, or none", func() bool {
			url, err := h.HandlerURL(t.Context())
			return err != nil || url != old
		})
	}
	select {
	case <-h.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the host still runs")
	}
	if h.Err() == nil || !a.broker.closed {
		t.Errorf("error %v, receiver closed %v", h.Err(), a.broker.closed)
	}
}

func TestStopLetsACallFinish(t *testing.T) {
	t.Parallel()
	a := queueApp(t, "00:01:00", "")
	h := a.start(t, nil)
	a.broker.send("takes a moment")
	await(t, "the delivery", func() bool { return len(a.lines(t)) == 1 })
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if completed, abandoned := a.broker.counts(); completed != 1 || abandoned != 0 {
		t.Errorf("completed %d, abandoned %d", completed, abandoned)
	}
	if err := h.Err(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestStopAbandonsACallThatDoesNotFinish(t *testing.T) {
	t.Parallel()
	a := queueApp(t, "00:01:00", "")
	h := a.start(t, func(o *Options) { o.DrainLimit = 50 * time.Millisecond })
	a.broker.send("takes long")
	await(t, "the delivery", func() bool { return len(a.lines(t)) == 1 })
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if completed, abandoned := a.broker.counts(); completed != 0 || abandoned != 1 {
		t.Errorf("completed %d, abandoned %d", completed, abandoned)
	}
}
