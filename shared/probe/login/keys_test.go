package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func derivation(password, salt string, iterations int) *scram {
	return &scram{password: password, salt: []byte(salt), iterations: iterations}
}

func TestKeysAreThoseOfTheirPasswordSaltAndCount(t *testing.T) {
	t.Parallel()
	keys := NewKeys()
	for range 2 {
		for _, s := range []*scram{derivation("pencil", "salt", 4096), derivation("pencil", "tlas", 4096),
			derivation("pencil", "salt", 4095), derivation("encil", "saltp", 4096), derivation("Pencil", "salt", 4096)} {
			want, err := saltedPassword(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := keys.of(t.Context(), s); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q %q %d: %v", s.password, s.salt, s.iterations, err)
			}
		}
	}
	if len(keys.salted) != 5 {
		t.Errorf("%d keys", len(keys.salted))
	}
}

func TestKeyIsDerivedOnce(t *testing.T) {
	t.Parallel()
	keys, s := NewKeys(), derivation("pencil", "salt", maxIterations)
	if _, err := keys.of(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := keys.of(over, s); err != nil {
		t.Errorf("a known key was derived again: %v", err)
	}
	if _, err := keys.of(over, derivation("pencil", "other", maxIterations)); !errors.Is(err, context.Canceled) {
		t.Errorf("a derivation outlived its time: %v", err)
	}
	if len(keys.salted) != 1 {
		t.Errorf("a derivation that was cut short is remembered")
	}
	var none *Keys
	if _, err := none.of(over, s); !errors.Is(err, context.Canceled) {
		t.Errorf("no keys: %v", err)
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	keys := NewKeys()
	for i := range mostKeys + 10 {
		if _, err := keys.of(t.Context(), derivation("pencil", fmt.Sprint(i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(keys.salted); n > mostKeys {
		t.Errorf("%d keys", n)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, keys); !strings.Contains(text, "redacted") {
			t.Errorf("%s shows %s", form, text)
		}
	}
}
