// Package arm is an in-memory Azure management plane on loopback, enough for the unmodified azurerm provider to apply,
// plan and destroy infra/ without an account. It keeps what was asked of it, so that a test can judge the very bodies
// that would have gone to Azure. It refuses what Azure's order of things would refuse: a child without its parent, a
// reference to a resource that does not exist. It knows nothing of quotas, regions, policies or delays.
package arm

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
)

// The made-up account that everything belongs to.
const (
	Subscription = "00000000-0000-0000-0000-000000000000"
	Tenant       = "00000000-0000-0000-0000-000000000001"
	// Secret is in every key, password and connection string that the plane gives out: whoever looks for it in a body
	// or in a state finds what leaked.
	Secret = "c2VjcmV0LW9mLXRoZS1mYWtlLXBsYW5l"
)

// Call is one request that changes something: PUT, PATCH, DELETE.
type Call struct {
	Method string
	// ID is the resource's id as it was sent, Type its type in lower case, such as microsoft.storage/storageaccounts.
	ID, Type string
	// Body is the JSON object that was sent; nil without one.
	Body map[string]any
}

// Plane is the management plane. Make one with Start, and Close it.
type Plane struct {
	server *httptest.Server
	guard  *guard
	roots  []byte

	mu        sync.Mutex
	resources map[string]map[string]any // by id in lower case
	roles     map[string]string         // id of a built-in role => name
	calls     []Call
	refused   []string
}

// Start listens on a loopback port with a certificate of a throw-away authority.
func Start() (*Plane, error) {
	authority, err := pki.NewAuthority("throw-away management plane")
	if err != nil {
		return nil, err
	}
	certificate, err := authority.Issue(pki.Options{CommonName: "127.0.0.1", Names: []string{"127.0.0.1"}})
	if err != nil {
		return nil, err
	}
	p := &Plane{guard: startGuard(authority), roots: authority.PEM(), resources: map[string]map[string]any{},
		roles: map[string]string{}}
	p.server = httptest.NewUnstartedServer(p)
	p.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	p.server.StartTLS()
	return p, nil
}

// Close stops listening.
func (p *Plane) Close() {
	p.server.Close()
	p.guard.server.Close()
}

// Proxy is the address for HTTP_PROXY and HTTPS_PROXY of what must reach nothing but this plane.
func (p *Plane) Proxy() string { return p.guard.server.URL }

// Strayed are the hosts that somebody wanted to reach through the proxy, as METHOD HOST:PORT.
func (p *Plane) Strayed() []string {
	p.guard.mu.Lock()
	defer p.guard.mu.Unlock()
	return append([]string(nil), p.guard.tried...)
}

// Host is the address as host:port, for ARM_METADATA_HOSTNAME.
func (p *Plane) Host() string { return strings.TrimPrefix(p.server.URL, "https://") }

// Roots is the authority's certificate in PEM, for SSL_CERT_FILE.
func (p *Plane) Roots() []byte { return p.roots }

// Seed puts a resource there that somebody else made. Its properties may be nil.
func (p *Plane) Seed(id string, properties map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store(path(id), map[string]any{"location": "westeurope", "properties": properties})
}

// Calls are the changes so far, in order.
func (p *Plane) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Call(nil), p.calls...)
}

// Refused are the requests that were answered with an error of ours, as METHOD PATH: reason.
func (p *Plane) Refused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.refused...)
}

// Resources are the ids of what exists, in lower case.
func (p *Plane) Resources() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make([]string, 0, len(p.resources))
	for id := range p.resources {
		ids = append(ids, id)
	}
	return ids
}

// ServeHTTP implements http.Handler.
func (p *Plane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var body map[string]any
	if r.Body != nil && r.ContentLength != 0 {
		// Forms (the token request) and empty bodies are no JSON, and nobody reads them.
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	at := path(strings.TrimSuffix(r.URL.Path, "/"))
	// The provider waits ten seconds before it asks again; with this header of its SDK it does not.
	w.Header().Set("X-Go-Azure-Sdk-Skip-Polling-Delay", "true")
	w.Header().Set("Retry-After", "0")
	switch {
	case p.account(w, at):
	case at.resourceType() == "microsoft.authorization/roledefinitions" && r.Method == http.MethodGet && p.role(w, r, at):
	case r.Method == http.MethodPut || r.Method == http.MethodPatch:
		p.write(w, r, at, body)
	case r.Method == http.MethodDelete:
		p.remove(w, at)
	case r.Method == http.MethodPost:
		p.act(w, at)
	default:
		p.read(w, at)
	}
}

func (p *Plane) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	p.refused = append(p.refused, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, reason))
	fail(w, status, reason)
}

func fail(w http.ResponseWriter, status int, reason string) {
	reply(w, status, map[string]any{"error": map[string]any{"code": strings.ReplaceAll(http.StatusText(status), " ", ""),
		"message": reason}})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that went away is the end of the test's own process.
	_ = json.NewEncoder(w).Encode(v)
}
