package queue

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/pgpreflight/pgpreflight/infra/local/servicebus"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

var one = Message{ID: "c1", Body: []byte("x")}

func TestOutageIsAnErrorAndPasses(t *testing.T) {
	t.Parallel()
	standin := own(t, servicebus.Options{
		Queues: []servicebus.Queue{{Name: "checks"}}, Journal: filepath.Join(t.TempDir(), "journal"),
	})
	q := openAt(t, standin, "checks")
	if err := q.Send(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := standin.Kill(); err != nil {
		t.Fatal(err)
	}

	for name, call := range map[string]func() error{
		"Send": func() error { return q.Send(t.Context(), one) },
		"Ping": func() error { return q.Ping(t.Context()) },
	} {
		began := time.Now()
		err := call()
		var fault *Fault
		if !errors.As(err, &fault) || fault.Condition != "" {
			t.Errorf("%s: error = %v, want a Fault without a broker's word", name, err)
		}
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if q.current != nil {
			t.Errorf("%s: the dead connection is still in use", name)
		}
	}

	if err := standin.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.Send(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if n := depth(t, standin, "checks"); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func TestFaultsOfTheBroker(t *testing.T) {
	t.Parallel()
	standin := own(t, servicebus.Options{Queues: []servicebus.Queue{{Name: "checks"}}})
	for _, c := range []struct {
		name, condition string
		faults          servicebus.Faults
	}{
		{"token refused", "amqp:unauthorized-access", servicebus.Faults{RejectTokens: true}},
		{"queue full", "amqp:resource-limit-exceeded", servicebus.Faults{RejectSends: "amqp:resource-limit-exceeded"}},
		{"busy", "com.microsoft:server-busy", servicebus.Faults{RejectSends: "com.microsoft:server-busy"}},
	} {
		q := openAt(t, standin, "checks")
		if err := standin.Inject(t.Context(), c.faults); err != nil {
			t.Fatal(err)
		}
		err := q.Send(t.Context(), one)
		var fault *Fault
		if !errors.As(err, &fault) || fault.Condition != c.condition {
			t.Errorf("%s: condition = %q, %v; want %q", c.name, fault.Condition, err, c.condition)
		}
		if err := standin.ClearFaults(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := q.Send(t.Context(), one); err != nil {
			t.Errorf("%s: the first Send after it: %v", c.name, err)
		}
	}
}

func TestDroppedConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	standin := own(t, servicebus.Options{Queues: []servicebus.Queue{{Name: "checks"}}})
	q := openAt(t, standin, "checks")
	for range 3 {
		if err := q.Send(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if err := standin.Inject(t.Context(), servicebus.Faults{DropConnections: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUnknownQueue(t *testing.T) {
	t.Parallel()
	q := open(t, "nowhere")
	for name, err := range map[string]error{"Send": q.Send(t.Context(), one), "Ping": q.Ping(t.Context())} {
		var fault *Fault
		if !errors.As(err, &fault) || fault.Queue != "nowhere" || !strings.Contains(fault.Error(), "amqp:not-found") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestSilentBrokerIsBoundedByTheContext(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	const key = "c2VjcmV0LWtleQ=="
	q, err := Open(Config{Queue: "checks", ConnectionString: secret.New("Endpoint=sb://" + listener.Addr().String() +
		";SharedAccessKeyName=k;SharedAccessKey=" + key + ";UseDevelopmentEmulator=true")})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	failures := make(chan error, 3)
	for range cap(failures) { // One opens the link, the others wait for it: all of them are bounded.
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			failures <- q.Send(ctx, one)
		}()
	}
	for range cap(failures) {
		if err := <-failures; !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), key) {
			t.Errorf("error = %v, want the deadline", err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestFaultsHideSecrets(t *testing.T) {
	t.Parallel()
	const key, signature = "c2VjcmV0LWtleQ==", "s3cr3t%2Bsignature"
	q := &Queue{name: "checks", scrub: scrubber(secret.New("Endpoint=sb://a;sharedAccessKey=" + key))}
	err := q.fault("send", errors.New("refused: SharedAccessSignature sr=a&sig="+signature+"&se=1 of "+key))
	if text := err.Error(); strings.Contains(text, key) || strings.Contains(text, signature) ||
		!strings.HasPrefix(text, "send queue checks: refused") {
		t.Errorf("error = %s", text)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	const key = ";SharedAccessKeyName=k;SharedAccessKey=s3cr3t"
	for text, good := range map[string]bool{
		"Endpoint=sb://a.servicebus.windows.net" + key:                                            true,
		"Endpoint=sb://a.servicebus.windows.net/" + key + ";EntityPath=checks":                    true,
		"Endpoint=sb://a.servicebus.windows.net" + key + ";UseDevelopmentEmulator=false":          true,
		"Endpoint=sb://127.0.0.1:5672" + key + ";UseDevelopmentEmulator=true":                     true,
		"Endpoint=sb://localhost" + key + ";UseDevelopmentEmulator=true;":                         true,
		"Endpoint=sb://[::1]:5672" + key + ";UseDevelopmentEmulator=1":                            true,
		"Endpoint=sb://a.servicebus.windows.net" + key + ";UseDevelopmentEmulator=true":           false,
		"Endpoint=sb://a.servicebus.windows.net" + key + ";usedevelopmentemulator=T":              false,
		"Endpoint=sb://127.0.0.1@a.example.com" + key + ";UseDevelopmentEmulator=true":            false,
		"Endpoint=sb://127.0.0.1.example.com" + key + ";UseDevelopmentEmulator=true":              false,
		"Endpoint=sb://127.0.0.1;Endpoint=sb://a.example.com" + key + ";UseDevelopmentEmulator=1": false,
		"Endpoint=sb://10.0.0.4" + key + ";UseDevelopmentEmulator=true":                           false,
		"Endpoint=sb://127.0.0.1" + key + ";UseDevelopmentEmulator=s3cr3t":                        false,
		"Endpoint=sb://a.servicebus.windows.net;SharedAccessKey=s3cr3t":                           false,
		"s3cr3t": false,
	} {
		_, err := Open(Config{ConnectionString: secret.New(text), Queue: "checks"})
		if (err == nil) != good {
			t.Errorf("%s: error = %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
	for name, c := range map[string]Config{
		"no queue":      {ConnectionString: secret.New("Endpoint=sb://a" + key)},
		"nothing":       {Queue: "checks"},
		"no credential": {Queue: "checks", Namespace: "a.servicebus.windows.net"},
		"an address":    {Queue: "checks", Namespace: "sb://a.servicebus.windows.net", Credential: untouched{t}},
	} {
		if _, err := Open(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := Open(Config{Queue: "checks", Namespace: "a.servicebus.windows.net", Credential: untouched{t}})
	if err != nil {
		t.Error(err)
	}
}

// untouched is a credential that must not be asked.
type untouched struct{ t *testing.T }

func (u untouched) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	u.t.Error("Open asked for a token")
	return azcore.AccessToken{}, errors.New("not to be asked")
}
