package lab

import (
	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// dnsSituations are section 2.1 of the mission's facts.
func dnsSituations() []situation {
	return []situation{
		{name: "the name does not exist", ids: "DNS-01", want: finding.DNSNameNotFound,
			arrange: func(b *bench) { b.names(dnsserver.Script{Fault: dnsserver.NXDomain}) }},
	}
}
