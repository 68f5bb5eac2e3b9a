package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// What a browser gets after real checks: the list, the route with its charts, the wave with who holds it up.
func TestPagesOfLists(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	// On a busy machine a way can be slow, which is a warning.
	if r := b.run(t, b.check("well")); r.Verdict != report.Ready && r.Verdict != report.ReadyWithWarnings {
		t.Fatalf("verdict %s: %s", r.Verdict, r.Headline)
	}
	broken := b.check("broken")
	broken.Source.Databases = []string{"nowhere"}
	if r := b.run(t, broken); r.Verdict != report.NotReady {
		t.Fatalf("verdict %s: %s", r.Verdict, r.Headline)
	}
	listed(t, b, "/api/checks?route=orders-db", "broken well")
	b.shows(t, "/api/checks", http.StatusOK, `href="/api/checks/broken"`, `href="/api/checks/well"`, "HBA_ADDRESS_NOT_ALLOWED",
		`href="/api/routes/orders-db"`, "of 2 shown, newest first")
	b.shows(t, "/api/checks?verdict=not_ready", http.StatusOK, `href="/api/checks/broken"`, "of 1 shown")
	b.shows(t, "/api/checks?verdict=unsupported", http.StatusOK, "No check fits")
	b.shows(t, "/api/checks?verdict=fine", http.StatusBadRequest, "The filter verdict is not a verdict")
	b.shows(t, "/api/routes", http.StatusOK, "No route is registered yet")
	b.shows(t, "/api/routes/orders-db", http.StatusOK, "Not ready: orders-db", "This route is not registered", "HBA_ADDRESS_NOT_ALLOWED",
		"The last 2 checks", "It ran in 2 of 2 checks", "1 broke there", "<th scope=\"row\">login</th>")
	b.shows(t, "/api/routes/nowhere", http.StatusNotFound, "There is no such route")
	b.shows(t, "/api/waves/2026-12", http.StatusOK, "0 of 1 routes are ready", "Source, login: broken, first broken: HBA_ADDRESS_NOT_ALLOWED",
		"Target, login: ", "Source, prerequisites: not asked", "Who holds it up")
	b.shows(t, "/api/waves/2030-01", http.StatusNotFound, "There is no such wave")
	b.shows(t, "/api/checks/broken", http.StatusOK, `href="/api/checks"`, `href="/api/waves/2026-12"`)
}

// shows asks as a browser does until the page has all the words: what it shows follows the report.
func (b *bench) shows(t *testing.T, path string, status int, words ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		response, page := b.browse(t, path)
		var missing []string
		for _, word := range words {
			if !strings.Contains(page, word) {
				missing = append(missing, word)
			}
		}
		right := response.StatusCode == status && response.Header.Get("Vary") == "Accept" &&
			response.Header.Get("Content-Type") == "text/html; charset=utf-8" &&
			strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'none'")
		if right && len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d %v, without %q:\n%s", path, response.StatusCode, response.Header, missing, page)
		}
	}
}

func (b *bench) browse(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(page)
}
