package tls

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"sync"
	"time"
)

const (
	// mostChains is far more than the servers that one instance checks.
	mostChains = 4096
	// chainLife is how long a chain counts: with time, another one for the same certificates may last longer.
	chainLife = time.Hour
)

// Chains remembers which certificates were found to be trusted, and until when: the same ones under the same roots are
// trusted again, and checking signatures is much of what a handshake costs. The question of the name is asked anew each
// time, and distrust is never remembered. A nil Chains remembers nothing.
type Chains struct {
	mu      sync.Mutex
	trusted map[chainKey]Verification
}

// chainKey is what the answer depends on, but for the time.
type chainKey struct {
	roots     *x509.CertPool
	presented [sha256.Size]byte
}

// NewChains remembers nothing yet.
func NewChains() *Chains { return &Chains{trusted: map[chainKey]Verification{}} }

// known gives the trust and the dates of a chain, where it was verified less than an hour ago and its dates hold.
func (c *Chains) known(key chainKey, now time.Time) (Verification, bool) {
	if c == nil {
		return Verification{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.trusted[key]
	return v, ok && v.Holds(now) && !now.Before(v.At) && now.Sub(v.At) < chainLife
}

// keep remembers a chain that is trusted and whose dates hold.
func (c *Chains) keep(key chainKey, v Verification) {
	if c == nil || !v.Trusted || !v.Holds(v.At) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.trusted) >= mostChains {
		clear(c.trusted) // servers that show another certificate each time must not fill the memory
	}
	c.trusted[key] = v
}

func keyOf(presented []*x509.Certificate, roots *x509.CertPool) chainKey {
	hash := sha256.New()
	for _, c := range presented {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(c.Raw))))
		hash.Write(c.Raw)
	}
	key := chainKey{roots: roots}
	hash.Sum(key.presented[:0])
	return key
}
