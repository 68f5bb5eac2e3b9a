package checks

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A caller who asks for too much is told when to come back, and nothing of its request is queued.
func TestQuota(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{one("c-1"): 1, "[" + one("c-1") + "," + one("c-2") + "," + nameless() + ",{}]": 3} {
		f, asked, left := &fakes{}, 0, true
		h := f.handler()
		h.Quota = func(_ *http.Request, checks int) (time.Duration, bool) {
			asked = checks
			return 7 * time.Second, left
		}
		if w := call(h, "POST", "/api/checks", body); w.Code != 202 || asked != want {
			t.Errorf("%d %s, asked for %d", w.Code, w.Body, asked)
		}
		f.sent, left = nil, false
		w := call(h, "POST", "/api/checks", body)
		wantProblem(t, w, 429, "")
		if w.Header().Get("Retry-After") != "7" || !strings.Contains(w.Body.String(), "7 s") || len(f.sent) != 0 {
			t.Errorf("%v %s, sent %d", w.Header(), w.Body, len(f.sent))
		}
	}
}
