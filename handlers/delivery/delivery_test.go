package delivery

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

const good = `{"version":1,"id":"orders-1","route":"orders-db","depth":"connect","source":{"host":"db.example.com"},` +
	`"target":{"host":"t.example.com"}}`

var seven = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

func read(t *testing.T, body, metadata string) Delivery {
	t.Helper()
	i, err := envelope.Decode(strings.NewReader(`{"Data":{"message":"` +
		base64.StdEncoding.EncodeToString([]byte(body)) + `"},"Metadata":` + metadata + `}`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(i)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRead(t *testing.T) {
	t.Parallel()
	d := read(t, good, `{"MessageId":"\"m-1\"","DeliveryCount":"11","EnqueuedTime":"2026-11-22T07:00:00+00:00",
		"ApplicationProperties":{"DeadLetterReason":"MaxDeliveryCountExceeded","DeadLetterErrorDescription":"after 10",
		"pgpreflight-attempt":"2","pgpreflight-resent":"5","pgpreflight-origin":"schedule"}}`)
	if d.ID != "orders-1" || d.Check.ID != "orders-1" || d.Problem != nil || d.Route() != "orders-db" ||
		d.CorrelationID != "m-1" || !d.Scheduled || d.Attempt != 2 || d.Resent != 5 || d.Count != 11 ||
		!d.Queued.Equal(seven) || d.DeadReason != "MaxDeliveryCountExceeded" || d.DeadDescription != "after 10" {
		t.Errorf("%+v", d)
	}
}

// Event Grid's own message id is nobody's: the publisher knows the event's.
func TestWhatEventGridDelivers(t *testing.T) {
	t.Parallel()
	nameless := strings.Replace(good, `"id":"orders-1",`, "", 1)
	cloud := `{"specversion":"1.0","id":"e-1","source":"/p","type":"t","data":` + nameless + `}`
	encoded := `{"specversion":"1.0","id":"e-1","source":"/p","type":"t","data_base64":"` +
		base64.StdEncoding.EncodeToString([]byte(nameless)) + `"}`
	grid := `{"id":"e-1","topic":"/t","subject":"s","eventType":"t","dataVersion":"1","data":` + nameless + `}`
	properties := `"ApplicationProperties":{"aeg-event-type":"Notification","aeg-subscription-name":"S"}`
	for _, body := range []string{cloud, encoded, grid, "[" + grid + "]", strings.Replace(grid, `"depth"`, `"deep"`, 1)} {
		d := read(t, body, `{"MessageId":"\"7d0a\"",`+properties+`}`)
		if d.ID != "e-1" || d.CorrelationID != "e-1" {
			t.Errorf("%s: id %s, correlation %s", body, d.ID, d.CorrelationID)
		}
		later, _ := d.Later(seven, 1)
		again := read(t, string(later.Body), `{"MessageId":"\"`+later.ID+`\"","CorrelationId":"\"`+later.CorrelationID+
			`\"","ApplicationProperties":{"pgpreflight-id":"`+later.Properties["pgpreflight-id"]+`"}}`)
		if again.ID != "e-1" || again.CorrelationID != "e-1" {
			t.Errorf("put back: id %s, correlation %s", again.ID, again.CorrelationID)
		}
	}
	named := read(t, strings.Replace(cloud, nameless, good, 1), `{"MessageId":"\"7d0a\"","CorrelationId":"\"run-9\"",`+
		properties+`}`)
	if named.ID != "orders-1" || named.CorrelationID != "run-9" {
		t.Errorf("the sender's own: id %s, correlation %s", named.ID, named.CorrelationID)
	}
	// A custom input schema is delivered as it is, without an envelope; and a pipeline's own message has its own id.
	for body, metadata := range map[string]string{nameless: `{"MessageId":"\"7d0a\"",` + properties + `}`,
		cloud: `{"MessageId":"\"7d0a\""}`} {
		if d := read(t, body, metadata); d.ID != "7d0a" || d.CorrelationID != "7d0a" {
			t.Errorf("%s: id %s, correlation %s", body, d.ID, d.CorrelationID)
		}
	}
}

func TestReadWhatIsRefused(t *testing.T) {
	t.Parallel()
	d := read(t, strings.Replace(good, `"depth"`, `"password":"hunter2","depth"`, 1), `{}`)
	if d.Problem == nil || d.Problem.Code != finding.RequestSecretInline || d.ID != "orders-1" || d.Route() != "orders-db" {
		t.Errorf("%+v", d)
	}
	large := read(t, strings.Repeat("x", 2<<20), `{"MessageId":"\"m-1\""}`)
	if _, whole := large.Later(seven, 1); whole || large.ID != "m-1" || large.Problem == nil {
		t.Errorf("a message of 2 MB: %s, %v", large.ID, large.Problem)
	}
	if _, err := Read(envelope.Invocation{}); err == nil {
		t.Error("an invocation without a message was read")
	}
}

// A reminder asks for no check. It comes back as one, under an id of its own: that of the check's message is taken.
func TestReminders(t *testing.T) {
	t.Parallel()
	m := Reminder("orders-1", seven)
	if m.ID != "orders-1~reminder-1795330800" || !m.At.Equal(seven) || len(m.Properties) != 2 {
		t.Fatalf("%+v", m)
	}
	d := read(t, string(m.Body), `{"MessageId":"\"`+m.ID+`\"","ApplicationProperties":{"pgpreflight-id":"orders-1",
		"pgpreflight-reminder":"`+m.Properties["pgpreflight-reminder"]+`"}}`)
	if !d.Reminder || d.ID != "orders-1" || d.Scheduled {
		t.Errorf("%+v", d)
	}
	later, whole := d.Later(seven, 1)
	if !whole || later.ID != "orders-1~reminder-1795330800~1" || later.Properties["pgpreflight-reminder"] != "1795330800" {
		t.Errorf("%+v", later)
	}
	forged := read(t, good, `{"ApplicationProperties":{"pgpreflight-reminder":"`+strings.Repeat("9", 300)+`"}}`)
	if later, _ := forged.Later(seven, 1); !forged.Reminder || len(later.ID) > 128 {
		t.Errorf("%+v", later)
	}
}

// What a sender writes into our properties is read as if nothing stood there.
func TestForgedProperties(t *testing.T) {
	t.Parallel()
	for _, forged := range []string{"-1", "many", "1e9", "99999999999999999999", ""} {
		d := read(t, good, `{"ApplicationProperties":{"pgpreflight-attempt":"`+forged+`","pgpreflight-resent":"`+forged+`"}}`)
		if d.Attempt != 0 || d.Resent != 0 {
			t.Errorf("%q: %+v", forged, d)
		}
	}
}

// What Later sends is the same check when it comes, however often it goes round.
func TestLaterComesBackTheSame(t *testing.T) {
	t.Parallel()
	nameless := strings.Replace(good, `"id":"orders-1",`, "", 1)
	event := `{"specversion":"1.0","id":"e-1","source":"/p","type":"t","data":` + nameless + `}`
	for name, body := range map[string]string{"named": good, "nameless": nameless, "an event": event, "no JSON": "ping"} {
		for _, metadata := range []string{`{"MessageId":"\"m 1\""}`,
			`{"SequenceNumber":"42","EnqueuedTime":"2026-11-22T07:00:00+00:00"}`, `{}`} {
			first := read(t, body, metadata)
			again, ids := first, map[string]bool{}
			for round := 1; round <= 3; round++ {
				m, whole := again.Later(seven, again.Attempt+1)
				if !whole || ids[m.ID] || !m.At.Equal(seven) || string(m.Body) != body || len(m.ID) > 128 {
					t.Fatalf("%s: %+v", name, m)
				}
				ids[m.ID] = true
				again = read(t, string(m.Body), `{"MessageId":"\"`+m.ID+`\"","CorrelationId":"\"`+m.CorrelationID+
					`\"","SequenceNumber":"99","ApplicationProperties":{"pgpreflight-id":"`+m.Properties["pgpreflight-id"]+
					`","pgpreflight-attempt":"`+m.Properties["pgpreflight-attempt"]+`","pgpreflight-resent":"`+
					m.Properties["pgpreflight-resent"]+`"}}`)
				if again.ID != first.ID || again.Attempt != round || again.Resent != round {
					t.Fatalf("%s, round %d: %+v, was %+v", name, round, again, first)
				}
			}
		}
	}
}

func TestScheduledIsRead(t *testing.T) {
	t.Parallel()
	m := Scheduled("orders-db.20261122T070000Z", []byte(strings.Replace(good, "orders-1", "", 1)), seven)
	d := read(t, string(m.Body), `{"MessageId":"\"`+m.ID+`\"","ApplicationProperties":{"pgpreflight-id":"`+
		m.Properties["pgpreflight-id"]+`","pgpreflight-origin":"`+m.Properties["pgpreflight-origin"]+`"}}`)
	if !d.Scheduled || d.ID != m.ID || d.Problem != nil {
		t.Errorf("%+v", d)
	}
	later, _ := d.Later(seven, 1)
	if later.Properties["pgpreflight-origin"] != "schedule" {
		t.Errorf("%+v", later)
	}
}
