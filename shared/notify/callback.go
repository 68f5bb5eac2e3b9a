package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Callback posts the report to an address, signed.
type Callback struct {
	Client *web.Client
	// Secret is CALLBACK_SECRET; without it nothing is posted.
	Secret secret.String
}

// Send implements Sender.
func (c Callback) Send(ctx context.Context, m Message) error {
	if c.Secret.Empty() {
		return &MissingError{Setting: "CALLBACK_SECRET"}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Target, bytes.NewReader(m.JSON))
	if err != nil {
		return &web.RefusedError{Reason: "the address cannot be read"}
	}
	stamp := strconv.FormatInt(m.Now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Timestamp", stamp)
	r.Header.Set("X-Signature-256", "sha256="+sign(c.Secret, stamp, m.JSON))
	r.Header.Set("X-Check-Id", m.CheckID)
	r.Header.Set("X-Notice", reason(m))
	_, err = web.Accept(c.Client.Do(r))
	return err
}

// sign is the hexadecimal HMAC-SHA-256 of "<timestamp>.<body>", as the generic ticket's.
func sign(key secret.String, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = mac.Write([]byte(stamp + ".")) // It never fails.
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// reason tells why a report is told: it is the outcome of a check that somebody asked for, or it changes what was said
// of a route.
func reason(m Message) string {
	if m.Changed {
		return "change"
	}
	return "outcome"
}
