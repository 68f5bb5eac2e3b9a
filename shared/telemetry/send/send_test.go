package send

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tracecollector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

func client(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	asked := &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, asked
}

func TestOnceAndNoMore(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 202, 204, 301, 307, 400, 401, 403, 404, 413, 500, 501} {
		s, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		err := client(t, Options{URL: s.URL}).Post(t.Context(), []byte("x"))
		said, failed := errors.AsType[*StatusError](err)
		if failed != (status >= 300) || failed && said.Status != status || asked.Load() != 1 {
			t.Errorf("%d: %v, asked %d times", status, err, asked.Load())
		}
	}
}

func TestAgainWhereTheCollectorAsksForIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			first := atomic.Bool{}
			s, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if !first.Swap(true) {
					w.WriteHeader(status)
				}
			})
			if err := client(t, Options{URL: s.URL}).Post(t.Context(), []byte("x")); err != nil || asked.Load() != 2 {
				t.Errorf("%v, asked %d times", err, asked.Load())
			}
		})
	}
}

// Where the wait would be longer than what is left, there is none.
func TestRetryAfterBeyondTheTimeout(t *testing.T) {
	t.Parallel()
	s, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3000")
		w.WriteHeader(503)
	})
	err := client(t, Options{URL: s.URL}).Post(t.Context(), []byte("x"))
	if _, failed := errors.AsType[*StatusError](err); !failed || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

func TestCollectorThatIsSilent(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s, _ := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	err := client(t, Options{URL: s.URL, Timeout: 50 * time.Millisecond}).Post(t.Context(), []byte("x"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestCollectorThatIsGone(t *testing.T) {
	t.Parallel()
	if err := client(t, Options{URL: "http://127.0.0.1:1", Timeout: 10 * time.Millisecond}).Post(t.Context(), []byte("x")); err == nil {
		t.Error("delivered")
	}
}

func TestPartlyRejected(t *testing.T) {
	t.Parallel()
	for count, want := range map[int64]uint64{0: 0, 7: 7, 300: 300} {
		raw, err := proto.Marshal(&tracecollector.ExportTraceServiceResponse{PartialSuccess: &tracecollector.
			ExportTracePartialSuccess{RejectedSpans: count, ErrorMessage: "too old"}})
		if err != nil {
			t.Fatal(err)
		}
		s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
		err = client(t, Options{URL: s.URL}).Post(t.Context(), []byte("x"))
		said, failed := errors.AsType[*RejectedError](err)
		if failed != (want > 0) || failed && said.Count != want {
			t.Errorf("%d: %v", count, err)
		}
	}
}

func FuzzRejected(f *testing.F) {
	for _, seed := range []string{"", "\x0a\x02\x08\x07", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x08", "\x12\x01\x0a", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, answer []byte) { _ = rejected(answer) })
}

func TestHeadersAndNoSecretInErrors(t *testing.T) {
	t.Parallel()
	var got http.Header
	s, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.WriteHeader(401)
	})
	c := client(t, Options{URL: s.URL, Gzip: true, Headers: map[string]secret.String{"authorization": secret.New("Bearer t0ken")}})
	err := c.Post(t.Context(), []byte("x"))
	if err == nil || strings.Contains(err.Error(), "t0ken") {
		t.Error(err)
	}
	if got.Get("Authorization") != "Bearer t0ken" || got.Get("Content-Encoding") != "gzip" ||
		got.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("%v", got)
	}
}

func TestOwnRoots(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "roots.pem")
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, roots, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := client(t, Options{URL: s.URL, Certificate: path}).Post(t.Context(), []byte("x")); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{filepath.Join(t.TempDir(), "missing.pem"), os.Args[0]} {
		if _, err := New(Options{URL: s.URL, Certificate: wrong}); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}
