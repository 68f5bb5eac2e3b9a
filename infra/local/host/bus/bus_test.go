package bus

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"

	"github.com/pgpreflight/pgpreflight/infra/local/host/invocation"
)

const key = ";SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=c2VjcmV0LWtleQ=="

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ connection, reason string }{
		"no endpoint":            {strings.TrimPrefix(key, ";"), "Endpoint"},
		"no key":                 {"Endpoint=sb://127.0.0.1:5672", "not valid"},
		"emulator off loopback":  {"Endpoint=sb://bus.example.com" + key + ";UseDevelopmentEmulator=true", "loopback"},
		"emulator at an address": {"Endpoint=sb://192.0.2.1:5672" + key + ";UseDevelopmentEmulator=TRUE", "loopback"},
		"emulator at a namesake": {"Endpoint=sb://localhost.example.com" + key + ";UseDevelopmentEmulator=true", "loopback"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(c.connection, "q")
			if err == nil || !strings.Contains(err.Error(), c.reason) || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("got %v, want an error that names %q and no key", err, c.reason)
			}
		})
	}
}

func TestOpenAcceptsTheEmulatorOnLoopback(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1:5672", "127.0.0.1", "[::1]:5672", "localhost", "localhost:5672"} {
		r, err := Open("Endpoint=sb://"+host+"/"+key+";UseDevelopmentEmulator=true;", "q/$DEADLETTERqueue")
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if err := r.Close(t.Context()); err != nil {
			t.Errorf("%s: close: %v", host, err)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	if name, options := split("check-requests"); name != "check-requests" || options != nil {
		t.Errorf("queue: got %q, %v", name, options)
	}
	name, options := split("check-requests/$deadLetterQueue")
	if name != "check-requests" || options == nil || options.SubQueue != azservicebus.SubQueueDeadLetter {
		t.Errorf("sub-queue: got %q, %v", name, options)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 29, 58, 0, time.UTC)
	locked, subject, sequence := at.Add(time.Minute), "check.requested", int64(42)
	id := uuid.MustParse("7ebe3bcf-bae7-455e-99ea-568500a75173")
	got := (&receiver{namespace: "127.0.0.1", id: "c"}).delivery(&azservicebus.ReceivedMessage{
		Body: []byte("{}"), MessageID: "m-1", Subject: &subject, SequenceNumber: &sequence, DeliveryCount: 2,
		LockToken: id, LockedUntil: &locked, EnqueuedTime: &at,
		// What the client makes of a message without a time to live.
		TimeToLive: new(time.Duration), ExpiresAt: &at,
		ApplicationProperties: map[string]any{"b": int32(2), "a": id, "c": at},
	})
	want := invocation.QueueMessage{
		Body: []byte("{}"), MessageID: "m-1", Subject: subject, SequenceNumber: 42, DeliveryCount: 2,
		LockToken: id.String(), EnqueuedTime: at, Namespace: "127.0.0.1", Client: "c",
		Properties: []invocation.Property{
			{Name: "a", Value: id.String()}, {Name: "b", Value: int32(2)}, {Name: "c", Value: at},
		},
	}
	if !reflect.DeepEqual(got.Message, want) || !got.LockedUntil.Equal(locked) {
		t.Errorf("got  %+v\nwant %+v", got.Message, want)
	}
}
