package lab

import (
	"crypto/tls"
	"fmt"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
)

// certificates are the lab's authorities. The first one is trusted by the app and named like the one that signs for
// Azure; the other is some company's own.
type certificates struct {
	authority, corporate *pki.Authority
}

func newCertificates() (certificates, error) {
	authority, err := pki.NewAuthorityOf("Microsoft Corporation", "Lab Root G2")
	if err != nil {
		return certificates{}, err
	}
	corporate, err := pki.NewAuthorityOf("Contoso Ltd", "Contoso Inspection CA")
	return certificates{authority: authority, corporate: corporate}, err
}

// healthyOptions is a certificate for everything that stands in the lab.
func healthyOptions() pki.Options {
	return pki.Options{CommonName: sourceName, Names: []string{sourceName, targetName, sourceAddress, sourceIPv6,
		"*.postgres.database.azure.com"}}
}

func (c certificates) healthy() *tls.Config { return serverConfig(c.authority, healthyOptions()) }

// serverConfig is a TLS server with one certificate.
func serverConfig(by *pki.Authority, o pki.Options) *tls.Config {
	certificate, err := by.Issue(o)
	must(err)
	return &tls.Config{Certificates: []tls.Certificate{certificate}, CurvePreferences: []tls.CurveID{tls.CurveP256}}
}

// largeOptions is a certificate that does not fit into one packet.
func largeOptions() pki.Options {
	o := healthyOptions()
	o.Names = append(o.Names, manyNames(120)...)
	return o
}

func manyNames(count int) []string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf("replica-%04d.databases.corp.example", i))
	}
	return all
}
