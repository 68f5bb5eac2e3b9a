package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/infra/local/tickets"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/notify/comment"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/queue"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// broker serves every test of this package.
var broker *servicebus.Standin

func TestMain(m *testing.M) { os.Exit(withBroker(m.Run)) }

func withBroker(run func() int) int {
	var err error
	broker, err = servicebus.Start(context.Background(), servicebus.Options{Dir: "../../infra/local",
		Queues: []servicebus.Queue{{Name: "answers"}, {Name: "large"}, {Name: "check-requests"}}})
	if err != nil && !errors.Is(err, servicebus.ErrNotInstalled) {
		panic(err)
	}
	if broker != nil {
		defer func() { _ = broker.Kill() }()
	}
	return run()
}

func standin(t *testing.T, o tickets.Options) *tickets.Standin {
	t.Helper()
	s, err := tickets.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// message is one attempt at telling of a blocked route.
func message(to, target string) Message {
	r := report.Report{Version: 1, ID: "c-1_a", Route: "orders-db", Verdict: report.NotReady, Headline: "no answer",
		Findings: []report.Finding{{Code: finding.TCPTimeout, Severity: finding.Failed, Layer: finding.Connect,
			Title: "No answer", Owner: report.SourceNetwork, Remedy: []report.Remedy{{Text: "Open it.", Command: "az x"}}}},
		FirstBroken: &report.FirstBroken{Code: finding.TCPTimeout, Layer: finding.Connect}}
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return Message{Notice: store.Notice{CheckID: r.ID, To: to, Target: target, CorrelationID: "order-7"}, Report: r,
		JSON: raw, Now: time.Now()}
}

func callback(s *tickets.Standin) Callback {
	return Callback{Client: web.New(web.Options{Hosts: web.Hosts{"127.0.0.1"}}),
		Secret: secret.New(s.Settings()["CALLBACK_SECRET"])}
}

// Every documented failure of a receiver, and what comes of it.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	const redirected = "it answered 302; redirects are not followed"
	for name, c := range map[string]struct {
		behaviour tickets.Behaviour
		state     store.NoticeState
		trouble   string
	}{
		"accepted":                {tickets.Behaviour{Status: 204}, store.NoticeDone, ""},
		"created":                 {tickets.Behaviour{Status: 201}, store.NoticeDone, ""},
		"unauthorised":            {tickets.Unauthorized(), store.NoticePending, "it answered 401"},
		"forbidden":               {tickets.Forbidden(), store.NoticePending, "it answered 403"},
		"not found":               {tickets.NotFound(), store.NoticePending, "it answered 404"},
		"gone":                    {tickets.Gone(), store.NoticeStopped, "it answered 410"},
		"too many":                {tickets.TooMany(3600), store.NoticePending, "it answered 429"},
		"broken":                  {tickets.Broken(), store.NoticePending, "it answered 500"},
		"half an answer":          {tickets.HalfAnswer(), store.NoticePending, "its answer broke off"},
		"silent":                  {tickets.Silent(), store.NoticePending, "it gave no answer in time"},
		"redirected to metadata":  {tickets.Redirect("http://169.254.169.254/latest"), store.NoticePending, redirected},
		"redirected to a private": {tickets.Redirect("https://10.0.0.1/x"), store.NoticePending, redirected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := standin(t, tickets.Options{})
			s.FailNext(tickets.Callback, 1, c.behaviour)
			m := message(ToCallback, s.CallbackURL())
			within := time.Minute
			if c.behaviour.Hang {
				within = 500 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			err := callback(s).Send(ctx, m)
			n := after(store.Notice{To: ToCallback, State: store.NoticePending, First: m.Now}, err, span{m.Now, m.Now})
			if n.State != c.state || n.Trouble != c.trouble {
				t.Errorf("%v: %+v", err, n)
			}
			if c.behaviour.RetryAfter != "" && n.NextDue.Sub(m.Now) != time.Hour {
				t.Errorf("next after %s", n.NextDue.Sub(m.Now))
			}
			all := s.Deliveries("c-1_a")
			if len(all) != 1 || all[0].Problem != "" || string(all[0].Body) != string(m.JSON) ||
				all[0].Header.Get("X-Check-Id") != "c-1_a" || all[0].Header.Get("X-Notice") != "outcome" {
				t.Errorf("received %+v", all)
			}
		})
	}
}

