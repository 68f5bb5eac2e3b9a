package ticket

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// FuzzDecode holds the promises to hostile tickets: nothing panics, an error is one of ours and quotes nothing, and a
// request that is made of a ticket has only hosts that print, is valid and names the ticket.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"jira-created", "jira-created-adf", "jira-commented", "jira-transition",
		"servicenow-incident",
		"servicenow-change", "generic-request", "generic-route"} {
		f.Add(sample(f, name), string(systemOf(name)))
	}
	fields := Fields{Jira: {Route: "customfield_10042"}}
	f.Fuzz(func(t *testing.T, body []byte, system string) {
		d := delivery(System(system), body, "X-Delivery-Id", "d-1", "X-Timestamp", "1795330800")
		e, err := Decode(d, fields)
		if err != nil {
			wantOurs(t, err)
			return
		}
		if e.Ignored != "" {
			return
		}
		if !request.IsName(e.CheckID) || len(e.Seen) == 0 {
			t.Fatalf("%+v", e)
		}
		_, err = e.RouteName()
		wantOurs(t, err)
		for _, base := range []string{"", storedRoute} {
			wantSound(t, e, base)
		}
	})
}

func wantOurs(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrNotJSON) {
		return
	}
	wrong, ok := errors.AsType[*request.Problem](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	if strings.ContainsFunc(wrong.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("%q", wrong.Error())
	}
}

func wantSound(t *testing.T, e Event, base string) {
	t.Helper()
	var stored json.RawMessage
	if base != "" {
		stored = json.RawMessage(base)
	}
	c, err := e.Check(stored)
	if err != nil {
		wantOurs(t, err)
		return
	}
	for _, host := range []string{c.Source.Host, c.Target.Host} {
		if host == "" || strings.ContainsFunc(host, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
			t.Errorf("host %q", host)
		}
	}
	if stored != nil && e.Request == nil && c.Source.Host != "orders-db.corp.example" {
		t.Errorf("the route's credentials go to %q", c.Source.Host)
	}
	if stored == nil && e.Request == nil && (c.Source.Credential != request.Credential{} ||
		c.Depth == request.DepthLogin) {
		t.Errorf("%+v", c)
	}
	if c.Notify.Ticket != e.Ref() {
		t.Errorf("%+v", c.Notify)
	}
}
