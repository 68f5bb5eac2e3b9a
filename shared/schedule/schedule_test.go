package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDelaysGrowAndLastForHours(t *testing.T) {
	t.Parallel()
	var total, before time.Duration
	attempt := 1
	for ; ; attempt++ {
		delay, more := Delay(attempt)
		if !more {
			break
		}
		if delay < before {
			t.Errorf("attempt %d: %s after %s", attempt, delay, before)
		}
		total, before = total+delay, delay
	}
	if total < 6*time.Hour || total > 7*time.Hour || attempt != 18 {
		t.Errorf("%d attempts in %s", attempt-1, total)
	}
	if first, more := Delay(-3); first != 30*time.Second || !more {
		t.Errorf("a strange count: %s, %v", first, more)
	}
	if _, more := Delay(1 << 30); more {
		t.Error("a forged count lives on")
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		at, claimed time.Duration // after now
		every       time.Duration
		want        bool
	}{
		"past":                          {-time.Second, -time.Hour, time.Hour, true},
		"long past":                     {-time.Hour, -time.Hour, time.Minute, true},
		"ahead":                         {31 * time.Second, -time.Hour, time.Hour, false},
		"just ahead":                    {30 * time.Second, -time.Hour, time.Hour, true},
		"just ahead, of a minute":       {7 * time.Second, -time.Hour, time.Minute, false},
		"claimed":                       {-time.Second, time.Second, time.Hour, false},
		"claimed by a timer that died":  {-time.Second, 0, time.Hour, true},
		"a claim does not make it due":  {time.Hour, -time.Second, time.Hour, false},
		"never checked, without a slot": {-24 * 365 * time.Hour, -time.Hour, time.Hour, true},
	}
	for name, test := range tests {
		s := Slot{Route: "r", Every: test.every, At: seven.Add(test.at), ClaimedUntil: seven.Add(test.claimed)}
		if got := s.Due(seven); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !(Slot{Every: time.Hour}).Due(seven) {
		t.Error("a route without a slot is not due")
	}
}

func TestNextSlot(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{time.Minute, 5 * time.Minute, 7 * time.Minute, 24 * time.Hour} {
		phases := map[int64]int{}
		for i := range 200 {
			s := Slot{Route: fmt.Sprintf("route-%d", i), Every: every, At: seven.Add(-100 * every)}
			next := s.Next(seven)
			if wait := next.Sub(seven); wait < every/2 || wait >= every/2+every {
				t.Fatalf("%s every %s: next after %s", s.Route, every, wait)
			}
			phases[next.Unix()*10/int64(every/time.Second)%10]++
			// From then on it keeps to its interval, also where the timer comes late.
			s.At = next
			if second := s.Next(next.Add(every / 3)); second.Sub(next) != every {
				t.Errorf("%s every %s: %s after the slot before", s.Route, every, second.Sub(next))
			}
		}
		if len(phases) < 8 {
			t.Errorf("every %s: 200 routes in %d tenths of the interval", every, len(phases))
		}
	}
}

func TestCheckID(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	long := strings.Repeat("x", 63)
	seen := map[string]bool{}
	for _, route := range []string{"orders-db", long[:47], long[:48], long + "a", long + "b"} {
		id := Slot{Route: route, At: seven}.CheckID()
		if !valid.MatchString(id) || seen[id] {
			t.Errorf("%s: id %s", route, id)
		}
		seen[id] = true
	}
	if id := CheckID("orders-db", seven.In(time.FixedZone("", 3600))); id != "orders-db.20261122T070000Z" {
		t.Errorf("id %s", id)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		routes       int
		every        time.Duration
		gap, longest time.Duration
	}{
		{1, time.Hour, 0, 0},
		{3, time.Hour, 2 * time.Second, 4 * time.Second},
		{1000, time.Hour, 300 * time.Millisecond, 5 * time.Minute},
		{100, time.Minute, 300 * time.Millisecond, 30 * time.Second},
	} {
		slots := make([]Slot, test.routes)
		for i := range slots {
			slots[i] = Slot{Route: fmt.Sprintf("route-%04d", i), Every: test.every}
		}
		starts := Spread(slots, seven)
		if again := Spread(slots, seven); !slices.Equal(starts, again) {
			t.Error("a second time it is spread otherwise")
		}
		sorted := slices.SortedFunc(slices.Values(starts), time.Time.Compare)
		if first, last := sorted[0], sorted[len(sorted)-1]; !first.Equal(seven) || last.Sub(seven) > test.longest {
			t.Errorf("%d routes start from %s to %s", test.routes, first, last)
		}
		for i := 1; i < len(sorted); i++ {
			if gap := sorted[i].Sub(sorted[i-1]); gap != test.gap {
				t.Fatalf("%d routes: gap %s", test.routes, gap)
			}
		}
	}
	if len(Spread(nil, seven)) != 0 {
		t.Error("nothing was spread")
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	claim := func(text string) Claim {
		requester, route, _ := strings.Cut(text, "/")
		return Claim{Requester: requester, Route: route, Sockets: 4}
	}
	tests := map[string]struct {
		running, waiting string
		room             Room
		want             int
	}{
		"nobody waits":                        {"", "", Room{2, 100}, -1},
		"idle":                                {"", "a/r b/r", Room{2, 100}, 0},
		"full":                                {"a/r a/r", "b/r", Room{2, 100}, -1},
		"who has nothing running":             {"a/r a/r", "a/s a/r b/r", Room{4, 100}, 2},
		"then the route with nothing":         {"a/r a/r", "a/r a/s", Room{4, 100}, 1},
		"then the first":                      {"a/r b/r", "b/r a/r", Room{4, 100}, 0},
		"requesters without a name are one":   {"/r /s", "/t b/r", Room{4, 100}, 1},
		"one hog and one route":               {"hog/1 hog/2 hog/3", "hog/4 hog/5 late/r", Room{4, 100}, 2},
		"no sockets left":                     {"a/r a/r", "b/r", Room{9, 11}, -1},
		"just enough sockets":                 {"a/r a/r", "b/r", Room{9, 12}, 0},
		"never too large for an idle process": {"", "a/r", Room{9, 1}, 0},
	}
	for name, test := range tests {
		var running Load
		for _, text := range strings.Fields(test.running) {
			running.Add(claim(text))
		}
		var waiting []Claim
		for _, text := range strings.Fields(test.waiting) {
			waiting = append(waiting, claim(text))
		}
		if got := Pick(waiting, running, test.room); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
		for _, text := range strings.Fields(test.running) {
			running.Remove(claim(text))
		}
		if running.Checks() != 0 || len(running.requesters)+len(running.route) != 0 {
			t.Errorf("%s: something is left: %+v", name, running)
		}
	}
}
