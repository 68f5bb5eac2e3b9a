package credential_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/credential"
)

func authority(t *testing.T, name string) (*pki.Authority, string) {
	t.Helper()
	root, err := pki.NewAuthority(name)
	if err != nil {
		t.Fatal(err)
	}
	return root, string(root.PEM())
}

func TestRoots(t *testing.T) {
	t.Parallel()
	first, firstPEM := authority(t, "First")
	second, secondPEM := authority(t, "Second")
	resolver := credential.New(credential.Options{Getenv: settings(map[string]string{
		"ONE": firstPEM, "BOTH": "# our roots\n" + firstPEM + "\n" + secondPEM,
		"ESCAPED": strings.ReplaceAll(firstPEM+secondPEM, "\n", `\n`),
	})})
	tests := []struct {
		setting               string
		trustFirst, trustNext bool
	}{{"ONE", true, false}, {"BOTH", true, true}, {"ESCAPED", true, true}}
	for _, test := range tests {
		pool, err := resolver.Roots(test.setting)
		if err != nil {
			t.Fatalf("%s: %v", test.setting, err)
		}
		if trusts(t, pool, first) != test.trustFirst || trusts(t, pool, second) != test.trustNext {
			t.Errorf("%s: trusts first %t, second %t", test.setting, trusts(t, pool, first), trusts(t, pool, second))
		}
	}
	if pool, err := resolver.Roots(""); pool != nil || err != nil {
		t.Errorf("no setting gives %v, %v, want nil for the system's roots", pool, err)
	}
}

func TestRootsKeepTheSystemsOwn(t *testing.T) {
	t.Parallel()
	system, err := x509.SystemCertPool()
	if err != nil || system.Equal(x509.NewCertPool()) {
		t.Skip("this machine has no roots of its own")
	}
	root, text := authority(t, "Extra")
	pool, err := credential.New(credential.Options{Getenv: settings(map[string]string{"ONE": text})}).Roots("ONE")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(root.PEM())
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	system.AddCert(certificate)
	if !pool.Equal(system) {
		t.Error("the pool is not the system's roots and the extra one")
	}
}

func TestRootsRefused(t *testing.T) {
	t.Parallel()
	_, good := authority(t, "Good")
	block := func(kind, bytes string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(bytes)}))
	}
	damaged := strings.Replace(good, "MII", "M*I", 1)
	tests := map[string]struct{ value, why string }{
		"MISSING":         {"", "not set"},
		"UNRESOLVED":      {"@Microsoft.KeyVault(SecretUri=x)", "could not resolve"},
		"TEXT":            {planted, "no PEM certificate"},
		"KEY":             {good + block("PRIVATE KEY", planted), "nothing else"},
		"NOT_A_CERT":      {good + block("CERTIFICATE", planted), "certificate 2 cannot be parsed"},
		"CUT_OFF":         {good + good[:len(good)/2], "not all of which can be read"},
		"DAMAGED_FIRST":   {damaged + good, "not all of which can be read"},
		"REPORT_LINK_KEY": {good, "pgpreflight itself"},
	}
	values := map[string]string{}
	for name, test := range tests {
		values[name] = test.value
	}
	resolver := credential.New(credential.Options{Getenv: settings(values)})
	for name, test := range tests {
		pool, err := resolver.Roots(name)
		wantUnavailable(t, err, "setting "+name, test.why)
		if pool != nil {
			t.Errorf("%s: a pool comes with the error", name)
		}
	}
}

// trusts tells whether a pool verifies what an authority issues.
func trusts(t *testing.T, pool *x509.CertPool, root *pki.Authority) bool {
	t.Helper()
	issued, err := root.Issue(pki.Options{})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(issued.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: pool})
	return err == nil
}
