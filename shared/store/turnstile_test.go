package store

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// counted is a service that takes a second for each call.
type counted struct {
	mu        sync.Mutex
	now, most int
}

func (c *counted) Do(r *http.Request) (*http.Response, error) {
	c.add(1)
	defer c.add(-1)
	time.Sleep(time.Second)
	return &http.Response{StatusCode: http.StatusOK, Request: r, Body: http.NoBody}, nil
}

func (c *counted) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.most = max(c.most, c.now)
}

func TestTurnstile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &counted{}
		pipeline := runtime.NewPipeline("test", "", runtime.PipelineOptions{PerCall: []policy.Policy{make(turnstile, 3)}},
			&azcore.ClientOptions{Transport: service})
		call := func(ctx context.Context) error {
			r, err := runtime.NewRequest(ctx, http.MethodGet, "http://127.0.0.1/")
			if err != nil {
				return err
			}
			_, err = pipeline.Do(r)
			return err
		}
		var calls sync.WaitGroup
		for range 9 {
			calls.Go(func() {
				if err := call(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who could not wait: %v", err)
		}
		calls.Wait()
		if service.most != 3 || service.now != 0 {
			t.Errorf("%d calls at once, %d still run", service.most, service.now)
		}
	})
}
