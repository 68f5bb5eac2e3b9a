package servicebus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Depth counts the messages of a queue by state. Azure's ActiveMessageCount is Active and Locked together.
type Depth struct {
	Active     int `json:"active"`
	Locked     int `json:"locked"`
	Deferred   int `json:"deferred"`
	Scheduled  int `json:"scheduled"`
	DeadLetter int `json:"deadLetter"`
}

// Faults to inject; the zero value asks for none. The first three last until ClearFaults or a restart.
type Faults struct {
	RejectTokens       bool   `json:"rejectTokens,omitempty"`       // put-token is answered with 401
	RejectSends        string `json:"rejectSends,omitempty"`        // condition for every send: com.microsoft:server-busy
	DispositionDelayMs int    `json:"dispositionDelayMs,omitempty"` // settlements take effect this late
	DetachLinks        string `json:"detachLinks,omitempty"`        // queue whose receiving links are detached now
	LoseLocks          string `json:"loseLocks,omitempty"`          // queue (or sub-queue) whose locks end now
	DropConnections    bool   `json:"dropConnections,omitempty"`    // cut every connection now
}

const controlLimit = 5 * time.Second

// Depths tells how many messages every queue holds.
func (s *Standin) Depths(ctx context.Context) (map[string]Depth, error) {
	depths := map[string]Depth{}
	if err := s.call(ctx, http.MethodGet, "/queues", nil, &depths); err != nil {
		return nil, fmt.Errorf("read queue depths: %w", err)
	}
	return depths, nil
}

// Inject adds these faults to those already set.
func (s *Standin) Inject(ctx context.Context, faults Faults) error {
	body, err := json.Marshal(faults)
	if err != nil {
		return fmt.Errorf("encode faults: %w", err)
	}
	if err := s.call(ctx, http.MethodPost, "/faults", body, nil); err != nil {
		return fmt.Errorf("inject faults: %w", err)
	}
	return nil
}

// ClearFaults turns every lasting fault off.
func (s *Standin) ClearFaults(ctx context.Context) error {
	if err := s.call(ctx, http.MethodDelete, "/faults", nil, nil); err != nil {
		return fmt.Errorf("clear faults: %w", err)
	}
	return nil
}

func (s *Standin) call(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, controlLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.ControlURL()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Close = true // a kept connection would be dead after a restart
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
