package explain

import "github.com/pgpreflight/pgpreflight/shared/finding"

// Where a text says only that time ran out, or that the other side went away, these are the layers it can have been.
func notFound() []finding.Code {
	return []finding.Code{finding.DNSNameNotFound, finding.DNSNoAddress, finding.DNSPrivateLinkRecordMissing}
}

func silence() []finding.Code { return append([]finding.Code{finding.TCPTimeout}, hushed()...) }

func hushed() []finding.Code {
	return []finding.Code{finding.PeerSilent, finding.TLSStalled, finding.LoginStalled}
}

func gone() []finding.Code {
	return []finding.Code{finding.PeerClosed, finding.PeerReset, finding.PeerNotPostgres, finding.TLSClosed,
		finding.TLSReset, finding.ServerShuttingDown}
}

func cutOff() []finding.Code {
	return []finding.Code{finding.PeerReset, finding.TLSReset, finding.PeerNotPostgres}
}

// resolveTexts are about names.
func resolveTexts() []signature {
	dns := []string{askDNSAnswer}
	return []signature{
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, any: []string{"could not translate host name",
			"unknownhostexception", "lookup "},
			pattern: `(?:could not translate host name "|UnknownHostException: |lookup )(?P<name>[\w-]+:[\w-]+:[\w-]+).*`,
			args:    finding.Args{"cloudSQL": true, "form": "cloud_sql"}},
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, any: []string{"could not translate host name",
			"unknownhostexception"},
			pattern: `(?:could not translate host name "|UnknownHostException: )(?P<name>\w+:/[^"\s]*).*`,
			args:    finding.Args{"url": true, "form": "url"}},
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, any: []string{"could not translate host name"},
			pattern: `could not translate host name "(?P<name>[\w.-]+:\d+)".*`, args: finding.Args{"hostPort": true,
				"form": "host_port"}},
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, any: []string{"connection to server on socket"},
			pattern: `connection to server on socket "(?P<name>[^"]*)" failed: No such file or directory`,
			args:    finding.Args{"form": "socket_path"}},
		// A password with an @ in a URL: the client takes its rest for the host.
		{id: "DNS-13", code: finding.DNSHostFormUnsupported, any: []string{"could not translate host name", "lookup ",
			"enotfound", "unknownhost"},
			pattern: `(?:could not translate host name "|lookup |ENOTFOUND |` +
				`UnknownHostException: )[^"\s]*@(?P<suggestion>[\w.-]+).*`,
			args: finding.Args{"form": "password_at"}, ask: []string{askPasswordAt}},
		{id: "DNS-08", code: finding.DNSTimeout, any: []string{"lookup "},
			pattern: `lookup (?P<name>\S+?)(?: on (?P<resolver>\S+))?: .*?(?:i/o timeout|deadline exceeded)`},
		{id: "DNS-08", code: finding.DNSTimeout, any: []string{"no servers could be reached", "dns request timed out",
			"no response from server"},
			pattern: `(?:connection timed out; )?no servers could be reached|DNS request timed out|` +
				`no response from server`},
		{id: "DNS-08", code: finding.DNSTimeout, any: []string{"lookup "},
			pattern: `lookup (?P<name>\S+) on (?P<resolver>\S+?): (?:read|write|dial) udp .*?connection refused`,
			args:    finding.Args{"unreachable": true}},
		{id: "DNS-06", code: finding.DNSServerFailure, any: []string{"server misbehaving"},
			pattern: `(?:lookup (?P<name>\S+?)(?: on (?P<resolver>\S+))?: )?server misbehaving`,
			oneOf:   []finding.Code{finding.DNSServerFailure, finding.DNSRefused}, ask: dns},
		{id: "DNS-06", code: finding.DNSServerFailure, any: []string{"servfail", "server failed"},
			pattern: `(?:can't find (?P<name>\S+): )?\bSERVFAIL\b|can't find (?P<alias>\S+): Server failed`},
		{id: "DNS-07", code: finding.DNSRefused, any: []string{"refused", "query refused"},
			pattern: `can't find (?P<name>\S+): (?:Query )?REFUSED|status: REFUSED|RCODE:? REFUSED`},
		{id: "DNS-06", code: finding.DNSServerFailure, any: []string{"non-recoverable failure in name resolution",
			"nonrecoverable error occurred during a database lookup"},
			oneOf: []finding.Code{finding.DNSServerFailure, finding.DNSRefused}, ask: dns},
		{id: "DNS-08", code: finding.DNSTimeout, any: []string{"temporary failure in name resolution", "eai_again",
			"temporary error occurred during hostname resolution"},
			oneOf: []finding.Code{finding.DNSTimeout, finding.DNSServerFailure, finding.DNSRefused}, ask: dns},
		{id: "DNS-02", code: finding.DNSNoAddress, any: []string{"no address associated with hostname", "no answer",
			"requested name is valid, but no data"},
			pattern: `No address associated with (?:host)?name|Can't find (?P<name>\S+): No answer|` +
				`requested name is valid, but no data`},
		{id: "DNS-10", code: finding.DNSIPv6Only, any: []string{"address family for hostname not supported",
			"address family not supported by protocol"},
			oneOf: []finding.Code{finding.DNSIPv6Only, finding.DNSNoAddress}, ask: dns},
		{id: "DNS-01", code: finding.DNSNameNotFound, any: []string{"nxdomain", "non-existent domain"},
			pattern: `(?:can't find (?P<name>\S+): )?(?:\bNXDOMAIN\b|Non-existent domain)`},
		{id: "DNS-01", code: finding.DNSNameNotFound, any: []string{"no such host"}, oneOf: notFound(), ask: dns,
			pattern: `(?:lookup (?P<name>\S+?)(?: on (?P<resolver>\S+))?: )?no such host(?: is known)?`},
		{id: "DNS-01", code: finding.DNSNameNotFound, any: []string{"name or service not known",
			"nodename nor servname provided", "unknown host", "unknown server host",
			"unknownhostexception", "enotfound", "name does not resolve", "could not resolve host",
			"failed to lookup address information", "name resolution failed"},
			// Azure's ResourceNotFound has Node's ENOTFOUND in it.
			pattern: `Name or service not known|nodename nor servname provided|unknown (?:server )?host|` +
				`UnknownHostException|\bENOTFOUND|name does not resolve|could not resolve host|` +
				`failed to lookup address information|name resolution failed`,
			oneOf: notFound(), ask: dns},
		{id: "DNS-01", code: finding.DNSNameNotFound, any: []string{"could not translate host name"}, wrapper: true,
			ask:   dns,
			oneOf: append(notFound(), finding.DNSServerFailure, finding.DNSTimeout)},
	}
}

