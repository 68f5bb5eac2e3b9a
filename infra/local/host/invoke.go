package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
	"github.com/pgpreflight/pgpreflight/infra/local/host/worker"
)

// version is the host version whose behaviour is simulated.
const version = "4.1037.0.0"

// The headers on calls (facts section 1, headers on each call).
const (
	versionHeader    = "X-Azure-Functions-HostVersion"
	invocationHeader = "X-Azure-Functions-InvocationId"
	proxyHeader      = "x-ms-invocation-id"
)

// ErrFunctionTimeout ends an invocation at functionTimeout; the handler is then killed and started anew.
var ErrFunctionTimeout = errors.New("function timed out")

// errHandlerGone fails the calls in flight when the handler ends.
var errHandlerGone = errors.New("handler ended during the call")

// clients makes the client for default calls and forwarding, and the transport for proxying. Neither decompresses: the
// real host has that off, so a handler that zips its answer fails here too. Redirects of default calls are followed
// unless forwarding is on (facts section 3).
func clients(forwarding bool) (*http.Client, http.RoundTripper) {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	client := &http.Client{Transport: transport}
	if forwarding {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, transport
}

// call is one invocation under way.
type call struct {
	function config.Function
	id       string
	process  *worker.Process
}

// invoke calls a function in the default way: a post of the body to the function's name.
func (h *Host) invoke(ctx context.Context, f config.Function, body []byte) (invocation.Result, error) {
	var result invocation.Result
	err := h.within(ctx, f, func(ctx context.Context, c call) error {
		answer, err := h.post(ctx, c, body)
		if err != nil {
			return err
		}
		output := ""
		if f.HTTP != nil {
			output = f.HTTP.Output
		}
		result, err = invocation.Judge(answer, output)
		if errors.Is(err, invocation.ErrNoResult) {
			h.log.Error("the handler answered with nothing: the invocation hangs", "function", f.Name, "id", c.id)
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return err
	})
	for _, line := range result.Logs {
		h.log.Info(line, "category", "Function."+f.Name+".User")
	}
	return result, err
}

// within runs one invocation under the rules that hold for all of them: it waits for the handler, ends with it, and at
// functionTimeout takes the handler down, and with it every other call in flight (facts section 6).
func (h *Host) within(ctx context.Context, f config.Function, do func(context.Context, call) error) error {
	if limit := h.config.FunctionTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w after %v", ErrFunctionTimeout, limit))
		defer cancel()
	}
	begin, id := time.Now(), uuid.NewString()
	process, err := h.worker.Ready(ctx)
	if err == nil {
		ctx, release := endWith(ctx, process)
		err = do(ctx, call{f, id, process})
		awaitCrash(ctx, err)
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		release()
		if errors.Is(err, ErrFunctionTimeout) {
			process.Discard()
		}
	}
	log := h.log.With("function", f.Name, "id", id, "duration", time.Since(begin).Round(time.Microsecond))
	if err != nil {
		log.Error("executed: failed", "error", err)
		return fmt.Errorf("invoke %s: %w", f.Name, err)
	}
	log.Info("executed: succeeded")
	return nil
}

// awaitCrash waits a moment when a call could not be made or was cut off. A crash breaks the connections before the end
// of the process is noticed; a message abandoned in between would come back to the dead process and lose a delivery.
func awaitCrash(ctx context.Context, err error) {
	var connection *net.OpError
	if !errors.As(err, &connection) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// endWith makes a context that ends with the process too.
func endWith(ctx context.Context, process *worker.Process) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-process.Gone():
			cancel(errHandlerGone)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// post sends a default invocation and reads the whole answer.
func (h *Host) post(ctx context.Context, c call, body []byte) (invocation.Answer, error) {
	address := c.process.URL() + "/" + c.function.Name
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return invocation.Answer{}, fmt.Errorf("make call: %w", err)
	}
	// The real host's content has no length of its own, so it goes in chunks (facts section 1, headers on each call).
	request.ContentLength = -1
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set(versionHeader, version)
	request.Header.Set(invocationHeader, c.id)
	request.Header.Set("User-Agent", "Azure-Functions-Host/"+version)
	response, err := h.client.Do(request)
	if err != nil {
		return invocation.Answer{}, fmt.Errorf("call handler: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return invocation.Answer{}, fmt.Errorf("read handler's answer: %w", err)
	}
	contentType := response.Header.Get("Content-Type")
	return invocation.Answer{Status: response.StatusCode, ContentType: contentType, Body: text}, nil
}
