package e2e_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/tickets"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const ticketSecret = "webhook-secret-never-to-be-seen-90d2"

// ticketAnswer is every member that an answer to a ticket can have.
type ticketAnswer struct {
	ID, Location, Detail, Field string
	Findings                    []struct{ Code string }
}

func signed(parts ...string) string {
	mac := hmac.New(sha256.New, []byte(ticketSecret))
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// postTicket sends a webhook; headers are names and values.
func postTicket(t *testing.T, b *bench, system, body string, headers ...string) (int, ticketAnswer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/api/tickets/"+system,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var raw map[string]json.RawMessage
	var answer ticketAnswer
	if err := json.NewDecoder(response.Body).Decode(&raw); err != nil {
		t.Fatalf("%s: %d: %v", system, response.StatusCode, err)
	}
	delete(raw, "status") // A word in some answers, a number in others.
	again, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(again, &answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func fromJira(t *testing.T, b *bench, body string) (int, ticketAnswer) {
	t.Helper()
	return postTicket(t, b, "jira", body, "X-Hub-Signature", signed(body))
}

func fromGeneric(t *testing.T, b *bench, id, body string) (int, ticketAnswer) {
	t.Helper()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	return postTicket(t, b, "generic", body, "X-Timestamp", stamp, "X-Signature-256", signed(stamp, ".", body),
		"X-Delivery-Id", id)
}

// issue is a created issue with a description.
func issue(event int, key, description string) string {
	return fmt.Sprintf(`{"timestamp":%d,"webhookEvent":"jira:issue_created","issue":{"id":"10023","key":%q,`+
		`"fields":{"summary":"Is it ready?","description":%q}}}`, event, key, description)
}

// readyFor waits for the report of a ticket's check, and follows its link.
func readyFor(t *testing.T, b *bench, got ticketAnswer, ticket request.Ticket) report.Report {
	t.Helper()
	r := b.await(t, got.ID)
	var asked request.Check
	if err := json.Unmarshal(r.Request, &asked); err != nil || asked.Notify.Ticket != ticket ||
		asked.RequestedBy != "ticket:"+ticket.System+":"+ticket.ID {
		t.Errorf("%s: %v, %+v by %q", got.ID, err, asked.Notify, asked.RequestedBy)
	}
	if r.Verdict != report.Ready && r.Verdict != report.ReadyWithWarnings {
		t.Errorf("%s: %s: %s", got.ID, r.Verdict, r.Headline)
	}
	page, err := http.Get(b.URL() + strings.TrimPrefix(got.Location, "https://app.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if !strings.Contains(got.Location, "/api/reports/"+got.ID+"?exp=") || page.StatusCode != http.StatusOK {
		t.Errorf("%s: %d", got.Location, page.StatusCode)
	}
	return r
}

func TestTickets(t *testing.T) {
	t.Parallel()
	told, err := tickets.Start(tickets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = told.Close() })
	with := told.Settings()
	maps.Copy(with, map[string]string{
		"TICKET_SECRETS": `{"jira":"WEBHOOK","servicenow":"WEBHOOK","generic":"WEBHOOK"}`, "WEBHOOK": ticketSecret,
		"TICKET_FIELDS":   `{"servicenow":{"sourcePort":"u_db_port"}}`,
		"REPORT_LINK_KEY": "a key of links", "PUBLIC_BASE_URL": "https://app.example.com"})
	b := start(t, nil, with)
	lines := fmt.Sprintf("*Source host:* %s\n* source port: %d\n|target host|{{%s}}|\n|target port|%d|\n",
		sourceHost, b.source.Port, targetHost, b.target.Port)
	t.Run("jira", func(t *testing.T) { jiraTickets(t, b, lines) })
	t.Run("servicenow", func(t *testing.T) { serviceNowTickets(t, b) })
	t.Run("generic", func(t *testing.T) { genericTickets(t, b) })
	t.Run("refused", func(t *testing.T) { refusedTickets(t, b, lines) })
	t.Run("the guide's shell lines", func(t *testing.T) { shellTicket(t, b) })
	for ticket, want := range map[string]string{"MIG-17": "READY", "INC0010023": "READY", "MIG-19": "NOT CHECKED",
		"MIG-20": "source port"} {
		comment(t, told, ticket, want)
	}
	if strings.Contains(b.log.String(), ticketSecret) {
		t.Error("the secret stands in the log")
	}
}

func jiraTickets(t *testing.T, b *bench, lines string) {
	created := issue(1, "MIG-17", lines+"\npsql: error: FATAL:  the database system is starting up")
	status, got := fromJira(t, b, created)
	if status != http.StatusAccepted || len(got.Findings) == 0 {
		t.Fatalf("%d %+v", status, got)
	}
	r := readyFor(t, b, got, request.Ticket{System: "jira", ID: "MIG-17"})
	if again, same := fromJira(t, b, created); again != http.StatusAccepted || same.ID != got.ID ||
		same.Location != got.Location {
		t.Errorf("again: %d %+v", again, same)
	}
	if later := b.await(t, got.ID); !later.StartedAt.Equal(r.StartedAt) {
		t.Errorf("the same delivery was checked again at %s", later.StartedAt)
	}
	comment := `{"timestamp":2,"webhookEvent":"comment_created","comment":{"body":"READY"},` +
		`"issue":{"id":"10023","key":"MIG-17"}}`
	if status, got := fromJira(t, b, comment); status != http.StatusOK || got.ID != "" {
		t.Errorf("a comment: %d %+v", status, got)
	}
}

func serviceNowTickets(t *testing.T, b *bench) {
	record := func(count int) string {
		return fmt.Sprintf(`{"sys_id":"9d385017c611228701d22104cc95c371","number":"INC0010023","sys_mod_count":"%d",`+
			`"description":"target host: %s\r\nTarget port: %d\r\nsource host: overridden.example.com",`+
			`"u_source_host":{"value":"%s","display_value":"%s"},"u_db_port":{"value":"%d","display_value":"1,2"}}`,
			count, targetHost, b.target.Port, sourceHost, sourceHost, b.source.Port)
	}
	status, got := postTicket(t, b, "servicenow", record(1), "Authorization", "Bearer "+ticketSecret)
	if status != http.StatusAccepted {
		t.Fatalf("%d %+v", status, got)
	}
	readyFor(t, b, got, request.Ticket{System: "servicenow", ID: "INC0010023"})
	if _, same := postTicket(t, b, "servicenow", record(2), "Authorization", "Bearer "+ticketSecret); same.ID != got.ID {
		t.Errorf("an update that changes nothing: %+v, first %+v", same, got)
	}
}

func genericTickets(t *testing.T, b *bench) {
	c := b.check("")
	c.Route = ""
	if status := register(t, b, "orders-db", c); status != http.StatusCreated {
		t.Fatalf("route: %d", status)
	}
	const body = `{"ticket":{"id":"OPS 4711"},"route":"orders-db"}`
	status, got := fromGeneric(t, b, "d-1", body)
	if status != http.StatusAccepted {
		t.Fatalf("%d %+v", status, got)
	}
	if r := readyFor(t, b, got, request.Ticket{System: "generic", ID: "OPS 4711"}); r.Route != "orders-db" {
		t.Errorf("route %q", r.Route)
	}
	if _, same := fromGeneric(t, b, "d-1", body); same.ID != got.ID {
		t.Errorf("again: %+v", same)
	}
	if status, other := fromGeneric(t, b, "d-1", body+" "); status != http.StatusConflict ||
		other.Field != "X-Delivery-Id" {
		t.Errorf("another body: %d %+v", status, other)
	}
	if status, other := fromGeneric(t, b, "d-2", `{"ticket":{"id":"1"},"route":"nowhere"}`); status != 422 ||
		other.Field != "route" {
		t.Errorf("an unknown route: %d %+v", status, other)
	}
}

func refusedTickets(t *testing.T, b *bench, lines string) {
	body := issue(3, "MIG-18", lines)
	for name, answer := range map[string]func() (int, ticketAnswer){
		"another signature": func() (int, ticketAnswer) {
			return postTicket(t, b, "jira", body, "X-Hub-Signature",
				signed("x"))
		},
		"no signature": func() (int, ticketAnswer) { return postTicket(t, b, "jira", body) },
		"another token": func() (int, ticketAnswer) {
			return postTicket(t, b, "servicenow", body, "Authorization",
				"Bearer x")
		},
		"an unknown system": func() (int, ticketAnswer) {
			return postTicket(t, b, "redmine", body, "X-Hub-Signature",
				signed(body))
		},
		"an old time stamp": func() (int, ticketAnswer) {
			stamp := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
			return postTicket(t, b, "generic", body, "X-Timestamp", stamp, "X-Signature-256", signed(stamp, ".", body))
		},
	} {
		if status, got := answer(); status != http.StatusUnauthorized || got.ID != "" {
			t.Errorf("%s: %d %+v", name, status, got)
		}
	}
	pasted := issue(4, "MIG-19", `psql: error: connection to server at "10.0.0.4", port 5432 failed: Connection refused`)
	if status, got := fromJira(t, b, pasted); status != http.StatusUnprocessableEntity || got.Field != "description" ||
		len(got.Findings) == 0 || got.Findings[0].Code != "TCP_REFUSED" {
		t.Errorf("an error text: %d %+v", status, got)
	}
	if status, got := fromJira(t, b, issue(5, "MIG-20", strings.Replace(lines, "source port: ", "source port: x",
		1))); status != 422 ||
		got.Field != "source port" {
		t.Errorf("a port: %d %+v", status, got)
	}
	large := strings.Repeat(" ", 5<<20)
	if status, got := fromJira(t, b, large); status != http.StatusRequestEntityTooLarge || got.Detail == "" {
		t.Errorf("a large body: %d %+v", status, got)
	}
}

// shellTicket runs the lines of docs/tickets.md as they stand there.
func shellTicket(t *testing.T, b *bench) {
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	guide, err := os.ReadFile(root + "/docs/tickets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(guide), "```sh\n")
	script, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("docs/tickets.md has no shell lines")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "PGPREFLIGHT=" + b.URL(), "FUNCTION_KEY=k", "TICKETS_SECRET=" +
		ticketSecret,
		"no_proxy=*"}
	out, err := shell.CombinedOutput()
	var got ticketAnswer
	if err == nil {
		err = json.Unmarshal(bytes.Replace(out, []byte(`"status"`), []byte(`"said"`), 1), &got)
	}
	if err != nil || got.ID == "" {
		t.Fatalf("%v\n%s", err, out)
	}
	readyFor(t, b, got, request.Ticket{System: "generic", ID: "OPS-4711"})
}

// comment waits for the one comment on a ticket.
func comment(t *testing.T, told *tickets.Standin, ticket, want string) {
	t.Helper()
	var got []string
	for until := time.Now().Add(patience); len(got) == 0 && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		got = told.Comments(ticket)
	}
	if len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("%s was told %q", ticket, got)
	}
}
