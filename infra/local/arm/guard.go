package arm

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
)

// guard is a proxy that lets nothing through. A program that is told to use it for everything but loopback (Go programs
// never send loopback to a proxy) can reach nothing else, and what it tried is known. Key Vaults it plays itself, as they
// are for somebody outside of their network: azurerm asks a vault's data plane for contacts whenever it reads a vault.
type guard struct {
	server    *httptest.Server
	authority *pki.Authority
	mu        sync.Mutex
	tried     []string
}

func startGuard(authority *pki.Authority) *guard {
	g := &guard{authority: authority}
	g.server = httptest.NewServer(g)
	return g
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err == nil && r.Method == http.MethodConnect && strings.HasSuffix(host, ".vault.azure.net") {
		g.vault(w, host)
		return
	}
	g.mu.Lock()
	g.tried = append(g.tried, r.Method+" "+r.Host)
	g.mu.Unlock()
	http.Error(w, "nothing but loopback", http.StatusForbidden)
}

// vault answers every question to the vault of that name with 403, until the client closes.
func (g *guard) vault(w http.ResponseWriter, host string) {
	certificate, err := g.authority.Issue(pki.Options{CommonName: host, Names: []string{host}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	forbid(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}))
}

func forbid(conn net.Conn) {
	const body = `{"error":{"code":"Forbidden","message":"Public network access is disabled",` +
		`"innererror":{"code":"ForbiddenByConnection"}}}`
	in := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		answer := http.Response{StatusCode: http.StatusForbidden, ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)),
			Body: io.NopCloser(strings.NewReader(body))}
		if err := answer.Write(conn); err != nil {
			return
		}
	}
}
