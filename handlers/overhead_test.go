package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// at once are the parts of a check that are not the handler's own: the probing, and the calls to the tables.
type atOnce struct{ tables }

func (atOnce) Run(_ context.Context, c request.Check) (report.Report, error) {
	r := reporttest.Ready()
	r.ID = c.ID
	return r, nil
}
func (atOnce) Finished(context.Context, string) (bool, error)             { return false, nil }
func (atOnce) MarkRunning(context.Context, string) error                  { return nil }
func (atOnce) Save(context.Context, report.Report) (store.Outcome, error) { return store.Stored, nil }
func (atOnce) Route(context.Context, string) (store.Route, error) {
	return store.Route{}, store.ErrNoRoute
}
func (atOnce) ChangeRoute(context.Context, string, func(store.Route) store.Route) error { return nil }

// BenchmarkInvocation is what the handler adds to a check of its own: the host's call over loopback, the envelope, the
// request, the slot, the log line and the answer. cpu-ms/op is the processor time of the whole process, and so of the
// little client that plays the host too.
func BenchmarkInvocation(b *testing.B) {
	s, err := settings.Parse(func(string) string { return "" })
	if err != nil {
		b.Fatal(err)
	}
	mux := server.New(quiet(), functions(s, parts{checker: atOnce{}, store: atOnce{}}, time.Now, quiet()), nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	web := &http.Server{Handler: mux}
	go func() { _ = web.Serve(listener) }()
	defer web.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	call, answers := hostCall(b), bufio.NewReader(conn)
	used := processorTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(call); err != nil {
			b.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			b.Fatalf("%v, %v", answer, err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	b.ReportMetric(float64((processorTime(b)-used).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// hostCall is a call of RunCheck as the host sends it, with a full request as its message.
func hostCall(b *testing.B) []byte {
	b.Helper()
	raw, err := os.ReadFile("../shared/envelope/testdata/requests/03-servicebus-queue-binary-dataType-binary.json")
	if err != nil {
		b.Fatal(err)
	}
	var envelope struct {
		Data     map[string]string
		Metadata json.RawMessage
	}
	if err := json.Unmarshal(raw, &envelope); err != nil {
		b.Fatal(err)
	}
	message, err := os.ReadFile("../docs/samples/check.json")
	if err != nil {
		b.Fatal(err)
	}
	envelope.Data["message"] = base64.StdEncoding.EncodeToString(message)
	body, err := json.Marshal(envelope)
	if err != nil {
		b.Fatal(err)
	}
	head := fmt.Sprintf("POST /RunCheck HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\n"+
		"X-Azure-Functions-InvocationId: bench\r\nContent-Length: %d\r\n\r\n", len(body))
	return append([]byte(head), body...)
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
