package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/infra/local/host"
	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// batch is how many requests are sent in one call.
const batch = 200

// drained is what draining the queue took.
type drained struct {
	checks int
	wall   time.Duration
	// waited are the times from the queue to the check's start, checked those of the checks, sorted, in seconds.
	waited, checked []float64
	used            usage
}

// fill puts every request into the queue and remembers when.
func (g *ground) fill(ctx context.Context, o options) (enqueued map[string]time.Time, err error) {
	q, err := queue.Open(queue.Config{ConnectionString: secret.New(g.stack.Bus.ConnectionString()), Queue: stack.QueueName})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.Close(ctx)) }()
	enqueued = map[string]time.Time{}
	for from := 0; from < o.checks; from += batch {
		var messages []queue.Message
		for number := from; number < min(from+batch, o.checks); number++ {
			c := g.place.Request(number)
			c.TimeoutSeconds = 120
			messages = append(messages, queue.Message{ID: c.ID, Body: c.JSON()})
		}
		if err := q.Send(ctx, messages...); err != nil {
			return nil, err
		}
		for _, m := range messages {
			enqueued[m.ID] = time.Now()
		}
	}
	return enqueued, nil
}

// drain starts the host on a full queue and waits until the queue is empty.
func (g *ground) drain(ctx context.Context, o options) (drained, error) {
	enqueued, err := g.fill(ctx, o)
	if err != nil {
		return drained{}, err
	}
	before, started := g.used(), time.Now()
	h, err := host.Start(ctx, host.Options{Root: o.root, Handler: filepath.Join(o.root, "bin", "handler"),
		Settings: g.stack.Settings(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return drained{}, err
	}
	err = g.empty(ctx, o.checks)
	d := drained{checks: o.checks, wall: time.Since(started), used: g.used().since(before)}
	if err := errors.Join(err, h.Stop()); err != nil {
		return drained{}, err
	}
	return d, g.read(ctx, enqueued, &d)
}

// empty waits until no message is left, and tells how far it has got.
func (g *ground) empty(ctx context.Context, checks int) error {
	var shown servicebus.Depth
	for {
		depths, err := g.stack.Bus.Depths(ctx)
		if err != nil {
			return err
		}
		d := depths[stack.QueueName]
		if d.DeadLetter > 0 {
			return fmt.Errorf("%d messages were given up", d.DeadLetter)
		}
		left := d.Active + d.Locked + d.Scheduled + d.Deferred
		if d != shown {
			fmt.Fprintf(os.Stderr, "\r%d of %d left \033[K", left, checks)
			shown = d
		}
		if d == (servicebus.Depth{}) {
			fmt.Fprint(os.Stderr, "\r\033[K")
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// read takes the times from the reports' rows. A drain that left one out, or one that is not ready, is none.
func (g *ground) read(ctx context.Context, enqueued map[string]time.Time, d *drained) error {
	service, err := aztables.NewServiceClientFromConnectionString(g.stack.Tables.ConnectionString(), nil)
	if err != nil {
		return err
	}
	filter, columns := "RowKey eq 'report'", "PartitionKey,Verdict,StartedAt,ElapsedMs"
	pages := service.NewClient("Checks").NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Select: &columns})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, raw := range page.Entities {
			var row struct {
				PartitionKey, Verdict string
				StartedAt             time.Time
				ElapsedMs             float64
			}
			if err := json.Unmarshal(raw, &row); err != nil {
				return err
			}
			// A busy server may earn a warning.
			if !strings.HasPrefix(row.Verdict, "ready") {
				return fmt.Errorf("%s is %s", row.PartitionKey, row.Verdict)
			}
			d.waited = append(d.waited, row.StartedAt.Sub(enqueued[row.PartitionKey]).Seconds())
			d.checked = append(d.checked, row.ElapsedMs/1000)
		}
	}
	if len(d.waited) != d.checks {
		return fmt.Errorf("%d reports of %d checks", len(d.waited), d.checks)
	}
	slices.Sort(d.waited)
	slices.Sort(d.checked)
	return nil
}

// mostAlone checks are enough to know what one takes. They go in smaller company than those from the queue: on a slow
// machine nobody but the handler keeps a server's backlog shorter than a check's patience.
const (
	mostAlone   = 2000
	aloneAtOnce = 32
)

// alone is what the client program tells of checks that it made itself, in one process with nothing around them.
type alone struct {
	Pairs     int            `json:"pairs"`
	WallMs    float64        `json:"wallMs"`
	CPUMs     float64        `json:"cpuMs"`
	Verdicts  map[string]int `json:"verdicts"`
	databases float64
}

func (g *ground) bare(ctx context.Context, o options, mode string) (alone, error) {
	before := g.used()
	command := exec.CommandContext(ctx, g.client, "-place", g.placeFile, "-pairs", fmt.Sprint(min(o.checks, mostAlone)), "-at-once",
		fmt.Sprint(min(o.atOnce, aloneAtOnce)), "-timeout", "120", mode)
	var output, trouble bytes.Buffer
	command.Stdout, command.Stderr = &output, &trouble
	command.Env = append(os.Environ(), "BENCH_TABLES="+g.stack.Tables.ConnectionString())
	if err := command.Run(); err != nil {
		return alone{}, fmt.Errorf("client %s: %w\n%s", mode, err, trouble.Bytes())
	}
	var a alone
	if err := json.Unmarshal(output.Bytes(), &a); err != nil {
		return alone{}, err
	}
	if a.Verdicts["ready"]+a.Verdicts["ready_with_warnings"] != a.Pairs {
		return alone{}, fmt.Errorf("client %s: verdicts %v", mode, a.Verdicts)
	}
	a.databases = g.used().since(before).databases
	return a, nil
}

// own is the processor time of this process, in milliseconds.
func own() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// print tells how the queue was drained and who used the processor meanwhile.
func (d drained) print(o options) {
	at := func(sorted []float64, share int) float64 { return sorted[(len(sorted)-1)*share/100] }
	n, total := float64(d.checks), d.used.total()
	var b strings.Builder
	fmt.Fprintf(&b, "## Queue to report: %d checks of a healthy pair waiting, one instance, %d at once\n\n", d.checks, o.atOnce)
	b.WriteString("| checks/s | drained in s | waited in the queue: median s | p99 s | one check: median ms | p99 ms |\n|--|--|--|--|--|--|\n")
	fmt.Fprintf(&b, "| %.1f | %.1f | %.1f | %.1f | %.0f | %.0f |\n\n", n/d.wall.Seconds(), d.wall.Seconds(), at(d.waited, 50),
		at(d.waited, 99), 1000*at(d.checked, 50), 1000*at(d.checked, 99))
	b.WriteString("| who | CPU ms per check | share |\n|--|--|--|\n")
	for _, part := range []struct {
		name string
		ms   float64
	}{{"PostgreSQL, both servers", d.used.databases}, {"handler", d.used.handler}, {"Azurite (stands in for Table storage)", d.used.tables},
		{"broker (stands in for Service Bus)", d.used.broker}, {"host and DNS server (stand-ins, one process)", d.used.host}} {
		fmt.Fprintf(&b, "| %s | %.2f | %.0f %% |\n", part.name, part.ms/n, 100*part.ms/total)
	}
	fmt.Fprintf(&b, "| all | %.2f | 100 %% |\n", total/n)
	fmt.Println(b.String())
}

// beside puts what the handler used beside the same checks made in one process, with nothing around them.
func (d drained) beside(bare, called, stored alone) {
	n := float64(d.checks)
	var b strings.Builder
	b.WriteString("| the same checks | CPU ms per check | beyond the check itself | PostgreSQL ms per check | checks/s |\n|--|--|--|--|--|\n")
	line := func(name string, ms, databases, rate float64) {
		fmt.Fprintf(&b, "| %s | %.2f | %+.2f | %.2f | %.1f |\n", name, ms, ms-bare.perCheck(), databases, rate)
	}
	lone := func(name string, a alone) {
		pairs := float64(a.Pairs)
		line(name, a.perCheck(), a.databases/pairs, 1000*pairs/a.WallMs)
	}
	lone("in one process, with report and rows", bare)
	lone("and the tables' client up to the network", called)
	lone("and every call to the tables, as the function makes them", stored)
	line("handler: invocation, slot, check, tables", d.used.handler/n, d.used.databases/n, n/d.wall.Seconds())
	fmt.Fprintf(&b, "\nThe handler's own part is the last row less the one before: %.2f ms of CPU for a check.\n",
		d.used.handler/n-stored.perCheck())
	fmt.Println(b.String())
}

func (a alone) perCheck() float64 { return a.CPUMs / float64(a.Pairs) }
