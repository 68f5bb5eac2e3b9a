package link

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

func at() time.Time { return time.Date(2026, 11, 22, 7, 0, 1, 0, time.UTC) }

func links() Links {
	return Links{Key: secret.New("a key of some length"), Base: "https://app.example.com"}
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// The whole link, so that a change of the way to sign is seen: links of older versions are in tickets.
func TestLink(t *testing.T) {
	t.Parallel()
	const want = "https://app.example.com/api/reports/orders-1?exp=1797984000" +
		"&sig=v1.i7CmyiEXxRDBIbNFwQ777tsEyGBFHmRL_4J7I-jYm9g"
	if got := links().Report("orders-1", at()); got != want {
		t.Errorf("link\n%s, want\n%s", got, want)
	}
	if a, b := links().Report("c", at()), links().Report("c", at().Add(16*time.Hour)); a != b {
		t.Errorf("two links of one day: %s and %s", a, b)
	}
	if got := (Links{Base: "https://x.example"}).Report("c", at()); got != "https://x.example/api/reports/c" {
		t.Errorf("link without a key: %s", got)
	}
	if got := (Links{}).Report("c", at()); got != "/api/reports/c" {
		t.Errorf("link without a base: %s", got)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	good := query(t, links().Report("orders-1", at()))
	exp, sig := good.Get("exp"), good.Get("sig")
	tests := []struct {
		name  string
		links Links
		id    string
		query url.Values
		after time.Duration
		want  error
	}{
		{"as made", links(), "orders-1", good, 0, nil},
		{"with more in the query", links(), "orders-1", query(t, "?format=md&exp="+exp+"&sig="+sig), 0, nil},
		{"at the end of its life", links(), "orders-1", good, Lifetime, nil},
		{"expired", links(), "orders-1", good, Lifetime + 24*time.Hour, ErrExpired},
		{"of another report", links(), "orders-2", good, 0, ErrSignature},
		{"with a later expiry", links(), "orders-1", query(t, "?exp=1999999999&sig="+sig), 0, ErrSignature},
		{"with the expiry written otherwise", links(), "orders-1", query(t, "?exp=%2B"+exp+"&sig="+sig), 0, ErrSignature},
		{"with a letter changed", links(), "orders-1", query(t, "?exp="+exp+"&sig="+flip(sig)), 0, ErrSignature},
		{"with half a signature", links(), "orders-1", query(t, "?exp="+exp+"&sig="+sig[:len(sig)/2]), 0, ErrSignature},
		{"without its version", links(), "orders-1", query(t, "?exp="+exp+"&sig="+strings.TrimPrefix(sig, "v1.")), 0,
			ErrSignature},
		{"of a later version", links(), "orders-1", query(t, "?exp="+exp+"&sig=v2"+sig[2:]), 0, ErrSignature},
		{"without a signature", links(), "orders-1", query(t, "?exp="+exp), 0, ErrSignature},
		{"without an expiry", links(), "orders-1", query(t, "?sig="+sig), 0, ErrSignature},
		{"with two signatures", links(), "orders-1", query(t, "?exp="+exp+"&sig="+sig+"&sig=x"), 0, ErrSignature},
		{"with nothing", links(), "orders-1", url.Values{}, 0, ErrUnsigned},
		{"of another key", Links{Key: secret.New("another")}, "orders-1", good, 0, ErrSignature},
		{"where there is no key", Links{}, "orders-1", good, 0, ErrUnsigned},
		{"cut elsewhere", links(), "orders-1\n" + exp, query(t, "?exp=&sig="+sig), 0, ErrSignature},
	}
	for _, test := range tests {
		if err := test.links.Verify(test.id, test.query, at().Add(test.after)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// Without a key the signature would be one that anybody can compute.
func TestNoKeySignsNothing(t *testing.T) {
	t.Parallel()
	forged := query(t, "?exp=1999999999&sig="+Links{}.sign("c", "1999999999"))
	if err := (Links{}).Verify("c", forged, at()); !errors.Is(err, ErrUnsigned) {
		t.Errorf("an empty key verified: %v", err)
	}
}

func flip(sig string) string {
	last := sig[len(sig)-2]
	other := byte('A')
	if last == other {
		other = 'B'
	}
	return sig[:len(sig)-2] + string(other) + sig[len(sig)-1:]
}
