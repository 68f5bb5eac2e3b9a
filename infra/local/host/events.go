package host

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

// The Event Grid extension's own protocol, which the handler never sees: its HttpRequestProcessor and
// EventGridExtensionConfigProvider in azure-sdk-for-net.
const (
	eventKindHeader = "aeg-event-type"
	originHeader    = "WebHook-Request-Origin"
	allowedHeader   = "Webhook-Allowed-Origin"
	publicOrigin    = "eventgrid.azure.net"
	kindValidation  = "SubscriptionValidation"
	kindNotify      = "Notification"
	kindUnsubscribe = "Unsubscribe"
)

// isEventHook tells the address of the Event Grid extension, in any case.
func isEventHook(path string) bool { return strings.EqualFold(path, "/runtime/webhooks/EventGrid") }

// eventHook is what Event Grid calls for a subscription to a function: handshakes and events. It asks for the
// extension's key, which is here the one key that there is.
func (h *Host) eventHook(w http.ResponseWriter, r *http.Request) {
	function, found := h.eventFunction(r.URL.Query().Get("functionName"))
	switch {
	case !h.admits(r):
		w.WriteHeader(http.StatusUnauthorized)
	case !found:
		http.Error(w, "cannot find function", http.StatusNotFound)
	case r.Method == http.MethodOptions:
		// The handshake of CloudEvents, which Event Grid calls abuse protection.
		w.Header().Set(allowedHeader, origin(r))
	case is(r, kindValidation):
		h.validateSubscription(w, r)
	case is(r, kindNotify):
		h.notify(w, r, function)
	case is(r, kindUnsubscribe):
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

func is(r *http.Request, kind string) bool {
	return strings.EqualFold(r.Header.Get(eventKindHeader), kind)
}

// origin is the cloud that asks, if it is one of Azure's, else the public one.
func origin(r *http.Request) string {
	switch asked := r.Header.Get(originHeader); asked {
	case "eventgrid.azure.us", "eventgrid.azure.cn", "eventgrid.azure.eaglex.ic.gov", "eventgrid.azure.microsoft.scloud":
		return asked
	}
	return publicOrigin
}

// eventFunction finds a function by the name in the query, exactly.
func (h *Host) eventFunction(name string) (config.Function, bool) {
	for _, f := range h.functions {
		if f.Event != nil && f.Name == name {
			return f, true
		}
	}
	return config.Function{}, false
}

// validateSubscription answers the handshake of the Event Grid schema. A CloudEvents envelope around it holds its data
// as text.
func (h *Host) validateSubscription(w http.ResponseWriter, r *http.Request) {
	events, err := readEvents(w, r)
	var event struct{ Data json.RawMessage }
	var data struct{ ValidationCode string }
	if err == nil && len(events) > 0 {
		err = json.Unmarshal(events[0], &event)
	}
	var text string
	if err == nil && json.Unmarshal(event.Data, &text) == nil {
		event.Data = json.RawMessage(text)
	}
	if err == nil {
		err = json.Unmarshal(event.Data, &data)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	raw, err := json.Marshal(map[string]string{"validationResponse": data.ValidationCode})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(raw)
}

// notify makes one invocation of each event, all at once; one that fails lets Event Grid send all of them again.
func (h *Host) notify(w http.ResponseWriter, r *http.Request, f config.Function) {
	events, err := readEvents(w, r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	failures := make([]error, len(events))
	var group sync.WaitGroup
	for i, event := range events {
		group.Go(func() {
			body, err := invocation.Event(f.Binding, event, system(f))
			if err == nil {
				// The real host goes on with an invocation whose caller has gone.
				_, err = h.invoke(h.calls, f, body)
			}
			failures[i] = err
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// readEvents takes a list or a single event, whatever the content type says.
func readEvents(w http.ResponseWriter, r *http.Request) ([]json.RawMessage, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil {
		return list, nil
	}
	var single map[string]json.RawMessage
	if err := json.Unmarshal(body, &single); err != nil {
		return nil, fmt.Errorf("the body is neither a list nor an event: %w", err)
	}
	return []json.RawMessage{body}, nil
}
