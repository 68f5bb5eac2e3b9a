package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/envelope"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "00-" + traceID + "-b7ad6b7169203331-01"
)

func TestTraceOf(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		parent: traceID, parent + "-more": traceID, "": "", "00": "",
		strings.ToUpper(parent): "", strings.ReplaceAll(parent, "-", "_"): "", parent[:54]: "",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01": "",
		"00-" + traceID[:31] + "\n-b7ad6b7169203331-01":          "",
	} {
		if got := traceOf(header); got != want {
			t.Errorf("%q: %q", header, got)
		}
	}
}

// Without a watch an invocation costs what its mark for the log costs, and nothing more.
func TestNoCostWithoutAWatch(t *testing.T) {
	m := New(slog.New(slog.DiscardHandler), nil, nil)
	header := http.Header{"X-Azure-Functions-Invocationid": {"inv-1"}, "Traceparent": {parent}}
	var sink context.Context
	invocation := &logging.Invocation{ID: header.Get("X-Azure-Functions-InvocationId"), Function: "RunCheck", Trace: traceID}
	mark := testing.AllocsPerRun(1000, func() {
		sink = logging.WithInvocation(context.Background(), *invocation)
	})
	begin := testing.AllocsPerRun(1000, func() {
		ctx, ended := m.begin(context.Background(), Call{Function: "RunCheck", Header: header, Began: time.Time{}})
		ended(Ended{})
		sink = ctx
	})
	if sink == nil || begin != mark {
		t.Errorf("%v allocations, the log's mark has %v", begin, mark)
	}
}

type watchedKey struct{}

// watched records what a watch is told.
type watched struct {
	calls []Call
	ends  []Ended
}

func (w *watched) watch(ctx context.Context, c Call) (context.Context, string, func(Ended)) {
	w.calls = append(w.calls, c)
	return context.WithValue(ctx, watchedKey{}, "inside"), "of-the-watch", func(e Ended) { w.ends = append(w.ends, e) }
}

func TestWatch(t *testing.T) {
	t.Parallel()
	message := `{"Data":{"message":"eA=="},"Metadata":{"ApplicationProperties":{"Diagnostic-Id":"` + parent + `"}}}`
	tests := map[string]struct {
		method, path, body string
		want               Call
		ended              Ended
	}{
		"a function":          {"POST", "/Good", message, Call{Function: "Good", Origin: parent}, Ended{}},
		"one that fails":      {"POST", "/Bad", message, Call{Function: "Bad", Origin: parent}, Ended{Failed: true}},
		"no envelope":         {"POST", "/Good", "nonsense", Call{Function: "Good"}, Ended{Failed: true}},
		"not called by POST":  {"GET", "/Good", "", Call{Function: "Good"}, Ended{Failed: true}},
		"a forwarded request": {"GET", "/api/things/7", "", Call{Function: "Things", Method: "GET", Route: "things/{id?}"}, Ended{Status: 418}},
		"another method": {"PUT", "/api/things/7", "", Call{Function: "Things", Method: "PUT", Route: "things/{id?}"},
			Ended{Status: 405}},
		"one that panics": {"POST", "/api/things/7", "", Call{Function: "Things", Method: "POST", Route: "things/{id?}"},
			Ended{Status: 500, Failed: true}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told, log := &watched{}, &bytes.Buffer{}
			m := New(logging.New(logging.Options{Writer: log}), []Function{
				{Name: "Good", Limit: time.Minute, Run: func(ctx context.Context, _ envelope.Invocation) (envelope.Answer, error) {
					if ctx.Value(watchedKey{}) != "inside" {
						t.Error("it ran outside of the watch's context")
					}
					return envelope.Answer{}, nil
				}},
				{Name: "Bad", Limit: time.Minute, Run: func(context.Context, envelope.Invocation) (envelope.Answer, error) {
					return envelope.Answer{}, context.Canceled
				}},
			}, []HTTPFunction{{Name: "Things", Route: "things/{id?}", Methods: []string{"GET", "POST"}, Limit: time.Minute,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						panic("it broke")
					}
					w.WriteHeader(http.StatusTeapot)
				})}}).Watched(told.watch)
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			r.Header.Set("X-Azure-Functions-InvocationId", "inv-1")
			m.ServeHTTP(httptest.NewRecorder(), r)
			if len(told.calls) != 1 || len(told.ends) != 1 || told.ends[0] != test.ended {
				t.Fatalf("%+v, %+v", told.calls, told.ends)
			}
			got := told.calls[0]
			if got.Began.IsZero() || got.ID != "inv-1" || got.Header.Get("X-Azure-Functions-InvocationId") != "inv-1" {
				t.Errorf("%+v", got)
			}
			if got.Function != test.want.Function || got.Origin != test.want.Origin || got.Method != test.want.Method ||
				got.Route != test.want.Route {
				t.Errorf("%+v", got)
			}
			if text := log.String(); text != "" && !strings.Contains(text, `"traceId":"of-the-watch"`) {
				t.Error(text)
			}
		})
	}
}

// The host's trace is in the log also where nothing is exported: it leads to the host's own telemetry.
func TestTraceOfTheHostInTheLog(t *testing.T) {
	t.Parallel()
	log := &bytes.Buffer{}
	m := New(logging.New(logging.Options{Writer: log}), []Function{{Name: "Good", Limit: time.Minute,
		Run: func(context.Context, envelope.Invocation) (envelope.Answer, error) { return envelope.Answer{}, nil }}}, nil)
	r := httptest.NewRequest("POST", "/Good", strings.NewReader(`{"Data":{}}`))
	r.Header.Set("traceparent", parent)
	m.ServeHTTP(httptest.NewRecorder(), r)
	if !strings.Contains(log.String(), `"traceId":"`+traceID+`"`) {
		t.Error(log.String())
	}
}
