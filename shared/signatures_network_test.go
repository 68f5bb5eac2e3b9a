package shared_test

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/probe/connect"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
	"github.com/pgpreflight/pgpreflight/shared/probe/resolve"
	"github.com/pgpreflight/pgpreflight/shared/probe/tls"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/scenario"
)

func dnsSigns() []sign {
	private := request.PrivateEndpoint
	return []sign{
		{id: "DNS-01", code: finding.DNSNameNotFound, seen: answered(private, answer{rcode: "NXDOMAIN"})},
		{id: "DNS-02", code: finding.DNSNoAddress, seen: answered(private, answer{rcode: "NOERROR"})},
		{id: "DNS-03", code: finding.DNSPrivateLinkRecordMissing,
			seen: answered(private, answer{rcode: "NXDOMAIN", chain: []string{linkHost}})},
		{id: "DNS-04", code: finding.DNSPublicWherePrivateExpected,
			seen: answered(private, answer{rcode: "NOERROR", gives: []string{"20.1.2.3"}})},
		// A stale address is one like any other to DNS; nobody answers there. AZ_RECORD_STALE compares it with the endpoint.
		{id: "DNS-05", code: finding.TCPHostUnreachable, seen: dialled(0, connect.HostUnreachable)},
		{id: "DNS-06", code: finding.DNSServerFailure, seen: answered(private, answer{rcode: "SERVFAIL"})},
		{id: "DNS-07", code: finding.DNSRefused, seen: answered(private, answer{rcode: "REFUSED"})},
		{id: "DNS-08", code: finding.DNSTimeout, seen: answered(private, answer{outcome: resolve.TimedOut})},
		{id: "DNS-09", code: finding.DNSAnswersDiffer, seen: answered(private,
			answer{rcode: "NOERROR", gives: []string{"10.0.0.4"}}, answer{rcode: "NXDOMAIN"})},
		{id: "DNS-10", code: finding.DNSIPv6Only,
			seen: answered(private, answer{rcode: "NOERROR", aaaa: true, gives: []string{"fd00::4"}})},
		// The app is not joined to the network: no server of the network's is configured, or none answers.
		{id: "DNS-11", code: finding.DNSTimeout, seen: answered(private)},
		{id: "DNS-11", code: finding.VantageNotIntegrated, seen: scenario.Place(request.Check{}).Judge(nil,
			scenario.Vantage{InAzure: true, Probed: true})},
		{id: "DNS-12", code: finding.DNSHostIsAddress, seen: written(resolve.FormAddress, "10.0.0.4")},
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, seen: written(resolve.FormInstance, "shop:europe-west1:orders")},
		// Two zones of one name: the servers of the two networks give different addresses.
		{id: "DNS-14", code: finding.DNSAnswersDiffer, seen: answered(private,
			answer{rcode: "NOERROR", gives: []string{"10.0.0.4"}}, answer{rcode: "NOERROR", gives: []string{"10.9.0.4"}})},
	}
}

func networkSigns() []sign {
	return append(tcpSigns(), pathSigns()...)
}

func tcpSigns() []sign {
	after := tls.Observation{Stage: tls.StageRequested}
	silent, closed, reset := after, after, after
	silent.Ended, closed.Ended, reset.Ended = tls.EndedTimeout, tls.EndedClosed, tls.EndedReset
	stalled := tls.Observation{Stage: tls.StageHandshake, Reply: "S", Ended: tls.EndedTimeout}
	return []sign{
		{id: "NET-01", code: finding.TCPTimeout, seen: dialled(0, connect.Timeout)},
		{id: "NET-02", code: finding.TCPRefused, seen: dialled(0, connect.Refused)},
		// Sooner than the server could answer: args.answeredNearby, or args.fasterThanPath where another address works.
		{id: "NET-03", code: finding.TCPRefused, seen: dialled(0, connect.Refused)},
		{id: "NET-04", code: finding.TCPHostUnreachable, seen: dialled(0, connect.HostUnreachable)},
		{id: "NET-05", code: finding.TCPNetworkUnreachable, seen: dialled(0, connect.NetworkUnreachable)},
		{id: "NET-06", code: finding.TCPNotPermitted, seen: dialled(0, connect.NotPermitted)},
		{id: "NET-07", code: finding.TCPLocalPortsExhausted, seen: dialled(0, connect.LocalPortsExhausted)},
		{id: "NET-08", code: finding.PeerSilent, seen: opened(silent)},
		{id: "NET-09", code: finding.PeerClosed, seen: opened(closed)},
		{id: "NET-10", code: finding.PeerReset, seen: opened(reset)},
		{id: "NET-11", code: finding.PeerNotPostgres, seen: foreign("HTTP/1.1 400 Bad Request\r\n")},
		{id: "NET-12", code: finding.PeerNotPostgres, seen: foreign("J\x00\x00\x00\x0a8.0.36")},
		{id: "NET-13", code: finding.PeerNotPostgres, seen: foreign("SSH-2.0-OpenSSH_9.2\r\n")},
		{id: "NET-14", code: finding.PeerNotPostgres, seen: login.Judge(login.Observation{
			Violation: login.ViolationNotPostgres, LooksLike: "http", FirstBytes: "HTTP/1.1 400"}, login.Expect{})},
		{id: "NET-15", code: finding.TLSStalled, seen: opened(stalled)},
	}
}