// connectTexts are about TCP's handshake.
func connectTexts() []signature {
	return []signature{
		{id: "NET-21", code: finding.TCPTimeout, any: []string{"blocked by nva", "tcp timing out"}},
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"dial tcp", "dial error"},
			pattern: `dial (?:tcp|error)[^;]*?(?:i/o timeout|connection timed out|deadline exceeded)`},
		{id: "NET-16", code: finding.PeerSilent, any: []string{"could not receive data from server",
			"could not send data to server", "could not receive data from client"},
			pattern: `could not (?:receive data from|send data to) (?:server|client): Connection timed out`,
			oneOf:   hushed(),
			ask:     []string{askIdle}},
		{id: "NET-08", code: finding.PeerSilent, any: []string{"i/o timeout", "deadline exceeded"},
			pattern: `(?:read|write|receive message).*?(?:i/o timeout|deadline exceeded)`, oneOf: hushed(),
			ask: []string{askStage}},
		{id: "NET-08", code: finding.PeerSilent, any: []string{"read timed out", "timeout during reading attempt"},
			oneOf: hushed(),
			ask:   []string{askStage}},
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"connection timed out", "connect timed out", "etimedout",
			"did not properly respond after a period of time",
			"connect timeout occurred", "os error 110", "errno 110"}},
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"tcp connect to ("}, ask: []string{askTCPOrSilence},
			pattern: `TCP connect to \([0-9A-Fa-f.:]+ : \d+\) failed`,
			oneOf:   []finding.Code{finding.TCPTimeout, finding.TCPRefused, finding.TCPHostUnreachable}},
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"timeout expired", "i/o timeout",
			"context deadline exceeded", "timeouterror", "timeout during connection attempt",
			"the operation has timed out", "operation timed out", "connection timeout", "connection attempt timed out", "timed out waiting",
			"pool timed out", "timeoutexception"},
			oneOf: silence(), ask: []string{askTCPOrSilence}},
		{id: "AZ-03", code: finding.TCPRefused, any: []string{"actively refused it"}, ask: []string{askReachability}},
		{id: "NET-02", code: finding.TCPRefused, any: []string{"connection refused", "econnrefused",
			"connect call failed"},
			pattern: `\[Errno 111\] Connect call failed|Connection refused|ECONNREFUSED`},
		{id: "NET-02", code: finding.TCPRefused, any: []string{" refused. check that the hostname and port are correct"}},
		{id: "NET-04", code: finding.TCPHostUnreachable, any: []string{"no route to host", "ehostunreach",
			"host is unreachable", "unreachable host", "host unreachable"},
			pattern: `No route to host|EHOSTUNREACH|Host is unreachable|unreachable host|Host unreachable`},
		{id: "NET-04", code: finding.TCPHostUnreachable, any: []string{"protocol not available",
			"network dropped connection on reset", "destination port unreachable"},
			pattern: `connect(?:ion)?.*Protocol not available|Destination port unreachable`},
		{id: "NET-05", code: finding.TCPNetworkUnreachable, any: []string{"network is unreachable", "enetunreach",
			"unreachable network", "network unreachable"},
			pattern: `Network is unreachable|ENETUNREACH|unreachable network|Network unreachable`},
		{id: "NET-06", code: finding.TCPNotPermitted, any: []string{"permission denied", "operation not permitted",
			"forbidden by its access permissions", "eacces", "eperm"},
			pattern: `(?:connect|connection to server at .* failed|could not connect to server|` +
				`socket)[^;]*?(?:Permission denied|Operation not permitted)|` +
				`forbidden by its access permissions|connect (?:EACCES|EPERM)`},
		{id: "NET-07", code: finding.TCPLocalPortsExhausted, any: []string{"cannot assign requested address",
			"can't assign requested address", "eaddrnotavail",
			"only one usage of each socket address", "no buffer space available"}},
	}
}

