package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// proxied streams a request to the handler and the answer back (facts section 4): same path and query, the handler's
// own address as Host, the client's User-Agent.
func (h *Host) proxied(w http.ResponseWriter, r *http.Request, t target) {
	// Without this the server reads a request to its end before the first byte of an answer; the real host does not.
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
		h.log.Debug("no full duplex", "error", err)
	}
	brokeOff := false
	err := h.within(r.Context(), t.function, func(ctx context.Context, c call) error {
		var failed error
		proxy := &httputil.ReverseProxy{
			Transport:     h.proxy,
			FlushInterval: -1,
			ErrorLog:      h.server.ErrorLog,
			ErrorHandler:  func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
			Rewrite:       func(p *httputil.ProxyRequest) { rewrite(p, c) },
		}
		if brokeOff = breaksOff(func() { proxy.ServeHTTP(w, r.WithContext(ctx)) }); brokeOff {
			failed = errBrokeOff
		}
		return failed
	})
	if brokeOff {
		// The caller must see that the answer is not whole.
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

var errBrokeOff = errors.New("handler's answer broke off")

// breaksOff catches the panic with which the proxy ends a half-sent answer, so that the rules for a failed invocation
// come first.
func breaksOff(serve func()) (broke bool) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			broke = true
		default:
			panic(cause)
		}
	}()
	serve()
	return false
}

func rewrite(p *httputil.ProxyRequest, c call) {
	p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", strings.TrimPrefix(c.process.URL(), "http://"), ""
	// The proxy drops what it cannot parse and what a client says of itself; the real host passes both on.
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, found := p.In.Header[name]; found {
			p.Out.Header[name] = values
		}
	}
	p.Out.Header.Set(versionHeader, version)
	p.Out.Header.Set(invocationHeader, c.id)
	p.Out.Header.Set(proxyHeader, c.id)
}

// forwarded is the older way: the request is read first, a body without a length is lost, the query is written anew
// from its decoded values, Host stays and User-Agent grows.
func (h *Host) forwarded(w http.ResponseWriter, r *http.Request, t target) {
	err := h.within(r.Context(), t.function, func(ctx context.Context, c call) error {
		request, err := forwardedRequest(ctx, r, c)
		if err != nil {
			return err
		}
		response, err := h.client.Do(request)
		if err != nil {
			return fmt.Errorf("forward request: %w", err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return fmt.Errorf("read handler's answer: %w", err)
		}
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		if _, err := w.Write(body); err != nil {
			h.log.Info("the caller did not take the answer", "error", err)
		}
		return nil
	})
	if err != nil {
		h.fail(w, r, err)
	}
}

func forwardedRequest(ctx context.Context, r *http.Request, c call) (*http.Request, error) {
	var body []byte
	if r.ContentLength > 0 {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
	}
	address := c.process.URL() + r.URL.EscapedPath()
	if rebuilt := rebuild(r.URL.RawQuery); rebuilt != "" {
		address += "?" + rebuilt
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make forwarded request: %w", err)
	}
	request.Header = r.Header.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Upgrade", "Te", "Trailer"} {
		request.Header.Del(name)
	}
	request.Host = r.Host
	request.Header.Set(versionHeader, version)
	request.Header.Set(invocationHeader, c.id)
	agent := strings.TrimSpace(r.UserAgent() + " Azure-Functions-Host/" + version)
	request.Header.Set("User-Agent", agent)
	return request, nil
}

// rebuild writes a query anew in its order.
func rebuild(raw string) string {
	var pairs []string
	for _, field := range query(raw) {
		for _, value := range field.Values {
			pairs = append(pairs, url.QueryEscape(field.Name)+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(pairs, "&")
}
