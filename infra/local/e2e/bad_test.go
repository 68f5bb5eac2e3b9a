package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestBadRequestsBecomeReports(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	unknown := strings.Replace(string(b.check("unknown-field").JSON()), `"host"`, `"hots"`, 1)
	inline := strings.Replace(string(b.check("inline-password").JSON()), `"user"`, `"password":"hunter2-planted","user"`, 1)
	for _, c := range []struct {
		id, body string
		code     finding.Code
		field    string
	}{
		{"not-json", "this is not JSON", finding.RequestInvalid, ""},
		{"unknown-field", unknown, finding.RequestInvalid, "source.hots"},
		{"inline-password", inline, finding.RequestSecretInline, "source.password"},
	} {
		t.Run(c.id, func(t *testing.T) {
			b.send(t, c.id, []byte(c.body))
			r := b.await(t, c.id)
			if r.Verdict != report.Rejected || r.FirstBroken == nil || r.FirstBroken.Code != c.code {
				t.Fatalf("verdict %s, %+v: %s", r.Verdict, r.FirstBroken, r.Headline)
			}
			if field, _ := r.Findings[0].Args["field"].(string); field != c.field {
				t.Errorf("field %q, want %q", field, c.field)
			}
			if c.id != "not-json" && !strings.Contains(string(r.Request), `"requestedBy":"e2e"`) {
				t.Errorf("who asked is not known: %s", r.Request)
			}
			if raw, _ := json.Marshal(r); bytes.Contains(raw, []byte("hunter2-planted")) {
				t.Error("the inline password stands in the report")
			}
		})
	}
	if strings.Contains(b.log.String(), "hunter2-planted") {
		t.Error("the inline password stands in the log")
	}
	t.Run("a body of 2 MB", func(t *testing.T) {
		response, body := b.post(t, "/api/checks", bytes.NewReader(bytes.Repeat([]byte(" "), 2<<20)))
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d: %s", response.StatusCode, body)
		}
		if r := b.run(t, b.check("after-the-large-one")); r.Verdict != report.Ready {
			t.Errorf("verdict %s: %s", r.Verdict, r.Headline)
		}
	})
}

func TestTargetsOutsideTheAllowList(t *testing.T) {
	t.Parallel()
	address := func(text string) dnsserver.Script {
		return dnsserver.Script{Addresses: []netip.Addr{netip.MustParseAddr(text)}}
	}
	b := start(t, map[string]dnsserver.Script{
		"public.example":                       address("203.0.113.9"),
		"metadata.example":                     address("169.254.169.254"),
		"loopback.example":                     address("127.0.0.2"),
		"metadata.postgres.database.azure.com": address("169.254.169.254"),
	}, map[string]string{"ALLOWED_TARGETS": "127.0.0.1/32,*.postgres.database.azure.com", "ALLOWED_PORTS": "5432-65535"})
	for id, change := range map[string]func(*request.Endpoint){
		"by-name":                     func(e *request.Endpoint) { e.Host = "public.example" },
		"by-resolved-metadata":        func(e *request.Endpoint) { e.Host = "metadata.example" },
		"by-resolved-loopback":        func(e *request.Endpoint) { e.Host = "loopback.example" },
		"by-allowed-name-to-metadata": func(e *request.Endpoint) { e.Host = "metadata.postgres.database.azure.com" },
		"by-custom-address":           func(e *request.Endpoint) { e.Address = "169.254.169.254" },
		"by-port":                     func(e *request.Endpoint) { e.Port = 22 },
	} {
		t.Run(id, func(t *testing.T) {
			c := b.check(id)
			change(&c.Source)
			r := b.run(t, c)
			if r.Verdict != report.Rejected || r.FirstBroken.Code != finding.RequestTargetNotAllowed {
				t.Errorf("verdict %s, findings %s: %s", r.Verdict, codes(r), r.Headline)
			}
		})
	}
}

func TestPeersThatAreNoServers(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	for _, c := range []struct {
		id    string
		serve func(net.Conn)
		code  finding.Code
	}{
		{"silent", func(net.Conn) {}, finding.PeerSilent},
		{"junk", func(conn net.Conn) { _, _ = conn.Write(bytes.Repeat([]byte{0xde, 0xad}, 5000)) }, finding.PeerNotPostgres},
	} {
		t.Run(c.id, func(t *testing.T) {
			check := b.check(c.id)
			check.Source.Port = listen(t, c.serve)
			r := b.run(t, check)
			if r.Verdict != report.NotReady || r.FirstBroken.Code != c.code || r.FirstBroken.Leg != "source" {
				t.Errorf("verdict %s, findings %s: %s", r.Verdict, codes(r), r.Headline)
			}
			if limit := 10100.0; r.ElapsedMs > limit {
				t.Errorf("took %.0f ms of %.0f", r.ElapsedMs, limit)
			}
		})
	}
}

// listen accepts connections for the rest of the test and gives the port.
func listen(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go serve(conn)
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	number, _ := strconv.Atoi(port)
	return number
}

// slowPeer keeps a check busy until the test lets it go, and says when the check has come.
func slowPeer(t *testing.T) (port int, reached <-chan struct{}) {
	came := make(chan struct{}, 100)
	return listen(t, func(net.Conn) { came <- struct{}{} }), came
}

func await(t *testing.T, what string, came <-chan struct{}) {
	t.Helper()
	select {
	case <-came:
	case <-time.After(patience):
		t.Fatal("waited in vain for " + what)
	}
}

func TestHandlerKilledDuringACheck(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	c := b.check("killed")
	var reached <-chan struct{}
	c.Source.Port, reached = slowPeer(t)
	b.send(t, c.ID, c.JSON())
	await(t, "the check", reached)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Host.KillHandler(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "the second delivery", reached)
	if r := b.await(t, c.ID); r.FirstBroken == nil || r.FirstBroken.Code != finding.PeerSilent {
		t.Errorf("findings %s: %s", codes(r), r.Headline)
	}
	listed(t, b, "/api/checks?route=orders-db", "killed")
}
