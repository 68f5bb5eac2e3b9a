package e2e_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// pages are what a browser gets: the report with what changed since the check before, and a plain refusal without a
// signed link.
func pages(t *testing.T, b *bench) {
	c := b.check("now-closed")
	c.Source.Port = listen(t, func(conn net.Conn) { conn.Close() })
	b.run(t, c)
	for _, asked := range []struct {
		path   string
		status int
		want   []string
	}{
		{"/api/checks/now-closed?format=html", http.StatusOK, []string{"Not ready", "Changed since the last check of the route",
			"was ready, is not ready"}},
		{"/api/checks/healthy?format=html", http.StatusOK, []string{"Ready", "open as far as it was walked"}},
		{"/api/checks/nowhere?format=html", http.StatusNotFound, []string{"There is no such check", `http-equiv="refresh"`}},
		{"/api/reports/healthy?format=html", http.StatusForbidden, []string{"This address does not open the report",
			"ask whoever sent you"}},
	} {
		status, body, err := b.Get(t.Context(), asked.path)
		if err != nil || status != asked.status {
			t.Errorf("%s: status %d, %v", asked.path, status, err)
		}
		for _, text := range asked.want {
			if !strings.Contains(string(body), text) {
				t.Errorf("%s: %q is not in\n%s", asked.path, text, body)
			}
		}
	}
}
