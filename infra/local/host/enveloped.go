package host

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

// enveloped calls an HTTP function in the default way, with the request inside the invocation.
func (h *Host) enveloped(w http.ResponseWriter, r *http.Request, t target) {
	response, err := h.envelope(r, t)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(response.Status)
	if _, err := w.Write(response.Body); err != nil {
		h.log.Info("the caller did not take the answer", "error", err)
	}
}

func (h *Host) envelope(r *http.Request, t target) (invocation.HTTPResponse, error) {
	request := invocation.HTTPRequest{
		URL:     "http://" + r.Host + r.RequestURI,
		Method:  r.Method,
		Query:   query(r.URL.RawQuery),
		Headers: headers(r),
	}
	if t.function.HTTP.Level != config.Anonymous && h.options.Key != "" {
		request.KeyName = "default"
	}
	for _, name := range t.function.HTTP.Route.Params() {
		param := invocation.Param{Name: name}
		if value, found := t.params[name]; found {
			param.Value = &value
		}
		request.Params = append(request.Params, param)
	}
	// Without a length there is no body, so a chunked one is lost (facts section 2.4).
	if r.ContentLength > 0 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return invocation.HTTPResponse{}, fmt.Errorf("read request: %w", err)
		}
		request.Body = body
	}
	text, err := invocation.HTTP(t.function.Binding, request, system(t.function))
	if err != nil {
		return invocation.HTTPResponse{}, err
	}
	result, err := h.invoke(r.Context(), t.function, text)
	if err != nil {
		return invocation.HTTPResponse{}, err
	}
	response, err := result.Response(t.function.HTTP.Output)
	if err == nil && (response.Status < 100 || response.Status > 999) {
		err = fmt.Errorf("status code %d is not possible", response.Status)
	}
	return response, err
}

// query keeps the order of the parameters, as the real host does; a repeated one collects its values.
func query(raw string) []invocation.Field {
	var fields []invocation.Field
	for _, pair := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if pair == "" {
			continue
		}
		at := slices.IndexFunc(fields, func(f invocation.Field) bool { return strings.EqualFold(f.Name, name) })
		if at < 0 {
			fields = append(fields, invocation.Field{Name: name})
			at = len(fields) - 1
		}
		fields[at].Values = append(fields[at].Values, value)
	}
	return fields
}

func unescape(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// headers come sorted by name, with those that net/http keeps elsewhere.
func headers(r *http.Request) []invocation.Field {
	all := r.Header.Clone()
	all.Set("Host", r.Host)
	if r.ContentLength > 0 {
		all.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	var fields []invocation.Field
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fields = append(fields, invocation.Field{Name: name, Values: all[name]})
	}
	return fields
}
