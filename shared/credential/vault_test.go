package credential_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const (
	vaultSecret = "https://kv-1.vault.azure.net/secrets/orders"
	vaultSource = "Key Vault secret " + vaultSecret
)

type transport func(r *http.Request) (*http.Response, error)

func (t transport) Do(r *http.Request) (*http.Response, error) { return t(r) }

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// sentTo leads every call to a server on loopback, whatever host it is for.
func sentTo(address string) transport {
	return func(r *http.Request) (*http.Response, error) {
		target, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		moved := r.Clone(r.Context())
		moved.Host = r.URL.Host
		moved.URL.Scheme, moved.URL.Host = target.Scheme, target.Host
		return http.DefaultClient.Do(moved)
	}
}

// keyVault challenges a call without a token, as the service does, and gives the handler those with one.
func keyVault(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			handle(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/0-1", `+
			`resource="https://vault.azure.net"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return server
}

func fromVault(id azcore.TokenCredential, send policy.Transporter) *credential.Resolver {
	// A second try would only make the tests slow.
	client := azcore.ClientOptions{Transport: send, Retry: policy.RetryOptions{MaxRetries: -1}}
	return credential.New(credential.Options{Getenv: settings(nil), Identity: id, Client: client})
}

func TestKeyVaultSecret(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := keyVault(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Host+r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = fmt.Fprintf(w, `{"value":%q}`, planted)
	})
	resolver := fromVault(granting("t0ken"), sentTo(server.URL))
	var group sync.WaitGroup
	for _, address := range []string{vaultSecret, vaultSecret + "/0af", "https://kv-2.vault.azure.net/secrets/other/"} {
		group.Go(func() {
			value, err := resolver.Resolve(t.Context(), request.Credential{KeyVaultSecret: address})
			if err != nil || value.Reveal() != planted {
				t.Errorf("%s: got %v, %v", address, value, err)
			}
		})
	}
	group.Wait()
	all := strings.Join(asked, "\n")
	for _, want := range []string{
		"kv-1.vault.azure.net/secrets/orders/ Bearer t0ken", "kv-1.vault.azure.net/secrets/orders/0af Bearer t0ken",
		"kv-2.vault.azure.net/secrets/other/ Bearer t0ken",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no call %q in\n%s", want, all)
		}
	}
}

func TestKeyVaultAnswers(t *testing.T) {
	t.Parallel()
	code := func(outer, inner string) string {
		return fmt.Sprintf(`{"error":{"code":%q,"message":"Hunter2!","innererror":{"code":%q}}}`, outer, inner)
	}
	tests := []struct {
		status    int
		body, why string
	}{
		{403, code("Forbidden", "ForbiddenByRbac"), "Key Vault answered 403 ForbiddenByRbac: the identity lacks the role"},
		{403, code("Forbidden", "AccessDenied"), "access policy"},
		{403, code("Forbidden", "ForbiddenByFirewall"), "firewall"},
		{403, code("Forbidden", "ForbiddenByConnection"), "private endpoint"},
		{403, code("Forbidden", "SecretDisabled"), "disabled"},
		{403, code("Forbidden", ""), "Key Vault answered 403 Forbidden: one of: the identity lacks"},
		{403, "<html>Hunter2!", "Key Vault answered 403: one of"},
		{403, code("Hunter2!", ""), "Key Vault answered 403: one of"},
		{404, code("SecretNotFound", ""), "no such secret"},
		{404, "", "Key Vault answered 404: there is no such secret"},
		{401, code("Unauthorized", ""), "tenant"},
		{401, "", "Key Vault answered 401"},
		{429, code("Throttled", ""), "too many"},
		{400, code("BadParameter", ""), "Key Vault answered 400 BadParameter"},
		{500, "", "Key Vault answered 500"},
		{200, `{"value":""}`, "is empty"},
		{200, `{}`, "is empty"},
		{200, `{"value":"Hunter2!\n"}`, "line break"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status, test.body), func(t *testing.T) {
			t.Parallel()
			server := keyVault(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := fromVault(granting("t0ken"), sentTo(server.URL)).
				Resolve(t.Context(), request.Credential{KeyVaultSecret: vaultSecret})
			wantUnavailable(t, err, vaultSource, test.why)
		})
	}
}

func TestKeyVaultOutOfReach(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	lookup := func(err net.DNSError) transport {
		return func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: &err} }
	}
	for why, send := range map[string]transport{
		"the name kv-1.vault.azure.net was not found in DNS":         lookup(net.DNSError{IsNotFound: true, Err: planted}),
		"DNS gave no answer for kv-1.vault.azure.net":                lookup(net.DNSError{IsTimeout: true, Err: planted}),
		"kv-1.vault.azure.net cannot be reached: connection refused": sentTo("http://" + closed.Addr().String()),
		"the certificate of kv-1.vault.azure.net is not trusted":     sentTo(untrusted.URL),
		"kv-1.vault.azure.net cannot be reached":                     func(*http.Request) (*http.Response, error) { return nil, io.EOF },
		"kv-1.vault.azure.net gave an answer that is not understood (status 200)": func(r *http.Request) (*http.Response, error) {
			return answer(r, http.StatusOK, planted), nil
		},
	} {
		_, err := fromVault(granting("t0ken"), send).Resolve(t.Context(), request.Credential{KeyVaultSecret: vaultSecret})
		wantUnavailable(t, err, vaultSource, why)
	}
}

func TestKeyVaultThatNeverAnswers(t *testing.T) {
	t.Parallel()
	server := keyVault(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	resolver := fromVault(granting("t0ken"), sentTo(server.URL))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := resolver.Resolve(ctx, request.Credential{KeyVaultSecret: vaultSecret})
	wantUnavailable(t, err, vaultSource, "did not answer in time")

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = resolver.Resolve(ctx, request.Credential{KeyVaultSecret: vaultSecret})
	wantUnavailable(t, err, vaultSource, "the check ended before")
}

func TestKeyVaultWithoutAnIdentity(t *testing.T) {
	t.Parallel()
	server := keyVault(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	resolver := fromVault(refusing(azidentity.NewCredentialUnavailableError(planted)), sentTo(server.URL))
	_, err := resolver.Resolve(t.Context(), request.Credential{KeyVaultSecret: vaultSecret})
	wantUnavailable(t, err, vaultSource, "IDENTITY_ENDPOINT is not set")
}

func TestKeyVaultAddressOfAnotherHost(t *testing.T) {
	t.Parallel()
	resolver := fromVault(granting("t0ken"), transport(func(*http.Request) (*http.Response, error) {
		t.Error("a call was made")
		return nil, io.EOF
	}))
	_, err := resolver.Resolve(t.Context(), request.Credential{KeyVaultSecret: "https://" + planted + ".example.com/secrets/x"})
	wantUnavailable(t, err, "Key Vault secret", "not one of a secret")
}