// pathSigns are about what lies between: from here they look like NET-01, and Azure's configuration tells them apart.
func pathSigns() []sign {
	const configured = "a check sees TCP_TIMEOUT; which setting it is, is read from Azure (shared/azure)"
	unsupported := request.Check{Scenario: request.Scenario{
		Source: request.SourcePlace{Kind: request.OnPremises, Access: request.Private},
		Target: request.TargetPlace{Access: request.Public}}}
	return []sign{
		{id: "NET-16", code: finding.PeerClosed, pasted: "LOG:  unexpected EOF on client connection with an open transaction",
			why: "it takes minutes of idling, which a check of seconds does not have; PRE_IDLE_TIMEOUT reads the server's own"},
		{id: "NET-17", code: finding.TCPTimeout, seen: dialled(0, connect.Timeout)}, // on one leg and not on the other
		{id: "NET-18", code: finding.AzPeeringNotConnected, pasted: `"peeringState": "Initiated"`, why: configured},
		{id: "NET-19", code: finding.TCPTimeout, seen: dialled(0, connect.Timeout)},
		{id: "NET-20", code: finding.AzPeeringMissing, why: configured,
			pasted: "(VnetAddressSpacesOverlap) Virtual networks cannot be peered because their address spaces overlap."},
		{id: "NET-21", code: finding.TCPTimeout, seen: dialled(0, connect.Timeout)},
		{id: "NET-22", code: finding.AzEndpointNotApproved, pasted: "privateLinkServiceConnectionState status: Pending",
			why: configured},
		{id: "NET-23", code: finding.TCPTimeout, seen: dialled(0, connect.Timeout)}, // the rule is AZ_NSG_DENIES
		{id: "NET-24", code: finding.TCPRefused, seen: dialled(0, connect.Refused)}, // with args.port 6432
		{id: "NET-25", code: finding.TCPSlow, seen: dialled(400, connect.Connected)},
		{id: "NET-26", code: finding.TCPIntermittent, seen: dialled(2, connect.Timeout, connect.Connected)},
		{id: "NET-27", code: finding.ScenarioUnsupported, seen: scenario.Place(unsupported).Judge(nil, scenario.Vantage{})},
	}
}

