// Package link makes and checks the signed, expiring links to reports that stand in tickets and callbacks. It is pure:
// no clock, no settings. It knows no report; whoever has a link that holds may read that one report and nothing else.
package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Lifetime is how long a link holds, at least: a ticket is looked at again when the wave is planned.
const Lifetime = 30 * 24 * time.Hour

// Path is where reports are read, before the check's id.
const Path = "/api/reports/"

// version goes before every signature, so that a later way to sign can stand beside this one.
const version = "v1"

// The reasons why a link does not hold.
var (
	// ErrUnsigned means that there is no signature, or no key to check one with.
	ErrUnsigned = errors.New("link is not signed")
	// ErrSignature means that id, expiry or signature are not those that were signed together.
	ErrSignature = errors.New("link has another signature")
	ErrExpired   = errors.New("link has expired")
)

// Links makes and checks links. The zero value makes none that hold.
type Links struct {
	// Key is REPORT_LINK_KEY; without it links are not signed.
	Key secret.String
	// Base is where people reach the app, without a slash at the end; empty makes links relative.
	Base string
}

// Report is the link to a report, signed where there is a key. Links that are made on one day are the same, so that a
// message which is sent twice has the same text.
func (l Links) Report(id string, now time.Time) string {
	address := l.Base + Path + url.PathEscape(id)
	if l.Key.Empty() {
		return address
	}
	exp := expiry(now)
	return address + "?exp=" + exp + "&sig=" + l.sign(id, exp)
}

// expiry is the end of the day on which the lifetime ends, as Unix seconds.
func expiry(now time.Time) string {
	const day = 24 * time.Hour
	return strconv.FormatInt(now.UTC().Truncate(day).Add(Lifetime+day).Unix(), 10)
}

// sign covers id and expiry. A line break can be in neither of them, so the two cannot be cut otherwise.
func (l Links) sign(id, exp string) string {
	mac := hmac.New(sha256.New, []byte(l.Key.Reveal()))
	mac.Write([]byte("pgpreflight report link " + version + "\n" + id + "\n" + exp))
	return version + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Verify tells whether exp and sig of a link's query hold for the report with this id; nil means that they do. An
// expired link is only told from a forged one where its signature is right.
func (l Links) Verify(id string, query url.Values, now time.Time) error {
	exps, sigs := query["exp"], query["sig"]
	if l.Key.Empty() || len(exps) == 0 && len(sigs) == 0 {
		return ErrUnsigned
	}
	if len(exps) != 1 || len(sigs) != 1 || strings.Contains(id, "\n") {
		return ErrSignature
	}
	if !hmac.Equal([]byte(sigs[0]), []byte(l.sign(id, exps[0]))) {
		return ErrSignature
	}
	until, err := strconv.ParseInt(exps[0], 10, 64)
	if err != nil {
		return ErrSignature
	}
	if now.Unix() >= until {
		return ErrExpired
	}
	return nil
}