// peerTexts are about what comes, or does not come, after TCP.
func peerTexts() []signature {
	bytes := []string{askFirstBytes}
	return []signature{
		{id: "NET-11", code: finding.PeerNotPostgres, any: []string{"invalid response to ssl negotiation",
			"invalid response to gssapi negotiation"},
			pattern: `invalid response to (?:SSL|GSSAPI) negotiation: (?P<firstBytes>H)`,
			args:    finding.Args{"looksLike": "http"}},
		{id: "NET-12", code: finding.PeerNotPostgres, any: []string{"invalid response to ssl negotiation",
			"invalid response to gssapi negotiation"},
			pattern: `invalid response to (?:SSL|GSSAPI) negotiation: (?P<firstBytes>.?)`},
		{id: "NET-12", code: finding.PeerNotPostgres, any: []string{"for sslrequest"},
			pattern: `Received unknown response (?P<firstBytes>\S+) for SSLRequest`},
		{id: "NET-14", code: finding.PeerNotPostgres, any: []string{"expected authentication request from server"},
			pattern: `expected authentication request from server, but received (?P<firstBytes>H)`,
			args:    finding.Args{"looksLike": "http"}},
		{id: "NET-14", code: finding.PeerNotPostgres, any: []string{"expected authentication request from server"},
			pattern: `expected authentication request from server, but received (?P<firstBytes>.?)`},
		{id: "NET-13", code: finding.PeerNotPostgres, any: []string{"ssh-2.0", "ssh-1."},
			pattern: `(?P<firstBytes>SSH-[12]\.\d+-[\w.-]*)`, args: finding.Args{"looksLike": "ssh"}},
		{id: "NET-11", code: finding.PeerNotPostgres, any: []string{"http/1."},
			pattern: `(?P<firstBytes>HTTP/1\.[01] \d{3}[\w ]{0,30})`, args: finding.Args{"looksLike": "http"}},
		{id: "NET-12", code: finding.PeerNotPostgres, any: []string{"mysql_native_password", "caching_sha2_password"},
			args: finding.Args{"looksLike": "mysql"}},
		{id: "NET-12", code: finding.PeerNotPostgres, any: []string{"protocol error. session setup failed",
			"protocol error.  session setup failed", "unexpected message type",
			"lost synchronization with server", "unknown message type", "unexpected response from server",
			"received backend message", "unknown authentication message"},
			oneOf: []finding.Code{finding.PeerNotPostgres, finding.ProtocolViolation}, ask: bytes},
		{id: "SRV-14", code: finding.PeerNotPostgres, any: []string{"invalid length of startup packet"},
			args:     finding.Args{"looksLike": "a scanner or health probe on the other side"},
			advisory: true},
		{id: "NET-16", code: finding.PeerClosed, any: []string{"unexpected eof on client connection"}, oneOf: gone(),
			ask: []string{askIdle}},
		{id: "NET-16", code: finding.PeerReset, any: []string{"receive data from client: connection reset",
			"receive data from server: connection reset"},
			oneOf: cutOff(), ask: []string{askIdle}},
		{id: "NET-09", code: finding.PeerClosed, any: []string{"server closed the connection unexpectedly",
			"connection was closed in the middle of operation",
			"connection terminated unexpectedly", "unexpected end of stream",
			"attempted to read past the end of the stream", "connection unexpectedly closed",
			"unexpected_eof", "connection closed by peer", "the connection was closed unexpectedly",
			"reached end of stream"},
			oneOf: gone(), ask: []string{askStage, askIdle}},
		{id: "NET-09", code: finding.PeerClosed, any: []string{"eof"},
			pattern: `(?:receive message|startup message|server error|connect)[^;]*: (?:unexpected )?EOF\b|` +
				`java\.io\.EOFException`,
			oneOf: gone(), ask: []string{askStage}},
		// Last: a reset alone tells no stage.
		{id: "NET-10", code: finding.PeerReset, any: []string{"connection reset by peer", "connection reset",
			"econnreset", "forcibly closed by the remote host",
			"connection aborted", "econnaborted", "broken pipe", "software caused connection abort",
			"connection was aborted"}, oneOf: cutOff(), ask: []string{askStage}},
	}
}