func tlsSigns() []sign {
	const ours = "it is about another client's settings; our own client has none of them"
	alert := func(code uint8, wanted bool) []finding.Finding {
		return shaken(tls.EndedAlert, tls.Handshake{AlertReceived: &tls.Alert{Code: code}, ClientCertificateRequested: wanted})
	}
	return append(certificateSigns(), []sign{
		{id: "TLS-01", code: finding.TLSNotOffered, seen: opened(tls.Observation{Stage: tls.StageReplied, Reply: "N"})},
		{id: "TLS-08", code: finding.TLSUntrusted, pasted: `root certificate file "/root.crt" does not exist`, why: ours},
		{id: "TLS-09", code: finding.TLSVersion, seen: alert(70, false)},
		{id: "TLS-10", code: finding.TLSHandshake, seen: alert(40, false)},
		{id: "TLS-11", code: finding.TLSClosed, seen: shaken(tls.EndedClosed, tls.Handshake{})},
		{id: "TLS-12", code: finding.TLSReset, seen: shaken(tls.EndedReset, tls.Handshake{})},
		{id: "TLS-13", code: finding.TLSNotTLS, seen: opened(tls.Observation{Stage: tls.StageHandshake, Reply: "S",
			Ended: tls.EndedNotTLS, FirstBytes: said("Sproxy: no back end")})},
		{id: "TLS-14", code: finding.TLSClientCertificateRequired, seen: refused("28000", "ClientAuthentication",
			"connection requires a valid client certificate", withTLS)},
		{id: "TLS-15", code: finding.TLSClientCertificateRequired, seen: refused("F0000", "ClientAuthentication",
			"client certificates can only be checked if a root certificate store is available", withTLS)},
		{id: "TLS-16", code: finding.TLSClientCertificateRequired, seen: alert(116, true)},
		{id: "TLS-17", code: finding.AuthMethodUnsupported, seen: refused("28000", "read_client_final_message",
			"SCRAM channel binding check failed", withTLS)},
		{id: "TLS-18", code: finding.TLSVersion, pasted: "invalid SSL protocol version range", why: ours},
		{id: "TLS-19", code: finding.RequestInvalid, why: ours,
			pasted: `sslmode value "require" invalid when SSL support is not compiled in`},
		{id: "TLS-20", code: finding.HBATLSRequired, seen: refused("28000", "",
			"SSL connection is required. Please specify SSL options and retry.", withoutTLS)},
		// An old intermediate that verifies says nothing; one that does not is not trusted. Nothing is pinned here.
		{id: "TLS-21", code: finding.TLSUntrusted, seen: certified(func(v *tls.Verification) {
			v.Trusted, v.Distrust = false, tls.UnknownAuthority
		})},
		{id: "TLS-22", code: finding.TLSIntercepted, seen: intercepted()},
	}...)
}

// certified judges a finished handshake with one fault of its certificate.
func certified(fault func(*tls.Verification)) []finding.Finding {
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	v := tls.Verification{At: now, Trusted: true, NameMatches: true, NotBefore: now.AddDate(0, -1, 0),
		NotAfter: now.AddDate(1, 0, 0)}
	fault(&v)
	return opened(tls.Observation{ServerName: "db.example.com", Stage: tls.StageSecured, Reply: "S",
		Ended: tls.EndedUnverified, Handshake: &tls.Handshake{}, Verification: &v,
		Chain: []tls.Certificate{{Subject: "CN=db", Issuer: "CN=authority", NotBefore: v.NotBefore, NotAfter: v.NotAfter}}})
}

// intercepted is a public cloud's name with the certificate of a company's own authority, which is trusted here.
func intercepted() []finding.Finding {
	now := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	return opened(tls.Observation{ServerName: azureHost, Stage: tls.StageSecured, Reply: "S", Handshake: &tls.Handshake{},
		Verification: &tls.Verification{At: now, Trusted: true, NameMatches: true, NotBefore: now.AddDate(0, -1, 0),
			NotAfter: now.AddDate(1, 0, 0)},
		Chain: []tls.Certificate{{Subject: "CN=" + azureHost, Issuer: "O=Zscaler Inc.,CN=Zscaler Root",
			IssuerOrganizations: []string{"Zscaler Inc."}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0)}}})
}

func certificateSigns() []sign {
	misnamed := func(problem tls.NameProblem) []finding.Finding {
		return certified(func(v *tls.Verification) { v.NameMatches, v.NameProblem = false, problem })
	}
	return []sign{
		{id: "TLS-02", code: finding.TLSUntrusted, seen: certified(func(v *tls.Verification) {
			v.Trusted, v.Distrust = false, tls.SelfSigned
		})},
		{id: "TLS-03", code: finding.TLSNameMismatch, seen: misnamed(tls.OtherNames)},
		{id: "TLS-04", code: finding.TLSNameMismatch, seen: misnamed(tls.NoAddresses)},
		{id: "TLS-05", code: finding.TLSExpired,
			seen: certified(func(v *tls.Verification) { v.NotAfter = v.At.AddDate(0, 0, -3) })},
		{id: "TLS-06", code: finding.TLSNotYetValid,
			seen: certified(func(v *tls.Verification) { v.NotBefore = v.At.AddDate(0, 0, 2) })},
		{id: "TLS-07", code: finding.TLSNameMismatch, seen: misnamed(tls.LegacyCommonName)},
	}
}
