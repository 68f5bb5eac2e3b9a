package credential_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// managedBy builds the real managed identity credential against an endpoint on loopback. The library reads its
// environment itself, so these tests cannot run beside each other; it caches tokens per audience for the whole process,
// so each run has an audience of its own, named after the endpoint's port.
func managedBy(t *testing.T, endpoint, clientID string) *credential.Resolver {
	t.Helper()
	environment := map[string]string{"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": "h3ader", "AZURE_CLIENT_ID": clientID}
	for name, value := range environment {
		t.Setenv(name, value)
	}
	for _, name := range []string{"IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT", "MSI_SECRET"} {
		t.Setenv(name, "")
	}
	return credential.New(credential.Options{
		Getenv: settings(environment), Scope: audience(t, endpoint) + "/.default",
		Client: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}},
	})
}

func audience(t *testing.T, endpoint string) string {
	t.Helper()
	address, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return "https://port-" + address.Port() + ".example.com"
}

func TestManagedIdentity(t *testing.T) {
	var asked *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_on":"4102444800","resource":"r","token_type":"Bearer"}`, planted)
	}))
	t.Cleanup(server.Close)
	resolver := managedBy(t, server.URL+"/msi/token", "11111111-2222-3333-4444-555555555555")
	token, err := resolver.Token(t.Context())
	if err != nil || token.Value.Reveal() != planted || token.ExpiresOn.Year() != 2100 {
		t.Fatalf("got %v until %v, %v", token.Value, token.ExpiresOn, err)
	}
	query := asked.URL.Query()
	if got := query.Get("resource"); got != audience(t, server.URL) {
		t.Errorf("asked for %q", got)
	}
	if got := query.Get("client_id"); got != "11111111-2222-3333-4444-555555555555" {
		t.Errorf("asked for client id %q", got)
	}
	if asked.Header.Get("X-IDENTITY-HEADER") != "h3ader" {
		t.Error("the endpoint's own header is missing")
	}
}

func TestManagedIdentityThatIsNotAssigned(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found, Hunter2!"}`))
	}))
	t.Cleanup(server.Close)
	_, err := managedBy(t, server.URL+"/msi/token", "").Token(t.Context())
	wantUnavailable(t, err, "Entra token",
		"the managed identity endpoint of the app answered 400: the app has no such identity; AZURE_CLIENT_ID must")
}

func TestManagedIdentityEndpointThatIsDown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	resolver := managedBy(t, "http://"+listener.Addr().String()+"/msi/token", "")
	_, err = resolver.Token(t.Context())
	wantUnavailable(t, err, "Entra token",
		"the managed identity endpoint of the app cannot be reached: connection refused (errno 111)")

	_, err = resolver.Resolve(t.Context(), request.Credential{Entra: true})
	wantUnavailable(t, err, "Entra token", "connection refused")
}

func TestManagedIdentityThatTalksNonsense(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>Hunter2!"))
	}))
	t.Cleanup(server.Close)
	_, err := managedBy(t, server.URL+"/msi/token", "").Token(t.Context())
	wantUnavailable(t, err, "Entra token", "gave an answer that is not understood (status 200)")
}

func TestNewIdentityMakesNoCall(t *testing.T) {
	for _, endpoint := range []string{"", "http://127.0.0.1:1/msi/token"} {
		t.Setenv("IDENTITY_ENDPOINT", endpoint)
		client := azcore.ClientOptions{Transport: transport(func(*http.Request) (*http.Response, error) {
			t.Error("a call was made")
			return nil, net.ErrClosed
		})}
		identity, err := credential.NewIdentity(settings(map[string]string{"IDENTITY_ENDPOINT": endpoint}), client)
		if err != nil || identity == nil {
			t.Errorf("endpoint %q: got %v, %v", endpoint, identity, err)
		}
	}
}
