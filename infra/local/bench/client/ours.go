package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/place"
	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/check"
	"github.com/pgpreflight/pgpreflight/shared/credential"
	"github.com/pgpreflight/pgpreflight/shared/guard"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
	"github.com/pgpreflight/pgpreflight/shared/store"
)

// end is what happens to a finished report.
type end func(context.Context, report.Report) error

// rows builds the rows of the report, and leaves them.
func rows(_ context.Context, r report.Report) error {
	_, err := store.Encode(r)
	return err
}

// calls hands the rows to the tables' client too, whose calls end before the network: the tables' own time is not the
// check's.
func calls() (end, error) {
	tables, err := store.Open(store.Config{ConnectionString: secret.New("DefaultEndpointsProtocol=https;AccountName=bench;" +
		"AccountKey=YmVuY2g=;TableEndpoint=https://127.0.0.1:1/bench"), Transport: nobody{}})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, r report.Report) error {
		_, err := tables.Save(ctx, r)
		return err
	}, nil
}

// stored makes every call to the tables that the function makes for a check, for real. The tables have names of their
// own: the checks are those that were drained before.
func stored(connection string) (end, error) {
	tables, err := store.Open(store.Config{ConnectionString: secret.New(connection), Prefix: "Alone"})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, r report.Report) error {
		if _, err := tables.Finished(ctx, r.ID); err != nil {
			return err
		}
		if err := tables.MarkRunning(ctx, r.ID); err != nil {
			return err
		}
		outcome, err := tables.Save(ctx, r)
		if err == nil && outcome != store.Stored {
			err = fmt.Errorf("%s is %s", r.ID, outcome)
		}
		return err
	}, nil
}

// ours runs checks as the function app does.
func ours(p place.Place, requested func(number int) request.Check, timeout int, finish end) (work, error) {
	parts, err := partsOf(p)
	if err != nil {
		return nil, err
	}
	runner := check.New(parts)
	return func(ctx context.Context, number int) string {
		return run(ctx, runner, requested(number), timeout, finish)
	}, nil
}

// first runs every check with a runner of its own, which remembers nothing of the servers.
func first(p place.Place, timeout int) (work, error) {
	parts, err := partsOf(p)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, number int) string {
		return run(ctx, check.New(parts), p.Request(number), timeout, rows)
	}, nil
}

func run(ctx context.Context, runner *check.Runner, c request.Check, timeout int, finish end) string {
	c.TimeoutSeconds = timeout
	r, err := runner.Run(ctx, c)
	if err != nil {
		return err.Error()
	}
	if err := finish(ctx, r); err != nil {
		return err.Error()
	}
	return outcome(r)
}

func partsOf(p place.Place) (parts check.Parts, err error) {
	settings, err := p.Settings()
	if err != nil {
		return parts, err
	}
	policy, err := guard.Parse(settings["ALLOWED_TARGETS"], settings["ALLOWED_PORTS"])
	if err != nil {
		return parts, err
	}
	resolver, err := netip.ParseAddrPort(p.Resolver)
	if err != nil {
		return parts, err
	}
	words, err := catalog.Load()
	if err != nil {
		return parts, err
	}
	return check.Parts{
		Resolvers: func() ([]netip.AddrPort, error) { return []netip.AddrPort{resolver}, nil },
		Dialer:    policy.Dialer, CheckPort: policy.CheckPort, CheckName: policy.CheckName,
		Credentials: credential.New(credential.Options{Getenv: func(name string) string { return settings[name] }}),
		Words:       func() (*catalog.Catalog, error) { return words, nil },
	}, nil
}

// outcome is the verdict, and what is broken where something is.
func outcome(r report.Report) string {
	if r.FirstBroken == nil {
		return string(r.Verdict)
	}
	return fmt.Sprintf("%s: %s", r.Verdict, r.FirstBroken.Code)
}

// nobody takes every call and says that it was done.
type nobody struct{}

func (nobody) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	answer := &http.Response{StatusCode: http.StatusNoContent, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r}
	switch {
	case r.Method == http.MethodGet:
		say(answer, http.StatusNotFound, "application/json", `{"odata.error":{"code":"ResourceNotFound"}}`)
	case strings.HasSuffix(r.URL.Path, "$batch"):
		say(answer, http.StatusAccepted, "multipart/mixed; boundary=b",
			"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b--\r\n")
	}
	return answer, nil
}

func say(answer *http.Response, status int, contentType, body string) {
	answer.StatusCode = status
	answer.Header.Set("Content-Type", contentType)
	answer.Body = io.NopCloser(strings.NewReader(body))
}
