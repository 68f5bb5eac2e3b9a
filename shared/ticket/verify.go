package ticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Window is how far a generic delivery's time stamp may be from now, before or after.
const Window = 5 * time.Minute

// The headers that carry proofs.
const (
	jiraSignature    = "X-Hub-Signature"
	authorization    = "Authorization"
	genericSignature = "X-Signature-256"
	timestamp        = "X-Timestamp"
	deliveryID       = "X-Delivery-Id"
)

// ErrProof means that a delivery's signature, token or time stamp does not hold, or is not there. It does not say
// which.
var ErrProof = errors.New("the delivery's proof does not hold")

// Offered tells whether a delivery brings a proof at all, before anybody reads its body.
func (d Delivery) Offered() bool { return d.one(proofOf(d.System)) != "" }

func proofOf(system System) string {
	switch system {
	case Jira:
		return jiraSignature
	case ServiceNow:
		return authorization
	case Generic:
		return genericSignature
	}
	return ""
}

// Verify tells whether who sent the delivery knows the secret: nil or ErrProof. An empty secret verifies nothing.
func (d Delivery) Verify(key secret.String) error {
	holds := false
	switch {
	case key.Empty():
	case d.System == Jira:
		holds = signed(key, d.one(jiraSignature), d.Body)
	case d.System == ServiceNow:
		holds = same(tokenOf(d.one(authorization)), key.Reveal())
	case d.System == Generic:
		stamp := d.one(timestamp)
		holds = signed(key, d.one(genericSignature), []byte(stamp+"."), d.Body) && d.fresh(stamp)
	}
	if !holds {
		return ErrProof
	}
	return nil
}

// one is a header that is there once. Of two, one may have been read by somebody on the way and not the other.
func (d Delivery) one(name string) string {
	if values := d.Header(name); name != "" && len(values) == 1 {
		return values[0]
	}
	return ""
}

// signed checks sha256=<hex>, the form of WebSub, section 8. Other methods that WebSub knows, sha1 among them, do not
// count.
func signed(key secret.String, signature string, parts ...[]byte) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	claimed, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	for _, part := range parts {
		mac.Write(part)
	}
	return hmac.Equal(claimed, mac.Sum(nil))
}

// tokenOf takes the token out of Bearer, or the password out of Basic, whoever the user is.
func tokenOf(header string) string {
	scheme, rest, _ := strings.Cut(header, " ")
	rest = strings.TrimSpace(rest)
	if strings.EqualFold(scheme, "Bearer") {
		return rest
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return ""
	}
	_, password, _ := strings.Cut(string(raw), ":")
	return password
}

// same compares digests, so that not even the length shows in the time it takes.
func same(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (d Delivery) fresh(stamp string) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	return time.Unix(seconds, 0).Sub(d.At).Abs() <= Window
}
