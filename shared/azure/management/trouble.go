package management

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/credential"
)

// trouble says why something was not read. Of what Azure sent it takes codes and the missing action, and no other text.
func trouble(ctx context.Context, err error) azure.Trouble {
	answer, answered := errors.AsType[*azcore.ResponseError](err)
	switch {
	case answered:
		return refused(answer)
	case errors.Is(err, errOverLimit), errors.Is(err, errTooManyPages):
		return azure.Trouble{Kind: azure.OverLimit}
	case errors.Is(err, errElsewhere), errors.Is(err, errNotARead):
		return azure.Trouble{Kind: azure.Failed, Detail: "not asked: it would have left the management plane"}
	case ctx.Err() != nil:
		return azure.Trouble{Kind: azure.TimedOut}
	}
	if why := unreachable(err); why != "" {
		return azure.Trouble{Kind: azure.Unreachable, Detail: why}
	}
	return azure.Trouble{Kind: azure.Failed, Detail: "the answer was not understood"}
}

func refused(answer *azcore.ResponseError) azure.Trouble {
	out := azure.Trouble{Kind: azure.Failed, Detail: code(answer)}
	switch answer.StatusCode {
	case http.StatusForbidden:
		out.Kind, out.Action = azure.NotPermitted, missing(answer)
	case http.StatusNotFound:
		out.Kind = azure.NotFound
	case http.StatusTooManyRequests:
		out.Kind = azure.Throttled
	}
	return out
}

// code is the status with Azure's error code, if it is shaped like one: text of the other side does not get into a
// report.
func code(answer *azcore.ResponseError) string {
	if regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`).MatchString(answer.ErrorCode) {
		return fmt.Sprintf("%d %s", answer.StatusCode, answer.ErrorCode)
	}
	return fmt.Sprint(answer.StatusCode)
}

// missing is the action that a 403 says the identity lacks. Azure names it in the message only: "… does not have
// authorization to perform action 'Microsoft.Network/virtualNetworks/read' over scope …".
func missing(answer *azcore.ResponseError) string {
	if answer.RawResponse == nil {
		return ""
	}
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	raw, err := runtime.Payload(answer.RawResponse)
	if err != nil || json.Unmarshal(raw, &body) != nil {
		return ""
	}
	named := regexp.MustCompile(`action '([A-Za-z0-9.]{1,64}(?:/[A-Za-z0-9]{1,64}){1,6})'`).
		FindStringSubmatch(body.Error.Message)
	if named == nil {
		return ""
	}
	return named[1]
}

// unreachable says where the way to the management plane ended; "" where it did not end on the way.
func unreachable(err error) string {
	if wrong, ok := errors.AsType[*net.DNSError](err); ok {
		if wrong.IsNotFound {
			return "its name was not found in DNS"
		}
		return "DNS gave no answer for its name"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted here, as behind a firewall that inspects TLS"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Sprintf("errno %d", int(errno))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "the connection ended in the middle of an answer"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return "the connection broke"
	}
	return ""
}

func whyNoToken(ctx context.Context, err error) string {
	if known, ok := errors.AsType[*credential.Unavailable](err); ok {
		return known.Why
	}
	if ctx.Err() != nil {
		return "no token came in time"
	}
	return "no token could be had"
}