func TestCallbacksThatAreNotMade(t *testing.T) {
	t.Parallel()
	s := standin(t, tickets.Options{})
	without := callback(s)
	without.Secret = secret.New("")
	err := without.Send(t.Context(), message(ToCallback, s.CallbackURL()))
	if trouble(err) != "setting CALLBACK_SECRET is not set" {
		t.Errorf("without a secret: %v", err)
	}
	for _, address := range []string{"http://127.0.0.2/x", "https://evil.example.com/x", "http://169.254.169.254/x", ":"} {
		err := callback(s).Send(t.Context(), message(ToCallback, address))
		if _, refused := errors.AsType[*web.RefusedError](err); !refused {
			t.Errorf("%s: %v", address, err)
		}
	}
	if s.Calls(tickets.Callback) != 0 {
		t.Error("somebody was told")
	}
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	if err := callback(s).Send(t.Context(), message(ToCallback, tls.URL)); trouble(err) != "its certificate is not trusted" {
		t.Errorf("an untrusted certificate: %v", err)
	}
}

// writer writes into the stand-in, by Basic or as a Bearer.
func writer(t *testing.T, s *tickets.Standin, bearer bool) Tickets {
	t.Helper()
	var apis map[string]struct{ URL, User, TokenSetting string }
	if err := json.Unmarshal([]byte(s.Settings()["TICKET_APIS"]), &apis); err != nil {
		t.Fatal(err)
	}
	w := Tickets{Systems: map[string]comment.System{},
		Link: func(m Message) string { return "https://app.example.com/r/" + m.CheckID },
		Missing: func(system string) string {
			if system == "jira" {
				return "JIRA_API_TOKEN"
			}
			return ""
		}}
	for name, a := range apis {
		if bearer {
			a.User = ""
		}
		w.Systems[name], _ = comment.New(name, comment.API{URL: a.URL, User: a.User,
			Token: secret.New(s.Settings()[a.TokenSetting])}, web.New(web.Options{Hosts: web.Hosts{"127.0.0.1"}}))
	}
	return w
}

// targets are a ticket in each system, and where its comments are.
func targets() map[string]struct {
	part tickets.Part
	key  string
} {
	return map[string]struct {
		part tickets.Part
		key  string
	}{
		"jira/OPS-1":            {tickets.Jira, "OPS-1"},
		"servicenow/INC0010001": {tickets.ServiceNow, "INC0010001"},
		"servicenow/" + tickets.SysID("CHG0030001"): {tickets.ServiceNow, "CHG0030001"},
	}
}

func everyTicket() tickets.Options {
	return tickets.Options{Issues: []string{"OPS-1"}, Records: []string{"INC0010001", "CHG0030001"}}
}

