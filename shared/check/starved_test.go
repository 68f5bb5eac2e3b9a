package check

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// slowRoots take longer than the tls layer's share, as everything does on a machine that is busy enough.
type slowRoots struct{}

func (slowRoots) Resolve(context.Context, request.Credential) (secret.String, error) {
	return secret.New("planted"), nil
}

func (slowRoots) Roots(string) (*x509.CertPool, error) {
	time.Sleep(500 * time.Millisecond)
	return x509.NewCertPool(), nil
}

// A layer that did not get to ask anything must not pass for one that found nothing wrong.
func TestStarvedLayerHasNotPassed(t *testing.T) {
	t.Parallel()
	p, _ := parts(t)
	p.Credentials = slowRoots{}
	c := check(silent(t))
	c.Depth, c.Source.TLS.RootsSetting, c.Target.TLS.RootsSetting = request.DepthTLS, "ROOTS", "ROOTS"
	r := run(t, p, c)
	if r.Verdict != report.Inconclusive {
		t.Fatalf("verdict %s: %s", r.Verdict, r.Headline)
	}
	for _, leg := range r.Legs {
		for _, layer := range leg.Layers {
			if layer.Layer == finding.TLS && layer.Status != finding.StatusInconclusive {
				t.Errorf("%s: tls is %s", leg.Name, layer.Status)
			}
		}
	}
}
