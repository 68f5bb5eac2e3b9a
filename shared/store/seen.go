package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/pgpreflight/pgpreflight/shared/ticket"
)

// Sighting is what stands under a delivery's key.
type Sighting struct {
	// Digest is that of what was delivered, CheckID the check that it led to.
	Digest, CheckID string
	// Known tells that the same was delivered before.
	Known bool
}

// See notes a delivery under its key, in table Checks as the row `ticket`, and gives what stands there: what was
// delivered first or, where the key's digests move, last. Where nothing stood there that is the delivery itself, with
// the given check.
func (s *Store) See(ctx context.Context, seen ticket.Seen, checkID string) (Sighting, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	var stands Sighting
	err := s.contest(ctx, "note delivery", func() error {
		before, etag, err := s.sighting(ctx, seen.Key)
		if err != nil {
			return err
		}
		if stands = before; before.Digest == seen.Digest {
			stands.Known = true
			return nil
		}
		if before.Digest != "" && !seen.Moves {
			return nil
		}
		stands = Sighting{Digest: seen.Digest, CheckID: checkID}
		r := row{partition: seen.Key, key: keyTicket, columns: map[string]any{
			"Digest": stands.Digest, "CheckId": stands.CheckID, "SeenAt": timestamp(s.now())}}
		if before.Digest == "" {
			return s.insert(ctx, "note delivery", tableChecks, r)
		}
		return s.mergeIf(ctx, "note delivery", tableChecks, r, etag)
	})
	return stands, err
}

// sighting reads one; empty where there is none.
func (s *Store) sighting(ctx context.Context, key string) (Sighting, azcore.ETag, error) {
	raw, etag, err := s.get(ctx, "read delivery", tableChecks, row{partition: key, key: keyTicket})
	if err != nil || raw == nil {
		return Sighting{}, "", err
	}
	var columns struct {
		Digest  string
		CheckID string `json:"CheckId"`
	}
	if err := json.Unmarshal(raw, &columns); err != nil {
		return Sighting{}, "", fmt.Errorf("read delivery: %w", err)
	}
	if columns.Digest == "" || columns.CheckID == "" {
		return Sighting{}, "", errors.New("read delivery: the row has no digest or no check")
	}
	return Sighting{Digest: columns.Digest, CheckID: columns.CheckID}, etag, nil
}
