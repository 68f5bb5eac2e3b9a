package tls

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
)

func pool(a *pki.Authority) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	return roots
}

func presented(t *testing.T, a *pki.Authority, o pki.Options) []*x509.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(certificate(t, a, o).Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{leaf}
}

// TestChainsAnswerAsTheVerificationDoes asks each question twice with one memory, and compares with none.
func TestChainsAnswerAsTheVerificationDoes(t *testing.T) {
	t.Parallel()
	a, other := authority(t), authority(t)
	roots, others, now := pool(a), pool(other), time.Now()
	good := presented(t, a, pki.Options{Names: []string{host}})
	chains := NewChains()
	for name, test := range map[string]struct {
		certificates []*x509.Certificate
		to           Target
	}{
		"good":              {good, Target{ServerName: host, Roots: roots, Now: now}},
		"another name":      {good, Target{ServerName: "other.example.test", Roots: roots, Now: now}},
		"other roots":       {good, Target{ServerName: host, Roots: others, Now: now}},
		"run out since":     {good, Target{ServerName: host, Roots: roots, Now: good[0].NotAfter.Add(time.Second)}},
		"not valid yet":     {good, Target{ServerName: host, Roots: roots, Now: good[0].NotBefore.Add(-time.Second)}},
		"other certificate": {presented(t, other, pki.Options{Names: []string{host}}), Target{ServerName: host, Roots: roots, Now: now}},
	} {
		want := verify(test.certificates, test.to)
		test.to.Chains = chains
		for range 2 {
			if got := verify(test.certificates, test.to); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
	if len(chains.trusted) != 1 {
		t.Errorf("%d chains are remembered, want the good one alone", len(chains.trusted))
	}
}

// TestChainIsVerifiedOnce marks what is remembered, to see whether it is what is answered.
func TestChainIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	a := authority(t)
	now := time.Now()
	certificates := presented(t, a, pki.Options{Names: []string{host}})
	to := Target{ServerName: host, Roots: pool(a), Now: now, Chains: NewChains()}
	verify(certificates, to)
	for key, v := range to.Chains.trusted {
		v.NotAfterOf = "remembered"
		to.Chains.trusted[key] = v
	}
	for after, want := range map[time.Duration]bool{0: true, chainLife - 1: true, chainLife: false, -time.Second: false} {
		to.Now = now.Add(after)
		if v, known := to.Chains.known(keyOf(certificates, to.Roots), to.Now); known != want || known && v.NotAfterOf != "remembered" {
			t.Errorf("after %v: %v %+v", after, known, v)
		}
	}
}

func TestChainsAreBounded(t *testing.T) {
	t.Parallel()
	chains, now := NewChains(), time.Now()
	v := Verification{Trusted: true, At: now, NotBefore: now, NotAfter: now.Add(time.Hour)}
	for i := range mostChains + 1 {
		chains.keep(chainKey{presented: [32]byte{byte(i), byte(i >> 8)}}, v)
	}
	if len(chains.trusted) != 1 {
		t.Errorf("%d chains", len(chains.trusted))
	}
}
