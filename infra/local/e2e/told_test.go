package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/stack"
	"github.com/pgpreflight/pgpreflight/infra/local/tickets"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// untilReminded is longer than a lease, a reminder and the queue's lock together.
const untilReminded = 150 * time.Second

// audience is a bench whose reports are waited for.
func audience(t *testing.T) (*bench, *tickets.Standin) {
	t.Helper()
	waiting, err := tickets.Start(tickets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = waiting.Close() })
	with := waiting.Settings()
	with["PUBLIC_BASE_URL"], with["REPORT_LINK_KEY"] = "https://app.example.com", "a key of links"
	b := start(t, nil, with)
	t.Cleanup(func() {
		for _, planted := range tickets.Secrets() {
			if strings.Contains(b.log.String(), planted) {
				t.Error("a secret stands in the log")
			}
		}
	})
	return b, waiting
}

// patient is a check that has time: what is told of it must not depend on how busy the machine is.
func (b *bench) patient(id string) request.Check {
	c := b.check(id)
	c.TimeoutSeconds = 120
	return c
}

// eventually waits for what others do in their own time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(untilReminded); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

// noticesOf waits until all that is remembered of telling of a check is final.
func noticesOf(t *testing.T, b *bench, id string, count int) map[string]store.Notice {
	t.Helper()
	known := map[string]store.Notice{}
	eventually(t, "to be told of "+id, func() bool {
		all, err := rows(t, b).Notices(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		final := 0
		for _, n := range all {
			known[n.To] = n
			if n.Final() {
				final++
			}
		}
		return final == count
	})
	return known
}

// sendAs puts a message with a correlation id on the queue of check requests.
func sendAs(t *testing.T, b *bench, m queue.Message) {
	t.Helper()
	q, err := queue.Open(queue.Config{ConnectionString: secret.New(b.Bus.ConnectionString()), Queue: stack.QueueName})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close(context.Background()) }()
	if err := q.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// answers receives so many replies.
func answers(t *testing.T, b *bench, count int) []*azservicebus.ReceivedMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), untilReminded)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(b.Bus.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	receiver, err := client.NewReceiverForQueue(replies, &azservicebus.ReceiverOptions{
		ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		t.Fatal(err)
	}
	var got []*azservicebus.ReceivedMessage
	for len(got) < count {
		more, err := receiver.ReceiveMessages(ctx, count-len(got), nil)
		if err != nil {
			t.Fatalf("%d of %d replies: %v", len(got), count, err)
		}
		got = append(got, more...)
	}
	return got
}

func TestEverybodyIsTold(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	c := b.patient("told-1")
	c.Notify = request.Notify{ReplyTo: replies, CallbackURL: waiting.CallbackURL() + "?for=orders",
		Ticket: request.Ticket{System: "jira", ID: "OPS-1"}}
	sendAs(t, b, queue.Message{ID: "m-1", CorrelationID: "order-7", Body: c.JSON()})
	now := b.patient("told-2")
	now.Notify.Ticket = request.Ticket{System: "servicenow", ID: "CHG0030001"}
	b.run(t, now)
	stored := b.await(t, "told-1")
	for to, n := range noticesOf(t, b, "told-1", 3) {
		if n.State != store.NoticeDone || n.Attempts != 1 {
			t.Errorf("%s: %+v", to, n)
		}
	}
	noticesOf(t, b, "told-2", 1)
	reply := answers(t, b, 1)[0]
	var told report.Report
	if err := json.Unmarshal(reply.Body, &told); err != nil || told.ID != "told-1" || told.Verdict != stored.Verdict ||
		reply.MessageID != "told-1" || *reply.CorrelationID != "order-7" || *reply.ContentType != "application/json" {
		t.Errorf("reply %+v, %v", reply, err)
	}
	_, shown, err := b.Get(t.Context(), "/api/checks/told-1")
	if posts := waiting.Deliveries("told-1"); err != nil || len(posts) != 1 || posts[0].Problem != "" ||
		!bytes.Equal(posts[0].Body, shown) || posts[0].Verdict != string(stored.Verdict) {
		t.Errorf("callbacks %+v, %v", posts, err)
	}
	for _, key := range []string{"OPS-1", "CHG0030001"} {
		if all := waiting.Comments(key); len(all) != 1 || !strings.Contains(all[0], "READY") ||
			!strings.Contains(all[0], "https://app.example.com/api/reports/told-") || !strings.Contains(all[0], "&sig=") {
			t.Errorf("comments of %s: %q", key, all)
		}
	}
	// The same check by another message, and what is remembered of it, tell nobody again.
	sendAs(t, b, queue.Message{ID: "m-2", Body: c.JSON()})
	logged(t, b, "check told-1 was finished before")
	if len(waiting.Deliveries("told-1")) != 1 || len(waiting.Comments("OPS-1")) != 1 {
		t.Error("somebody was told again")
	}
	unharmed(t, b)
}

// What cannot be told at first is told by a reminder, without another probe.
func TestReceiversThatFailAtFirst(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	waiting.FailNext(tickets.Callback, 2, tickets.Unavailable(4))
	waiting.FailNext(tickets.Jira, 1, tickets.HalfAnswer().ButDone())
	c := b.patient("failing")
	c.Notify = request.Notify{CallbackURL: waiting.CallbackURL(), Ticket: request.Ticket{System: "jira", ID: "OPS-2"}}
	b.run(t, c)
	known := noticesOf(t, b, "failing", 2)
	if n := known["callback"]; n.State != store.NoticeDone || n.Attempts != 3 {
		t.Errorf("callback: %+v", n)
	}
	if n := known["ticket"]; n.State != store.NoticeDone || n.Attempts != 2 {
		t.Errorf("ticket: %+v", n)
	}
	posts := waiting.Deliveries("failing")
	if len(posts) != 3 || posts[1].At.Sub(posts[0].At) < 4*time.Second || posts[2].At.Sub(posts[1].At) < 4*time.Second {
		t.Errorf("callbacks %+v", posts)
	}
	if all := waiting.Comments("OPS-2"); len(all) != 1 {
		t.Errorf("comments %q", all)
	}
	if got := connections(b.source); got != 1 {
		t.Errorf("%d connections: it was probed again", got)
	}
	unharmed(t, b)
}

// A handler that is killed while it tells leaves a notice that may have arrived. A callback comes again, under the same
// check's id; a comment does not.
func TestHandlerKilledWhileTelling(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	waiting.FailNext(tickets.Callback, 1, tickets.Silent())
	waiting.FailNext(tickets.Jira, 1, tickets.Silent().ButDone())
	c := b.patient("killed-telling")
	c.Notify = request.Notify{CallbackURL: waiting.CallbackURL(), Ticket: request.Ticket{System: "jira", ID: "OPS-3"}}
	b.send(t, c.ID, c.JSON())
	eventually(t, "the first attempts", func() bool {
		return len(waiting.Deliveries(c.ID)) == 1 && len(waiting.Comments("OPS-3")) == 1
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Host.KillHandler(ctx); err != nil {
		t.Fatal(err)
	}
	noticesOf(t, b, c.ID, 2)
	posts := waiting.Deliveries(c.ID)
	if len(posts) != 2 || posts[1].Header.Get("X-Check-Id") != c.ID || posts[1].Status != http.StatusNoContent {
		t.Errorf("callbacks %+v", posts)
	}
	if all := waiting.Comments("OPS-3"); len(all) != 1 {
		t.Errorf("%d comments", len(all))
	}
	if got := connections(b.source); got != 1 {
		t.Errorf("%d connections: it was probed again", got)
	}
}

// A refused request is told the way it asked for; an address that is never allowed is refused at once.
func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	c := b.check("refused")
	c.Notify = request.Notify{ReplyTo: replies, CallbackURL: waiting.CallbackURL()}
	b.send(t, c.ID, []byte(strings.Replace(string(c.JSON()), `"depth":"login"`, `"depth":"deep"`, 1)))
	noticesOf(t, b, c.ID, 2)
	if posts := waiting.Deliveries(c.ID); len(posts) != 1 || posts[0].Verdict != string(report.Rejected) {
		t.Errorf("callbacks %+v", posts)
	}
	if m := answers(t, b, 1)[0]; m.MessageID != c.ID || *m.CorrelationID != c.ID {
		t.Errorf("reply %+v", m)
	}
	bad := b.check("never")
	bad.Notify.CallbackURL = "https://elsewhere.example.com/x"
	response, body := b.post(t, "/api/checks", bytes.NewReader(bad.JSON()))
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "notify.callbackUrl") {
		t.Errorf("status %d: %s", response.StatusCode, body)
	}
	if status := register(t, b, "never", bad); status != http.StatusBadRequest {
		t.Errorf("a route with it: status %d", status)
	}
	// Over the queue it is checked all the same, and nobody is told there.
	elsewhere := b.patient("elsewhere")
	elsewhere.Notify = request.Notify{CallbackURL: "https://elsewhere.example.com/x", ReplyTo: stack.QueueName}
	if r := b.run(t, elsewhere); r.Verdict != report.Ready {
		t.Errorf("verdict %s", r.Verdict)
	}
	for to, n := range noticesOf(t, b, elsewhere.ID, 2) {
		if n.State != store.NoticeRefused || n.Attempts != 1 || n.Trouble == "" {
			t.Errorf("%s: %+v", to, n)
		}
	}
	unharmed(t, b)
}

// A route's change of verdict is told once, with what it was before, and nothing else of it is.
func TestAChangeIsToldOnce(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	c := b.patient("")
	c.Notify = request.Notify{CallbackURL: waiting.CallbackURL(),
		Ticket: request.Ticket{System: "servicenow", ID: "INC0010001"}}
	register(t, b, "changing", c)
	blocked := time.Date(2026, 11, 21, 7, 0, 0, 0, time.UTC)
	err := rows(t, b).ChangeRoute(t.Context(), "changing", func(r store.Route) store.Route {
		r.Watch = schedule.Watch{Said: report.NotReady, SaidCode: finding.TCPTimeout, SaidID: "before", SaidAt: blocked,
			BlockedAt: blocked}
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	fire(t, b, 1)
	first := checked(t, b, "changing", 1)
	noticesOf(t, b, first.LastCheckID, 2)
	late(t, b, "changing")
	fire(t, b, 1)
	second := checked(t, b, "changing", 2)
	if all, err := rows(t, b).Notices(t.Context(), second.LastCheckID); err != nil || len(all) != 0 {
		t.Errorf("told of the second: %+v, %v", all, err)
	}
	posts := waiting.Deliveries(first.LastCheckID)
	if len(posts) != 1 || posts[0].Header.Get("X-Notice") != "change" || posts[0].Verdict != "ready" ||
		len(waiting.Checks()) != 1 {
		t.Errorf("callbacks %+v for %v", posts, waiting.Checks())
	}
	all := waiting.Comments("INC0010001")
	const change = "Route changing was not ready since 2026-11-21 07:00 UTC; now it is ready."
	if len(all) != 1 || !strings.Contains(all[0], change) {
		t.Errorf("comments %q", all)
	}
	unharmed(t, b)
}

// A message that the queue buried is told of like any other outcome.
func TestADeadLetterIsTold(t *testing.T) {
	t.Parallel()
	b, waiting := audience(t)
	c, reached := slow(t, b, "buried")
	c.TimeoutSeconds = 60
	c.Notify.CallbackURL = waiting.CallbackURL()
	b.send(t, c.ID, c.JSON())
	for range 10 {
		await(t, "the next delivery", reached)
		if err := b.Bus.Inject(t.Context(), servicebus.Faults{LoseLocks: stack.QueueName}); err != nil {
			t.Fatal(err)
		}
	}
	noticesOf(t, b, c.ID, 1)
	posts := waiting.Deliveries(c.ID)
	if len(posts) != 1 || posts[0].Verdict != string(report.Inconclusive) ||
		!strings.Contains(string(posts[0].Body), string(finding.RequestExhausted)) {
		t.Errorf("callbacks %+v", posts)
	}
}
