package credential

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// metadataService is where an Azure VM gets its tokens; App Service has an endpoint of its own.
const metadataService = "169.254.169.254"

// explain says in a few words why a fetch failed. Of what the other side sent it uses the status and error codes only.
func (r *Resolver) explain(err error, seen *sight) string {
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return vaultAnswer(answer)
	}
	host, status, network := seen.last()
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && failed.RawResponse != nil {
		return r.called(host) + identityAnswer(failed.RawResponse)
	}
	if network == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return "the time of the check was over before it could be asked for"
	}
	atDesk := r.options.Getenv("IDENTITY_ENDPOINT") == "" && (host == "" || host == metadataService)
	switch {
	case atDesk:
		return r.noIdentity()
	case network != nil:
		return networkFailure(r.called(host), network)
	case status != 0:
		return fmt.Sprintf("%s gave an answer that is not understood (status %d)", r.called(host), status)
	default:
		return r.noIdentity()
	}
}

func (r *Resolver) noIdentity() string {
	if r.options.Getenv("IDENTITY_ENDPOINT") == "" {
		return "the app has no managed identity (IDENTITY_ENDPOINT is not set) and no other Azure login was found"
	}
	return "the managed identity of the app gave no token"
}

// called names a host by what it is there for, where that is known.
func (r *Resolver) called(host string) string {
	endpoint, err := url.Parse(r.options.Getenv("IDENTITY_ENDPOINT"))
	switch {
	case host == "":
		return "the identity service"
	case err == nil && endpoint.Host == host:
		return "the managed identity endpoint of the app"
	case host == metadataService:
		return "the instance metadata service"
	default:
		return host
	}
}

func networkFailure(host string, err error) string {
	if wrong, ok := errors.AsType[*net.DNSError](err); ok {
		if wrong.IsNotFound {
			return "the name " + host + " was not found in DNS"
		}
		return "DNS gave no answer for " + host
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate of " + host + " is not trusted here, as behind a firewall that inspects TLS"
	}
	if errors.Is(err, context.Canceled) {
		return "the check ended before " + host + " answered"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return host + " did not answer in time"
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("%s cannot be reached: %s (errno %d)", host, errno, int(errno))
	}
	return host + " cannot be reached"
}

// vaultAnswer tells the cases of a 403 apart: each needs another person to act.
func vaultAnswer(answer *azcore.ResponseError) string {
	inner := innerCode(answer.RawResponse)
	meaning, known := map[string]string{
		"ForbiddenByRbac":       "the identity lacks the role Key Vault Secrets User",
		"AccessDenied":          "the vault's access policy does not give the identity Get on secrets",
		"ForbiddenByFirewall":   "the vault's firewall does not admit the address that the app calls from",
		"ForbiddenByConnection": "the vault has public network access off and the call did not come by its private endpoint",
		"SecretDisabled":        "the secret is disabled",
		"Unauthorized":          "the vault does not accept the identity: it trusts one tenant only",
		"SecretNotFound":        "there is no such secret, or no such version of it",
	}[inner]
	if !known {
		meaning = map[int]string{
			http.StatusForbidden: "one of: the identity lacks the role Key Vault Secrets User (or Get in the access policy), " +
				"or the vault's network rules refuse the app",
			http.StatusNotFound:        "there is no such secret, or no such version of it",
			http.StatusTooManyRequests: "the vault has had too many requests",
		}[answer.StatusCode]
	}
	text := "Key Vault answered " + withCode(answer.StatusCode, inner)
	if meaning == "" {
		return text
	}
	return text + ": " + meaning
}

// innerCode is the most specific code of a Key Vault error body.
func innerCode(response *http.Response) string {
	var body struct {
		Error struct {
			Code       string `json:"code"`
			InnerError struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	readInto(response, &body)
	if body.Error.InnerError.Code != "" {
		return body.Error.InnerError.Code
	}
	return body.Error.Code
}

// identityAnswer reads Entra's error (RFC 6749, section 5.2, with Microsoft's numbers) or that of a managed identity
// endpoint.
func identityAnswer(response *http.Response) string {
	var body struct {
		Error  string `json:"error"`
		Number []int  `json:"error_codes"`
	}
	readInto(response, &body)
	code := body.Error
	if len(body.Number) > 0 {
		code = "AADSTS" + strconv.Itoa(body.Number[0])
	}
	text := " answered " + withCode(response.StatusCode, code)
	if response.StatusCode == http.StatusBadRequest && len(body.Number) == 0 {
		text += ": the app has no such identity; AZURE_CLIENT_ID must name one that is assigned to it, or be left out"
	}
	return text
}

func readInto(response *http.Response, body any) {
	if response == nil {
		return
	}
	if raw, err := runtime.Payload(response); err == nil {
		_ = json.Unmarshal(raw, body) // no code is all that a body in another form costs
	}
}

// withCode adds a code to a status if it is shaped like one: text of the other side does not get into a report.
func withCode(status int, code string) string {
	if !regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`).MatchString(code) {
		return strconv.Itoa(status)
	}
	return strconv.Itoa(status) + " " + code
}