func TestComments(t *testing.T) {
	t.Parallel()
	for target, c := range targets() {
		for _, bearer := range []bool{false, true} {
			s := standin(t, everyTicket())
			m := message(ToTicket, target)
			m.Changed, m.Was, m.WasSince = true, report.Ready, time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
			if err := writer(t, s, bearer).Send(t.Context(), m); err != nil {
				t.Fatalf("%s: %v", target, err)
			}
			all := s.Comments(c.key)
			if len(all) != 1 {
				t.Fatalf("%s: comments %q", target, all)
			}
			lines := strings.Split(strings.TrimSpace(all[0]), "\n")
			if len(lines) != 5 || !strings.Contains(lines[0], "NOT READY") || !strings.Contains(lines[0], "no answer") ||
				!strings.Contains(lines[1], "Source network team must act") || !strings.Contains(lines[1], "az x") ||
				!strings.Contains(lines[2], "https://app.example.com/r/c-1_a") ||
				!strings.Contains(strings.ReplaceAll(lines[3], `\`, ""), "was ready since 2026-11-22 07:00 UTC; now it is not ready") ||
				!strings.Contains(lines[4], "pgpreflight check c-1_a") {
				t.Errorf("%s:\n%s", target, all[0])
			}
		}
	}
}

// Without an address that leads back, the comment says all there is to say.
func TestCommentsWithoutALink(t *testing.T) {
	t.Parallel()
	s := standin(t, everyTicket())
	w := writer(t, s, false)
	w.Link = func(Message) string { return "" }
	if err := w.Send(t.Context(), message(ToTicket, "jira/OPS-1")); err != nil {
		t.Fatal(err)
	}
	if all := s.Comments("OPS-1"); len(all) != 1 || !strings.Contains(all[0], "h3. Findings") {
		t.Errorf("comments %q", all)
	}
}

// Each failure is followed by a second attempt; there is one comment in the end, never two.
func TestCommentsAreWrittenOnce(t *testing.T) {
	t.Parallel()
	behaviours := map[string]tickets.Behaviour{
		"unauthorised": tickets.Unauthorized(), "forbidden": tickets.Forbidden(), "not found": tickets.NotFound(),
		"too many": tickets.TooMany(1), "broken": tickets.Broken(), "half": tickets.HalfAnswer(), "silent": tickets.Silent(),
		"redirected":       tickets.Redirect("http://169.254.169.254/"),
		"broken, but done": tickets.Broken().ButDone(), "half, but done": tickets.HalfAnswer().ButDone(),
		"silent, but done": tickets.Silent().ButDone(),
	}
	for target, where := range targets() {
		for name, b := range behaviours {
			t.Run(target+" "+name, func(t *testing.T) {
				t.Parallel()
				s := standin(t, everyTicket())
				w := writer(t, s, false)
				s.FailNext(where.part, 1, b)
				m := message(ToTicket, target)
				first, cancel := context.WithTimeout(t.Context(), time.Minute)
				if b.Hang {
					cancel()
					first, cancel = context.WithTimeout(t.Context(), time.Second)
				}
				defer cancel()
				err := w.Send(first, m)
				n := after(store.Notice{To: ToTicket, State: store.NoticePending, First: m.Now}, err, span{m.Now, m.Now})
				if err == nil || n.State != store.NoticePending {
					t.Fatalf("%v: %+v", err, n)
				}
				m.Unsure = n.Unsure
				if err := w.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				if all := s.Comments(where.key); len(all) != 1 {
					t.Errorf("%d comments, unsure %v", len(all), m.Unsure)
				}
			})
		}
	}
}

// Where it cannot be found out whether the comment is there, none is written.
func TestACommentThatCannotBeLookedFor(t *testing.T) {
	t.Parallel()
	for target, where := range targets() {
		s := standin(t, everyTicket())
		s.FailNext(where.part, 1, tickets.Forbidden())
		m := message(ToTicket, target)
		m.Unsure = true
		err := writer(t, s, false).Send(t.Context(), m)
		if _, blind := errors.AsType[*LookError](err); !blind || len(s.Comments(where.key)) != 0 {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// The mark of one check is not that of another whose id begins alike, and is found among many.
func TestMarks(t *testing.T) {
	t.Parallel()
	s := standin(t, everyTicket())
	w := writer(t, s, false)
	for target, where := range targets() {
		for i := range 250 {
			if i == 10 {
				if err := w.Send(t.Context(), message(ToTicket, target)); err != nil {
					t.Fatal(err)
				}
			}
			name, id, _ := strings.Cut(target, "/")
			if i%125 != 0 {
				s.Keep(where.key, "noise")
			} else if err := w.Systems[name].Add(t.Context(), id, comment.Mark("c-1_abc")); err != nil {
				t.Fatal(err)
			}
		}
		m := message(ToTicket, target)
		m.Unsure = true
		before := len(s.Comments(where.key))
		if err := w.Send(t.Context(), m); err != nil || len(s.Comments(where.key)) != before {
			t.Errorf("%s: %v, %d comments of %d", target, err, len(s.Comments(where.key)), before)
		}
		m.CheckID = "c-1_ab"
		if err := w.Send(t.Context(), m); err != nil || len(s.Comments(where.key)) != before+1 {
			t.Errorf("%s: %v, another check's mark was taken for this one's", target, err)
		}
	}
}

func TestTicketsThatCannotBeTold(t *testing.T) {
	t.Parallel()
	s := standin(t, everyTicket())
	w := writer(t, s, false)
	for target, want := range map[string]string{
		"redmine/1":              "no ticketing system of this name can be told",
		"jira/OPS-1/../../x":     "the ticket's id is not the key of an issue",
		"jira/":                  "the ticket's id is not the key of an issue",
		"servicenow/a^b":         "the ticket's id is neither a number such as INC0010001 nor a sys_id",
		"servicenow/INC00^ORx=1": "the ticket's id is neither a number such as INC0010001 nor a sys_id",
	} {
		err := w.Send(t.Context(), message(ToTicket, target))
		if _, refused := errors.AsType[*web.RefusedError](err); !refused || err.Error() != want {
			t.Errorf("%s: %v", target, err)
		}
	}
	for target := range map[string]bool{"jira/OPS-2": true, "servicenow/INC0099999": true} {
		if err := w.Send(t.Context(), message(ToTicket, target)); statusOf(err) != http.StatusNotFound {
			t.Errorf("%s: %v", target, err)
		}
	}
	delete(w.Systems, "jira")
	if err := w.Send(t.Context(), message(ToTicket, "jira/OPS-1")); trouble(err) != "setting JIRA_API_TOKEN is not set" {
		t.Errorf("%v", err)
	}
}

// A text of one's own is written once for its mark.
func TestCommentsOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := standin(t, everyTicket())
	w := writer(t, s, false)
	for range 2 {
		if err := w.Comment(t.Context(), Ticket{System: "jira", ID: "OPS-1", Mark: "refused-1"}, "no host\n"); err != nil {
			t.Fatal(err)
		}
	}
	if all := s.Comments("OPS-1"); len(all) != 1 || !strings.HasPrefix(all[0], "no host\n") {
		t.Errorf("comments %q", all)
	}
}

func reply(t *testing.T) *Reply {
	t.Helper()
	if broker == nil {
		t.Skip(servicebus.ErrNotInstalled)
	}
	return &Reply{Own: "check-requests", Link: func(Message) string { return "https://app.example.com/r/c-1_a" },
		Open: func(name string) (Queue, error) {
			return queue.Open(queue.Config{ConnectionString: secret.New(broker.ConnectionString()), Queue: name})
		}}
}

func receive(t *testing.T, name string) *azservicebus.ReceivedMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(broker.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	receiver, err := client.NewReceiverForQueue(name, &azservicebus.ReceiverOptions{
		ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		t.Fatal(err)
	}
	got, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	return got[0]
}

func TestReplies(t *testing.T) {
	t.Parallel()
	r, m := reply(t), message(ToReply, "answers")
	if err := r.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := receive(t, "answers")
	if got.MessageID != "c-1_a" || got.CorrelationID == nil || *got.CorrelationID != "order-7" ||
		string(got.Body) != string(m.JSON) || *got.ContentType != "application/json" ||
		got.ApplicationProperties["verdict"] != "not_ready" {
		t.Errorf("%+v", got)
	}
}

// A report that no message can hold is told in short, with where the whole of it is.
func TestRepliesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	r, m := reply(t), message(ToReply, "large")
	m.Report.Request = json.RawMessage(`{"x":"` + strings.Repeat("x", 2<<20) + `"}`)
	for range 100 {
		m.Report.Findings = append(m.Report.Findings, m.Report.Findings[0])
	}
	var err error
	if m.JSON, err = json.Marshal(m.Report); err != nil {
		t.Fatal(err)
	}
	if err := r.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var short struct {
		report.Report
		Shortened struct{ Reason, Link string }
	}
	got := receive(t, "large")
	if err := json.Unmarshal(got.Body, &short); err != nil || short.Verdict != report.NotReady || short.FirstBroken == nil ||
		len(short.Findings) != findingsMost || short.Shortened.Link != "https://app.example.com/r/c-1_a" ||
		!strings.Contains(short.Shortened.Reason, "larger than") || len(got.Body) > 100_000 {
		t.Errorf("%v: %s", err, got.Body)
	}
}

func TestRepliesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	r := reply(t)
	for _, own := range []string{"check-requests", "CHECK-requests", "/check-requests/"} {
		err := r.Send(t.Context(), message(ToReply, own))
		if _, refused := errors.AsType[*web.RefusedError](err); !refused {
			t.Errorf("%s: %v", own, err)
		}
	}
	err := r.Send(t.Context(), message(ToReply, "not-there"))
	if got := trouble(err); got != "the queue says amqp:not-found" {
		t.Errorf("no such queue: %s (%v)", got, err)
	}
	err = (&Reply{Missing: "CheckQueue"}).Send(t.Context(), message(ToReply, "answers"))
	if trouble(err) != "setting CheckQueue is not set" {
		t.Errorf("no namespace: %v", err)
	}
}

// fakeQueue knows whether it was closed.
type fakeQueue struct{ closed chan string }

func (q fakeQueue) Send(context.Context, ...queue.Message) error { return nil }
func (q fakeQueue) Close(context.Context) error {
	q.closed <- "closed"
	return nil
}

// Queues have no bound of their own; the one that was used longest ago is closed.
func TestReplyQueuesAreBounded(t *testing.T) {
	t.Parallel()
	closed, opened := make(chan string, 100), 0
	r := &Reply{Own: "check-requests", Open: func(string) (Queue, error) {
		opened++
		return fakeQueue{closed}, nil
	}}
	for i := range openMost + 3 {
		for range 2 {
			if err := r.Send(t.Context(), message(ToReply, "q"+strings.Repeat("x", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if opened != openMost+3 || len(r.open) != openMost {
		t.Errorf("%d opened, %d open", opened, len(r.open))
	}
	for range 3 {
		<-closed
	}
}
