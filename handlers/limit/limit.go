// Package limit bounds how many checks one caller may ask for over HTTP, per instance. It knows callers by their
// key and address, of which it keeps a digest.
package limit

import (
	"crypto/sha256"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// callersMost bounds the callers that are remembered. Beyond it those are forgotten who have used nothing lately.
const callersMost = 10_000

// Limiter gives every caller so many checks a minute, and as many at once. It is safe for concurrent use.
type Limiter struct {
	perMinute float64
	now       func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
}

// bucket is what a caller had left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// New makes a limiter.
func New(perMinute int, now func() time.Time) *Limiter {
	return &Limiter{perMinute: float64(perMinute), now: now, buckets: map[string]bucket{}}
}

// Take takes checks from what the request's caller has left. Where that is not enough it takes nothing and says how
// long to wait, in whole seconds; more than the caller ever has is not refused for ever, but waits for a full bucket.
func (l *Limiter) Take(r *http.Request, checks int) (wait time.Duration, ok bool) {
	return l.TakeOf(callerOf(r), checks)
}

// TakeOf is Take for a caller who is known by a name of ours.
func (l *Limiter) TakeOf(caller string, checks int) (wait time.Duration, ok bool) {
	now, wanted := l.now(), math.Min(float64(checks), l.perMinute)
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.left(caller, now)
	if left >= wanted {
		l.forget(now)
		l.buckets[caller] = bucket{left - wanted, now}
		return 0, true
	}
	seconds := math.Ceil((wanted - left) / l.perMinute * 60)
	return time.Duration(seconds) * time.Second, false
}

func (l *Limiter) left(caller string, now time.Time) float64 {
	b, known := l.buckets[caller]
	if !known {
		return l.perMinute
	}
	return math.Min(l.perMinute, b.left+now.Sub(b.at).Minutes()*l.perMinute)
}

// forget drops callers whose bucket is full again: they are as good as new.
func (l *Limiter) forget(now time.Time) {
	if len(l.buckets) < callersMost {
		return
	}
	for caller := range l.buckets {
		if l.left(caller, now) >= l.perMinute {
			delete(l.buckets, caller)
		}
	}
}

// callerOf is the function key together with the address that the front end saw, since one key is often shared. Only a
// digest is kept.
func callerOf(r *http.Request) string {
	key := r.Header.Get("X-Functions-Key")
	if key == "" {
		key = r.URL.Query().Get("code")
	}
	sum := sha256.Sum256([]byte(key + "\x00" + lastHop(r)))
	return string(sum[:16])
}

// lastHop is the address that App Service's front end appended; those before it are the caller's own words.
func lastHop(r *http.Request) string {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	hop := strings.TrimSpace(hops[len(hops)-1])
	if host, port, ok := strings.Cut(hop, ":"); ok && !strings.Contains(port, ":") {
		return host // IPv4 comes with its port, which changes with every connection.
	}
	if end := strings.LastIndex(hop, "]"); end > 0 {
		return hop[:end]
	}
	return hop
}
