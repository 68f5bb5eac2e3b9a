package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// pollEvery is how often a report is asked for.
const pollEvery = 100 * time.Millisecond

// Report waits until a check has its report, as a caller of the interface would.
func (s *Stack) Report(ctx context.Context, id string) (report.Report, error) {
	for {
		status, body, err := s.Get(ctx, "/api/checks/"+id)
		if err != nil {
			return report.Report{}, err
		}
		switch status {
		case http.StatusOK:
			var r report.Report
			if err := json.Unmarshal(body, &r); err != nil {
				return report.Report{}, fmt.Errorf("read report %s: %w", id, err)
			}
			return r, nil
		case http.StatusAccepted, http.StatusNotFound: // running, or still unknown on its way through the queue
		default:
			return report.Report{}, fmt.Errorf("ask for report %s: status %d: %s", id, status, body)
		}
		select {
		case <-ctx.Done():
			return report.Report{}, fmt.Errorf("wait for report %s: %w", id, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

// Get asks the interface under the host's address.
func (s *Stack) Get(ctx context.Context, path string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", path, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", path, err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", path, err)
	}
	return response.StatusCode, body, nil
}
