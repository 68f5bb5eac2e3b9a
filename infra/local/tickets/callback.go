package tickets

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// window is how old a callback may be.
const window = 5 * time.Minute

// Delivery is one callback as it came.
type Delivery struct {
	At     time.Time
	Header http.Header
	Body   []byte
	// Verdict is that of the report in it.
	Verdict string
	// Status is what it was answered: 204, or how the call failed on purpose; 0 where no whole answer was given.
	Status int
	// Problem says what is wrong with signature, time stamp or body; empty where nothing is.
	Problem string
}

// receive checks a callback as its receiver should, and keeps it.
func (s *Standin) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	d := Delivery{At: time.Now(), Header: r.Header.Clone(), Body: body}
	var report struct{ ID, Verdict string }
	if err == nil {
		err = json.Unmarshal(body, &report)
	}
	d.Verdict = report.Verdict
	id := r.Header.Get("X-Check-Id")
	switch {
	case err != nil:
		d.Problem = err.Error()
	case report.ID != id:
		d.Problem = fmt.Sprintf("the report of %q came as that of %q", report.ID, id)
	default:
		d.Problem = verify(r.Header, body, time.Now())
	}
	d.Status = http.StatusNoContent
	if b, failing := r.Context().Value(failingKey{}).(Behaviour); failing {
		d.Status = b.Status
	}
	s.mu.Lock()
	s.deliveries[id] = append(s.deliveries[id], d)
	s.mu.Unlock()
	if d.Problem != "" {
		// A receiver that does not believe its caller tells it so; Status is for what was believed.
		answer(w, http.StatusUnauthorized, map[string]string{"error": d.Problem})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify says what is wrong with a signature.
func verify(h http.Header, body []byte, now time.Time) string {
	stamp := h.Get("X-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > window {
		return "the time stamp is missing, wrong or old"
	}
	mac := hmac.New(sha256.New, []byte(callbackSecret))
	_, _ = mac.Write(append([]byte(stamp+"."), body...)) // It never fails.
	given, found := strings.CutPrefix(h.Get("X-Signature-256"), "sha256=")
	if !found || !hmac.Equal([]byte(given), []byte(hex.EncodeToString(mac.Sum(nil)))) {
		return "the signature is wrong"
	}
	return ""
}
