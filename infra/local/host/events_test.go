package host

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const gridTrigger = `{"bindings":[{"type":"eventGridTrigger","direction":"in","name":"event"}]}`

func hook(t *testing.T, h *Host, kind, body string) *http.Request {
	t.Helper()
	r := newRequest(t, http.MethodPost, h.URL()+"/runtime/webhooks/eventgrid?functionName=Event&code=k", strings.NewReader(body))
	r.Header.Set("aeg-event-type", kind)
	return r
}

func TestEvents(t *testing.T) {
	t.Parallel()
	a := newApp(t, "00:01:00", proxying, map[string]string{"Event": gridTrigger, "Tick": tickTimer})
	h := a.start(t, func(o *Options) { o.Key = "k" })
	for name, test := range map[string]struct {
		kind, body string
		status     int
		noted      []string
	}{
		"a list":         {"Notification", `[{"id":"a1","type":"T"},{"id":"a2","type":"T"}]`, 202, []string{"a1", "a2"}},
		"one":            {"notification", `{"id":"b1","type":"T","data":{"x":1}}`, 202, []string{"b1"}},
		"one that fails": {"Notification", `[{"id":"c1","type":"T"},{"id":"c2","type":"fails"}]`, 500, []string{"c1", "c2"}},
		"no JSON":        {"Notification", `hello`, 500, nil},
		"a text":         {"Notification", `"x"`, 500, nil},
		"farewell":       {"Unsubscribe", `[]`, 202, nil},
		"no kind":        {"", `[]`, 400, nil},
	} {
		before := len(a.lines(t))
		if got := do(t, hook(t, h, test.kind, test.body)); got.status != test.status {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.body, test.status)
		}
		noted := slices.Sorted(slices.Values(a.lines(t)[before:]))
		if !slices.Equal(noted, test.noted) {
			t.Errorf("%s: noted %q, want %q", name, noted, test.noted)
		}
	}
}

func TestEventHandshakes(t *testing.T) {
	t.Parallel()
	a := newApp(t, "00:01:00", proxying, map[string]string{"Event": gridTrigger, "Tick": tickTimer})
	h := a.start(t, func(o *Options) { o.Key = "k" })
	for _, body := range []string{`[{"id":"v","eventType":"Microsoft.EventGrid.SubscriptionValidationEvent",` +
		`"data":{"validationCode":"c-1","validationUrl":"https://example.com"}}]`,
		`{"specversion":"1.0","id":"v","data":"{\"validationCode\":\"c-1\"}"}`} {
		got := do(t, hook(t, h, "SubscriptionValidation", body))
		if got.status != http.StatusOK || got.body != `{"validationResponse":"c-1"}` {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for asked, want := range map[string]string{"eventgrid.azure.net": "eventgrid.azure.net", "": "eventgrid.azure.net",
		"eventgrid.azure.cn": "eventgrid.azure.cn", "evil.example.com": "eventgrid.azure.net"} {
		r := newRequest(t, http.MethodOptions, h.URL()+"/runtime/webhooks/EventGrid?functionName=Event", http.NoBody)
		r.Header.Set("x-functions-key", "k")
		r.Header.Set("WebHook-Request-Origin", asked)
		if got := do(t, r); got.status != http.StatusOK || got.header.Get("WebHook-Allowed-Origin") != want {
			t.Errorf("origin %q: %d, allowed %q", asked, got.status, got.header.Get("WebHook-Allowed-Origin"))
		}
	}
	for path, want := range map[string]int{"?functionName=Event": 401, "?functionName=Tick&code=k": 404,
		"?functionName=event&code=k": 404, "?code=k": 404} {
		r := newRequest(t, http.MethodPost, h.URL()+"/runtime/webhooks/EventGrid"+path, strings.NewReader("[]"))
		r.Header.Set("aeg-event-type", "Notification")
		if got := do(t, r); got.status != want {
			t.Errorf("%s: got %d, want %d", path, got.status, want)
		}
	}
	if lines := a.lines(t); lines != nil {
		t.Errorf("a handshake reached the handler: %q", lines)
	}
}
