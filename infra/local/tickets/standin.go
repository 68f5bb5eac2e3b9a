// Package tickets stands in for whoever hears of a report: Jira (Server, Data Center and Cloud, REST version 2),
// ServiceNow (Table API) and the receiver of callbacks, with the answers that their documents show. Each keeps what it
// was told and misbehaves when it is told to. It is not linked into the handler.
package tickets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the stand-in takes for right. The handler's settings of the same values are in Settings.
const (
	JiraUser       = "pgpreflight@example.com"
	jiraToken      = "jira-token-never-to-be-seen-51ab"
	ServiceNowUser = "pgpreflight"
	serviceNowPass = "servicenow-password-never-to-be-seen-77e0"
	callbackSecret = "callback-secret-never-to-be-seen-3d9c"
)

// Secrets are the values that must be in no log, row or report.
func Secrets() []string { return []string{jiraToken, serviceNowPass, callbackSecret} }

// Options describe a stand-in.
type Options struct {
	// Issues are the keys of Jira's issues; nil means that every key is there.
	Issues []string
	// Records are the numbers of ServiceNow's incidents; nil means that every number is there.
	Records []string
	// Wait bounds how long Hang keeps a caller; 0 means until the stand-in is closed.
	Wait time.Duration
}

// Standin answers on one loopback port until Close. It is safe for concurrent use.
type Standin struct {
	options  Options
	listener net.Listener
	server   *http.Server
	running  context.Context
	stop     context.CancelFunc

	mu         sync.Mutex
	comments   map[string][]string
	deliveries map[string][]Delivery
	faults     map[Part][]Behaviour
	calls      map[Part]int
	// numbers are those of ServiceNow's records, by sys_id.
	numbers map[string]string
}

// Part is one of those that are stood in for.
type Part string

// The parts.
const (
	Jira       Part = "jira"
	ServiceNow Part = "servicenow"
	Callback   Part = "callback"
)

// Start listens on a free port of 127.0.0.1.
func Start(o Options) (*Standin, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start ticketing stand-in: %w", err)
	}
	s := &Standin{options: o, listener: listener, comments: map[string][]string{}, deliveries: map[string][]Delivery{},
		faults: map[Part][]Behaviour{}, calls: map[Part]int{}, numbers: map[string]string{}}
	for _, number := range o.Records {
		s.numbers[SysID(number)] = number
	}
	s.running, s.stop = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jira/rest/api/2/issue/{key}/comment", s.behaving(Jira, s.listComments))
	mux.HandleFunc("POST /jira/rest/api/2/issue/{key}/comment", s.behaving(Jira, s.addComment))
	mux.HandleFunc("GET /servicenow/api/now/table/{table}", s.behaving(ServiceNow, s.query))
	mux.HandleFunc("GET /servicenow/api/now/table/{table}/{id}", s.behaving(ServiceNow, s.record))
	mux.HandleFunc("PATCH /servicenow/api/now/table/{table}/{id}", s.behaving(ServiceNow, s.update))
	mux.HandleFunc("POST /callback/", s.behaving(Callback, s.receive))
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // It ends with Close.
	return s, nil
}

// Close ends every call and frees the port.
func (s *Standin) Close() error {
	s.stop()
	if err := s.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close ticketing stand-in: %w", err)
	}
	return nil
}

// URL is the address of a part: the base of an API, or where callbacks go.
func (s *Standin) URL(p Part) string { return "http://" + s.listener.Addr().String() + "/" + string(p) }

// CallbackURL is where callbacks go.
func (s *Standin) CallbackURL() string { return s.URL(Callback) + "/results" }

// Settings are the handler's settings by which it tells this stand-in.
func (s *Standin) Settings() map[string]string {
	apis, _ := json.Marshal(map[string]any{
		"jira":       map[string]string{"url": s.URL(Jira), "user": JiraUser, "tokenSetting": "JIRA_API_TOKEN"},
		"servicenow": map[string]string{"url": s.URL(ServiceNow), "user": ServiceNowUser, "tokenSetting": "SERVICENOW_PASSWORD"},
	})
	return map[string]string{
		"TICKET_APIS": string(apis), "JIRA_API_TOKEN": jiraToken, "SERVICENOW_PASSWORD": serviceNowPass,
		"CALLBACK_SECRET": callbackSecret, "ALLOWED_CALLBACKS": "127.0.0.1",
	}
}

// Comments are those of an issue's key or of a record's number, the oldest first.
func (s *Standin) Comments(key string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.comments[key])
}

// Deliveries are the callbacks that a check's result came with, the oldest first, also those that were answered badly.
func (s *Standin) Deliveries(checkID string) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries[checkID])
}

// Checks are the ids that callbacks came for, sorted.
func (s *Standin) Checks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id := range s.deliveries {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Calls counts what a part was asked, whatever it answered.
func (s *Standin) Calls(p Part) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[p]
}

// Keep adds a comment, as somebody else would, and gives their number.
func (s *Standin) Keep(key, text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments[key] = append(s.comments[key], text)
	return len(s.comments[key])
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // The caller may be gone.
}

func isJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}
