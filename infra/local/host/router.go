package host

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/host/config"
)

// longestBody is the real host's limit for a request, in bytes (facts section 3, limits).
const longestBody = 100 << 20

// router serves the HTTP functions, the address for Event Grid and the little of the admin interface that tests need.
func (h *Host) router() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/host/ping", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /admin/functions/{name}", h.admin)
	// The mux would redirect paths such as //api; the real host does not.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/admin/") {
			mux.ServeHTTP(w, r)
			return
		}
		if isEventHook(r.URL.Path) {
			h.eventHook(w, r)
			return
		}
		h.route(w, r)
	})
}

// route finds the function. A known route with another method is not found, as in the real host, where the method is a
// constraint of the route.
func (h *Host) route(w http.ResponseWriter, r *http.Request) {
	path, ok := h.withoutPrefix(r.URL.EscapedPath())
	if !ok {
		http.NotFound(w, r)
		return
	}
	var best *config.Function
	var params map[string]string
	for i, f := range h.functions {
		if f.HTTP == nil || len(f.HTTP.Methods) > 0 && !slices.Contains(f.HTTP.Methods, r.Method) {
			continue
		}
		values, matches := f.HTTP.Route.Match(path)
		if matches && (best == nil || f.HTTP.Route.Before(best.HTTP.Route)) {
			best, params = &h.functions[i], values
		}
	}
	switch {
	case best == nil:
		http.NotFound(w, r)
	case best.HTTP.Level != config.Anonymous && !h.admits(r):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, longestBody)
		h.serveFunction(w, r, target{*best, params})
	}
}

// target is the function that a request goes to, with its route parameters.
type target struct {
	function config.Function
	params   map[string]string
}

// serveFunction picks the way of calling. Only a function with one httpTrigger and one http output can be proxied or
// forwarded, and proxying wins (facts section 4).
func (h *Host) serveFunction(w http.ResponseWriter, r *http.Request, t target) {
	plain := t.function.HTTP.Output != ""
	switch {
	case plain && h.config.Handler.Proxying && !h.options.OldHost:
		h.proxied(w, r, t)
	case plain && h.config.Handler.Forwarding:
		h.forwarded(w, r, t)
	default:
		h.enveloped(w, r, t)
	}
}

func (h *Host) withoutPrefix(path string) (string, bool) {
	prefix := "/"
	if h.config.RoutePrefix != "" {
		prefix = "/" + h.config.RoutePrefix + "/"
	}
	if len(path) < len(prefix) || !strings.EqualFold(path[:len(prefix)], prefix) {
		return "", false
	}
	return path[len(prefix):], true
}

// admits checks the key in ?code= or x-functions-key.
func (h *Host) admits(r *http.Request) bool {
	if h.options.Key == "" {
		return true
	}
	for _, offered := range []string{r.Header.Get("x-functions-key"), r.URL.Query().Get("code")} {
		if subtle.ConstantTimeCompare([]byte(offered), []byte(h.options.Key)) == 1 {
			return true
		}
	}
	return false
}

// admin runs a timer by hand and answers 202 at once, as the real host does. Other triggers are not simulated here:
// they have a queue or an address of their own.
func (h *Host) admin(w http.ResponseWriter, r *http.Request) {
	if !h.admits(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name := r.PathValue("name")
	if _, found := h.timers[name]; !found {
		http.Error(w, "no timer function "+name, http.StatusNotFound)
		return
	}
	h.running.Go(func() {
		if err := h.RunTimer(h.calls, name); err != nil {
			h.log.Error("run by hand failed", "function", name, "error", err)
		}
	})
	w.WriteHeader(http.StatusAccepted)
}

// fail answers for an invocation that failed, unless the caller has gone.
func (h *Host) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case r.Context().Err() != nil:
		h.log.Info("the caller disconnected", "path", r.URL.Path)
	case errors.As(err, &tooLarge):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}
