package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// planted is a secret that must come out of Reveal and of nothing else.
const planted = "Hunter2!"

// settings is a fake environment.
func settings(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// identity is a fake credential; it counts nothing and caches nothing.
type identity func(options policy.TokenRequestOptions) (azcore.AccessToken, error)

func (i identity) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return i(options)
}

func granting(token string) identity {
	return func(policy.TokenRequestOptions) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
	}
}

func refusing(err error) identity {
	return func(policy.TokenRequestOptions) (azcore.AccessToken, error) { return azcore.AccessToken{}, err }
}

// wantUnavailable checks an error for its source and its reason, and for what must not be in it.
func wantUnavailable(t *testing.T, err error, source, why string) {
	t.Helper()
	missing, ok := errors.AsType[*credential.Unavailable](err)
	if !ok {
		t.Fatalf("got %v, want an *Unavailable", err)
	}
	if missing.Source != source || !strings.Contains(missing.Why, why) {
		t.Errorf("got %q, want source %q and %q", missing, source, why)
	}
	if strings.Contains(missing.Error(), planted) {
		t.Errorf("the secret is in %q", missing)
	}
}

func TestSetting(t *testing.T) {
	t.Parallel()
	resolver := credential.New(credential.Options{
		Getenv: settings(map[string]string{
			"ORDERS_PW": planted, "JIRA_WEBHOOK_SECRET": planted, "REPORT_LINK_KEY": planted,
			"UNRESOLVED": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/" + planted + ")",
			"SPACED":     " @microsoft.keyvault(VaultName=kv;SecretName=x)", "BROKEN": planted + "\n", "ZERO": planted + "\x00",
		}),
		Reserved: []string{"JIRA_WEBHOOK_SECRET"},
	})
	value, err := resolver.Resolve(t.Context(), request.Credential{Setting: "ORDERS_PW"})
	if err != nil || value.Reveal() != planted {
		t.Fatalf("got %v, %v", value, err)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", value, value, value, value); strings.Contains(printed, planted) {
		t.Errorf("the secret prints: %s", printed)
	}
	for name, why := range map[string]string{
		"MISSING": "not set", "UNRESOLVED": "could not resolve", "SPACED": "could not resolve", "BROKEN": "line break",
		"ZERO": "zero byte", "REPORT_LINK_KEY": "pgpreflight itself", "JIRA_WEBHOOK_SECRET": "pgpreflight itself",
		"jira_webhook_secret": "pgpreflight itself",
	} {
		value, err := resolver.Resolve(t.Context(), request.Credential{Setting: name})
		wantUnavailable(t, err, "setting "+name, why)
		if !value.Empty() {
			t.Errorf("%s: a value comes with the error", name)
		}
	}
}

func TestNoCredential(t *testing.T) {
	t.Parallel()
	_, err := credential.New(credential.Options{Getenv: settings(nil)}).Resolve(t.Context(), request.Credential{})
	wantUnavailable(t, err, "credential", "none is named")
}

func TestEntraToken(t *testing.T) {
	t.Parallel()
	expires := time.Date(2026, 11, 22, 8, 0, 0, 0, time.FixedZone("CET", 3600))
	for scope, want := range map[string]string{
		"": "https://ossrdbms-aad.database.windows.net/.default",
		"https://ossrdbms-aad.database.chinacloudapi.cn/.default": "https://ossrdbms-aad.database.chinacloudapi.cn/.default",
	} {
		var asked []string
		resolver := credential.New(credential.Options{Getenv: settings(nil), Scope: scope,
			Identity: identity(func(options policy.TokenRequestOptions) (azcore.AccessToken, error) {
				asked = options.Scopes
				return azcore.AccessToken{Token: planted, ExpiresOn: expires}, nil
			})})
		value, err := resolver.Resolve(t.Context(), request.Credential{Entra: true})
		if err != nil || value.Reveal() != planted {
			t.Fatalf("got %v, %v", value, err)
		}
		if len(asked) != 1 || asked[0] != want {
			t.Errorf("asked for %v, want %s", asked, want)
		}
		token, err := resolver.Token(t.Context())
		if err != nil || !token.ExpiresOn.Equal(expires) || token.ExpiresOn.Location() != time.UTC {
			t.Errorf("got expiry %v, %v, want %v in UTC", token.ExpiresOn, err, expires)
		}
		if strings.Contains(fmt.Sprintf("%+v", token), planted) {
			t.Error("the token prints")
		}
	}
}

func TestEntraTokenRefused(t *testing.T) {
	t.Parallel()
	onAzure := map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token"}
	tests := []struct {
		name     string
		settings map[string]string
		err      error
		why      string
	}{
		{"no identity", nil, azidentity.NewCredentialUnavailableError(planted), "IDENTITY_ENDPOINT is not set"},
		{"identity without a reason", onAzure, azidentity.NewCredentialUnavailableError(planted), "gave no token"},
		{"deadline", onAzure, fmt.Errorf("%s: %w", planted, context.DeadlineExceeded), "time of the check was over"},
		{"Entra", onAzure, failed(401, `{"error":"invalid_client","error_codes":[7000215],"error_description":"Hunter2!"}`),
			"the identity service answered 401 AADSTS7000215"},
		{"Entra without a number", onAzure, failed(401, `{"error":"invalid_client"}`), "answered 401 invalid_client"},
		{"an error that is a text", onAzure, failed(500, `{"error":"Hunter2! is wrong"}`), "answered 500"},
		{"not JSON", onAzure, failed(502, `<html>Hunter2!`), "answered 502"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resolver := credential.New(credential.Options{Getenv: settings(test.settings), Identity: refusing(test.err)})
			_, err := resolver.Resolve(t.Context(), request.Credential{Entra: true})
			wantUnavailable(t, err, "Entra token", test.why)
		})
	}
}

// failed is the error of an identity that got an answer.
func failed(status int, body string) error {
	return &azidentity.AuthenticationFailedError{RawResponse: answer(nil, status, body)}
}

func TestNothingIsBuiltAtTheStart(t *testing.T) {
	t.Parallel()
	var calls []string
	resolver := credential.New(credential.Options{
		Getenv: func(name string) string { calls = append(calls, name); return "" },
		Client: azcore.ClientOptions{Transport: transport(func(*http.Request) (*http.Response, error) {
			calls = append(calls, "call")
			return nil, errors.New("not expected")
		})},
	})
	if resolver == nil || len(calls) != 0 {
		t.Errorf("New has already asked for %v", calls)
	}
}
