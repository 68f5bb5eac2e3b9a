package login

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// mostKeys is far more than the roles that one instance logs in as, and 64 bytes each.
const mostKeys = 4096

// Keys remembers salted passwords, which RFC 5802 (section 9) allows: deriving one is the largest piece of a check's
// processor time, and servers keep their salt until the password changes. A salted password is as good as the password
// for logging in to that server, so it stays in memory and has no text form. A nil Keys remembers nothing.
type Keys struct {
	mu     sync.Mutex
	salted map[[sha256.Size]byte][]byte
}

// NewKeys remembers nothing yet.
func NewKeys() *Keys { return &Keys{salted: map[[sha256.Size]byte][]byte{}} }

// String keeps the keys out of logs.
func (*Keys) String() string { return "[redacted]" }

// GoString keeps the keys out of %#v too.
func (*Keys) GoString() string { return "[redacted]" }

// of gives the salted password of a conversation, derived where it is not known. The password is part of what it is
// known by, in a digest: another one, or a wrong one, never meets the same entry.
func (k *Keys) of(ctx context.Context, s *scram) ([]byte, error) {
	if k == nil {
		return saltedPassword(ctx, s)
	}
	name := nameOf(s)
	k.mu.Lock()
	known, ok := k.salted[name]
	k.mu.Unlock()
	if ok {
		return known, nil
	}
	derived, err := saltedPassword(ctx, s)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.salted) >= mostKeys {
		clear(k.salted) // a server that sends another salt each time must not fill the memory
	}
	k.salted[name] = derived
	return derived, nil
}

func nameOf(s *scram) [sha256.Size]byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(s.iterations))
	text = binary.BigEndian.AppendUint64(text, uint64(len(s.salt)))
	text = append(append(text, s.salt...), s.password...)
	return sha256.Sum256(text)
}
