package web

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
)

func ask(t *testing.T, c *Client, address string, within time.Duration) (Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.Do(r)
}

func loopback() Options { return Options{Hosts: Hosts{"127.0.0.1"}} }

func TestAnswers(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/followed", http.StatusFound)
		case "/followed":
			followed.Store(true)
		default:
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Agent", r.Header.Get("User-Agent"))
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(s.Close)
	a, err := ask(t, New(loopback()), s.URL+"/echo", time.Minute)
	if err != nil || a.Status != http.StatusOK || string(a.Body) != "body" || a.Header.Get("X-Agent") != "pgpreflight" {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = ask(t, New(loopback()), s.URL+"/redirect", time.Minute)
	if err != nil || a.Status != http.StatusFound || followed.Load() {
		t.Errorf("redirect: %+v, %v, followed %v", a, err, followed.Load())
	}
}

// Each of them is told by a text of our own, and by whether the request may have arrived.
func TestFailures(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	running, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-running.Done()
		case "/cut":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
				_ = conn.Close()
			}
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(bad.Close)
	t.Cleanup(stop) // before the server waits for its handlers
	for _, c := range []struct {
		name, address, text string
		sent                bool
		within              time.Duration
	}{
		{"closed port", closed.URL, "it refused the connection", false, time.Minute},
		{"untrusted certificate", untrusted.URL, "its certificate is not trusted", false, time.Minute},
		{"plain instead of TLS", strings.Replace(bad.URL, "http:", "https:", 1), "it does not agree on TLS", false, time.Minute},
		{"silence", bad.URL + "/silent?token=planted", "it gave no answer in time", true, 300 * time.Millisecond},
		{"half an answer", bad.URL + "/cut", "its answer broke off", true, time.Minute},
		{"no answer but an end", bad.URL + "/abort", "the connection broke off", true, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ask(t, New(loopback()), c.address, c.within)
			failure, ok := errors.AsType[*FailedError](err)
			if !ok || failure.Error() != c.text || failure.Sent != c.sent {
				t.Errorf("got %#v: %v", failure, err)
			}
		})
	}
}

func TestRootsOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	o := loopback()
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(s.Certificate())
	if a, err := ask(t, New(o), s.URL, time.Minute); err != nil || a.Status != http.StatusNotFound {
		t.Errorf("%+v, %v", a, err)
	}
}

// An allowed name that leads to an address which is not, is refused before a packet leaves.
func TestNamesThatLeadAstray(t *testing.T) {
	t.Parallel()
	address := func(text ...string) dnsserver.Script {
		var s dnsserver.Script
		for _, a := range text {
			s.Addresses = append(s.Addresses, netip.MustParseAddr(a))
		}
		return s
	}
	names, err := dnsserver.Start(dnsserver.Options{Names: map[string]dnsserver.Script{
		"metadata.example.com": address("169.254.169.254"),
		"loopback.example.com": address("127.0.0.1"),
		"private.example.com":  address("10.0.0.1", "fd00::1"),
		"hooks.corp.example":   address("127.0.0.1"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(names.Close)
	var asked atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Hosts: Hosts{".example.com", "hooks.corp.example"}, Resolvers: []netip.AddrPort{names.Address()}}
	for _, host := range []string{"metadata.example.com", "loopback.example.com", "private.example.com",
		"hooks.corp.example"} {
		_, err := ask(t, New(o), "https://"+net.JoinHostPort(host, port), time.Minute)
		if refused, ok := errors.AsType[*RefusedError](err); !ok {
			t.Errorf("%s: %v (%v)", host, err, refused)
		}
	}
	_, err = ask(t, New(o), "https://nowhere.example.com", time.Minute)
	if failure, ok := errors.AsType[*FailedError](err); !ok || failure.Error() != "its name does not resolve" {
		t.Errorf("a name that is not there: %v", err)
	}
	if asked.Load() {
		t.Error("somebody was asked")
	}
}
