package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
)

const (
	requestCount = 2000
	// sentOver is how long the requests take to come in, and things to go wrong.
	sentOver = 45 * time.Second
	// settledWithin is how long the last report may take after that. What was put back comes again after 30 s; whoever
	// was being told when the handler was killed is told again after 46 s. The rest is for slow machines with other work:
	// how fast it goes is not asked here.
	settledWithin = 20 * time.Minute
)

func setting(t *testing.T, name string, preset int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

func TestNothingIsLostOrDoubled(t *testing.T) {
	seed, count := setting(t, "CHAOS_SEED", 1), setting(t, "CHAOS_REQUESTS", requestCount)
	waiting := startWaiting(t)
	w := world{port: startServer(t), deaf: deafPort(t), callback: waiting.CallbackURL()}
	settings := map[string]string{"ALLOWED_TARGETS": "127.0.0.1/32", "ALLOWED_PORTS": "1-65535",
		"MIGRATOR_PASSWORD": password, "MAX_REQUESTS_PER_MINUTE": "1000000"}
	maps.Copy(settings, waiting.Settings())
	p := startPlatform(t, settings)
	requests := plan(rand.New(rand.NewPCG(uint64(seed), 1)), count, sentOver, w)
	s, started := newSenders(t, p), time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), sentOver+settledWithin)
	defer cancel()

	taken := make(chan error, 1)
	go func() { taken <- s.run(ctx, requests) }()
	struck, err := p.strike(ctx, rand.New(rand.NewPCG(uint64(seed), 2)), sentOver)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	allSent := time.Since(started)
	p.settle(ctx, t, requests)
	r := p.result(t, requests)
	told := audience{waiting: waiting, replies: p.readReplies(t), remembered: r.callbacks, struck: struck}.hold(t, requests, r)
	t.Logf("seed %d; sent in %s, settled after %s; %s", seed, allSent.Round(time.Second),
		time.Since(started).Round(time.Second), list(tally(struck, func(i incident) string { return i.name })))
	t.Logf("requests by kind: %s; by way: %s; again: %s", list(tally(requests, func(p planned) kind { return p.kind })),
		list(tally(requests, func(p planned) way { return p.way })), list(tally(requests, func(p planned) again { return p.again })))
	t.Logf("verdicts: %s", list(r.verdicts))
	line := fmt.Sprintf("chaos | requests %d | sent twice %d | sends that failed %d | handler killed %d | hosts %d | "+
		"reports %d | lost %d | doubled %d | %s", len(requests), s.duplicates.Load(), s.failed.Load(),
		tally(struck, func(i incident) string { return i.name })[handlerKilled], p.started(), len(r.reports), len(r.lost),
		len(r.doubled), told)
	fmt.Println(line)
	t.Log(line)
}

// deafPort is that of a listener that accepts nobody: the system answers the handshake, and that is all.
func deafPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// settle waits until every request has its report and the queue is empty. It goes on at the limit: what is missing then
// is what the test is about.
func (p *platform) settle(ctx context.Context, t *testing.T, requests []planned) {
	t.Helper()
	read, err := openTables(p.stack.Tables.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]servicebus.Depth{}
	for sleep(ctx, time.Second) {
		if left = p.depths(ctx, t); left[stack.QueueName] != (servicebus.Depth{}) {
			continue // To read the tables meanwhile would only keep them busy.
		}
		if reports, err := read.reports(ctx); err == nil && len(reports) >= len(requests) {
			return
		}
	}
	t.Errorf("not settled: queues %+v", left)
}

func (p *platform) depths(ctx context.Context, t *testing.T) map[string]servicebus.Depth {
	t.Helper()
	var depths map[string]servicebus.Depth
	err := insist(context.WithoutCancel(ctx), func(ctx context.Context) error {
		var err error
		depths, err = p.stack.Bus.Depths(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return depths
}

// result is what became of the requests.
type result struct {
	// reports are the rows, by check id.
	reports map[string]row
	// callbacks are the rows that remember who was told.
	callbacks     map[string]row
	lost, doubled []string
	verdicts      map[string]int
}

// result reads every table and holds it against the plan.
func (p *platform) result(t *testing.T, requests []planned) result {
	t.Helper()
	ctx, cancel := within()
	defer cancel()
	read, err := openTables(p.stack.Tables.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	reports, err := read.reports(ctx)
	if err != nil {
		t.Fatal(err)
	}
	callbacks, err := read.checks(ctx, "notice-callback")
	if err != nil {
		t.Fatal(err)
	}
	r := result{reports: reports, callbacks: callbacks, verdicts: map[string]int{}}
	expected := map[string]bool{}
	for _, one := range requests {
		expected[one.id] = true
		row, found := reports[one.id]
		if !found {
			r.lost = append(r.lost, one.id)
			t.Errorf("%s (%s by %s, %s) has no report", one.id, one.kind, one.way, one.again)
			continue
		}
		r.verdicts[string(one.kind)+" "+row.Verdict]++
		if !fits(one.kind, row.Verdict) {
			t.Errorf("%s (%s by %s): verdict %s", one.id, one.kind, one.way, row.Verdict)
		}
	}
	for id := range reports {
		if !expected[id] {
			r.doubled = append(r.doubled, id)
			t.Errorf("there is a report %s, which nobody asked for", id)
		}
	}
	r.doubled = append(r.doubled, followers(ctx, t, read, reports)...)
	return r
}

// fits tells verdicts that cannot be. A busy machine may well find no time for a healthy server.
func fits(k kind, verdict string) bool {
	switch k {
	case bad:
		return verdict == "rejected"
	case healthy:
		return verdict != "rejected" && verdict != "unsupported"
	}
	return verdict == "not_ready" || verdict == "inconclusive"
}

// followers holds the tables that follow the reports against them: one row each, no more and no fewer.
func followers(ctx context.Context, t *testing.T, read tables, reports map[string]row) []string {
	t.Helper()
	findings, err := read.findings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	recent, err := read.count(ctx, "Recent")
	if err != nil {
		t.Fatal(err)
	}
	history, err := read.count(ctx, "History")
	if err != nil {
		t.Fatal(err)
	}
	var doubled []string
	for id, r := range reports {
		ofRoute := 0
		if r.Route != "" {
			ofRoute = 1
		}
		if recent[id] != 1 || history[id] != ofRoute || findings[id] != r.Findings {
			t.Errorf("%s: %d rows in Recent, %d in History (route %q), %d findings of %d", id, recent[id], history[id], r.Route,
				findings[id], r.Findings)
		}
		if recent[id] > 1 || history[id] > 1 {
			doubled = append(doubled, id)
		}
	}
	return doubled
}

func tally[E any, T ~string](all []E, of func(E) T) map[string]int {
	counted := map[string]int{}
	for _, p := range all {
		if name := string(of(p)); name != "" {
			counted[name]++
		}
	}
	return counted
}

func list(counted map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counted[name]))
	}
	return strings.Join(parts, ", ")
}
