package lab

import "slices"

// networkSituations are those below the login: names, routes, filters, strangers on the port, TLS.
func networkSituations() []situation {
	return slices.Concat(dnsSituations(), dnsServerSituations(), dnsHealthySituations(), twoServerSituations(),
		formSituations(), routeSituations(), filterSituations(), mixedSituations(), peerSituations(),
		strangerSituations(), hostileSituations(), handshakeSituations(), certificateSituations())
}
