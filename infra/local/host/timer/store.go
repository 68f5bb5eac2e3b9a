package timer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

// FileStore keeps a status in a JSON file of its own.
type FileStore struct{ Path string }

// Load implements Store.
func (s FileStore) Load() (*invocation.Schedule, error) {
	raw, err := os.ReadFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read schedule status: %w", err)
	}
	var status invocation.Schedule
	if err := json.Unmarshal(raw, &status); err != nil {
		return nil, fmt.Errorf("parse schedule status %s: %w", s.Path, err)
	}
	return &status, nil
}

// Save implements Store.
func (s FileStore) Save(status invocation.Schedule) error {
	raw, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("encode schedule status: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o755); err != nil {
		return fmt.Errorf("make folder for schedule status: %w", err)
	}
	if err := os.WriteFile(s.Path, raw, 0o600); err != nil {
		return fmt.Errorf("write schedule status: %w", err)
	}
	return nil
}
