package store

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pgpreflight/pgpreflight/infra/local/azurite"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

func TestOutageIsAnErrorAndPasses(t *testing.T) {
	t.Parallel()
	server, err := azurite.Start(t.Context(), azurite.Options{Dir: localDir, DataDir: t.TempDir()})
	if errors.Is(err, azurite.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	s := openAt(t, server)
	save(t, s, broken("before", noon))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	var calls sync.WaitGroup
	for name, call := range map[string]func() error{
		"Save":        func() error { _, err := s.Save(t.Context(), broken("during", noon)); return err },
		"Complete":    func() error { return s.Complete(t.Context(), "before") },
		"Load":        func() error { _, err := s.Load(t.Context(), "before"); return err },
		"List":        func() error { _, err := s.List(t.Context(), Filter{}); return err },
		"MarkRunning": func() error { return s.MarkRunning(t.Context(), "during") },
		"Ping":        func() error { return s.Ping(t.Context()) },
	} {
		calls.Go(func() {
			err := call()
			var fault *Fault
			if !errors.As(err, &fault) || fault.Status != 0 {
				t.Errorf("%s: error = %v, want a Fault without an answer", name, err)
			} else if strings.Contains(err.Error(), "http://") {
				t.Errorf("%s: the error quotes the address: %v", name, err)
			}
		})
	}
	calls.Wait()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the calls took %v", took)
	}

	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	save(t, s, broken("during", noon.Add(time.Minute)))
	if finished, err := s.Finished(t.Context(), "before"); err != nil || !finished {
		t.Errorf("the report from before the outage: %v, %v", finished, err)
	}
}

func TestSilentServerIsBoundedByTheContext(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	s, err := Open(Config{ConnectionString: secret.New("DefaultEndpointsProtocol=http;AccountName=a;AccountKey=c2VjcmV0;" +
		"TableEndpoint=http://" + listener.Addr().String() + "/a")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()

	_, err = s.Save(ctx, broken("c1", noon))

	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the deadline", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWrongKeyIsNamedAndNotShown(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skip(azurite.ErrNotInstalled)
	}
	const key = "c2VjcmV0LWtleS1vZi1hLXRlc3Q="
	right := shared.ConnectionString()
	begin := strings.Index(right, "AccountKey=") + len("AccountKey=")
	end := begin + strings.Index(right[begin:], ";")
	s, err := Open(Config{ConnectionString: secret.New(right[:begin] + key + right[end:])})
	if err != nil {
		t.Fatal(err)
	}

	err = s.MarkQueued(t.Context(), request.Check{ID: "c1"})

	if !isStatus(err, 403) || strings.Contains(err.Error(), key) {
		t.Errorf("error = %v, want a 403 without the key", err)
	}
}

func TestFaultsHideSecrets(t *testing.T) {
	t.Parallel()
	const key, signature = "c2VjcmV0LWtleQ==", "s3cr3t%2Bsignature"
	s := &Store{scrub: scrubber(secret.New("AccountName=a;AccountKey=" + key))}
	refused := errors.New("connection refused")
	for name, err := range map[string]error{
		"transport": &url.Error{Op: "Get", URL: "https://a.table.core.windows.net/T?sv=1&sig=" + signature, Err: refused},
		"wrapped text": errors.Join(refused,
			errors.New("Get https://a.table.core.windows.net/T?sig="+signature+"&se=1: "+key)),
	} {
		fault := s.fault("load check", tableChecks, err)
		if text := fault.Error(); strings.Contains(text, key) || strings.Contains(text, signature) {
			t.Errorf("%s: %s", name, text)
		}
		if !errors.Is(fault, refused) || !strings.HasPrefix(fault.Error(), "load check: table Checks: ") {
			t.Errorf("%s: lost its cause: %v", name, fault)
		}
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	const key = "not base64: s3cr3t"
	for name, c := range map[string]Config{
		"nothing":        {},
		"no credential":  {Endpoint: "https://a.table.core.windows.net"},
		"no pairs":       {ConnectionString: secret.New(key)},
		"not base64":     {ConnectionString: secret.New("AccountName=a;AccountKey=" + key)},
		"no key":         {ConnectionString: secret.New("AccountName=a;Secret=" + key)},
		"prefix":         {ConnectionString: secret.New("AccountName=a;AccountKey=c2VjcmV0"), Prefix: "a-b"},
		"long prefix":    {ConnectionString: secret.New("AccountName=a;AccountKey=c2VjcmV0"), Prefix: strings.Repeat("a", 51)},
		"digit in front": {ConnectionString: secret.New("AccountName=a;AccountKey=c2VjcmV0"), Prefix: "1a"},
	} {
		if _, err := Open(c); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestOpenAsksForNoToken(t *testing.T) {
	t.Parallel()
	if _, err := Open(Config{Endpoint: "https://a.table.core.windows.net", Credential: untouched{t}}); err != nil {
		t.Error(err)
	}
}

// untouched is a credential that must not be asked.
type untouched struct{ t *testing.T }

func (u untouched) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	u.t.Error("Open asked for a token")
	return azcore.AccessToken{}, errors.New("not to be asked")
}
