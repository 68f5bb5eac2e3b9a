package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
)

// get asks an exporter for one probe of each end.
func get(urls []string) work {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	return func(ctx context.Context, _ int) string {
		var both errgroup.Group
		outcomes := make([]string, len(urls))
		for i, url := range urls {
			both.Go(func() (err error) { outcomes[i], err = probe(ctx, client, url); return err })
		}
		if err := both.Wait(); err != nil {
			return err.Error()
		}
		for _, o := range outcomes {
			if o != "ready" {
				return o
			}
		}
		return "ready"
	}
}

func probe(ctx context.Context, client *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	metrics, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(metrics), "\nprobe_success 1\n") {
		return "probe_success is not 1", nil
	}
	return "ready", nil
}
