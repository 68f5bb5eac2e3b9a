package tls

import (
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Expect is what the request demands of the connection.
type Expect struct {
	Mode request.TLSMode
}

// Judge gives one primary code where the conversation did not come to the end of the handshake, and otherwise every fault
// of the certificate, advisory where Mode would not look at it. Where the whole check's budget ended the layer it says
// nothing.
func Judge(o Observation, e Expect) []finding.Finding {
	if o.Ended == EndedCancelled {
		return nil
	}
	switch o.Stage {
	case StageSecured:
		return judgeCertificate(o, e)
	case StageHandshake:
		return one(handshakeCode(o), o)
	}
	return judgeOpening(o, e)
}

// judgeOpening judges what came before or instead of a handshake.
func judgeOpening(o Observation, e Expect) []finding.Finding {
	switch {
	case o.ServerError != nil:
		return serverErrorFinding(o)
	case o.Ended == EndedForeign:
		return one(finding.PeerNotPostgres, o)
	case o.Reply == "N":
		found := one(finding.TLSNotOffered, o)
		found[0].Advisory = e.Mode == request.TLSDisable
		return found
	case o.Ended == EndedTimeout:
		return one(finding.PeerSilent, o)
	case o.Ended == EndedReset && o.Stage == StageRequested:
		return one(finding.PeerReset, o)
	case o.Ended == EndedClosed, o.Ended == EndedReset:
		// A reset before our first byte cannot be about that byte: the peer does not want the connection at all.
		return one(finding.PeerClosed, o)
	}
	return nil
}

// handshakeCode tells the ends of a handshake apart.
func handshakeCode(o Observation) finding.Code {
	switch o.Ended {
	case EndedNotTLS:
		// The S was no answer where it is the first letter of a banner that drips in.
		if looksLike(o.FirstBytes.raw()) != unknownProtocol {
			return finding.PeerNotPostgres
		}
		return finding.TLSNotTLS
	case EndedTimeout:
		return finding.TLSStalled
	case EndedClosed:
		return finding.TLSClosed
	case EndedReset:
		return finding.TLSReset
	case EndedAlert:
		return alertFinding(o.Handshake)
	}
	if o.Handshake != nil && o.Handshake.OldVersion != "" {
		return finding.TLSVersion
	}
	return finding.TLSHandshake
}

// alertFinding judges the peer's alert. TLS 1.2 has no alert of its own for a missing client certificate, so that a
// general one counts as that after a request for one.
func alertFinding(h *Handshake) finding.Code {
	if h == nil || h.AlertReceived == nil {
		return finding.TLSHandshake
	}
	switch h.AlertReceived.Code {
	case alertProtocolVersion:
		return finding.TLSVersion
	case alertCertificateRequired:
		return finding.TLSClientCertificateRequired
	case alertHandshakeFailure, alertNoCertificate, alertBadCertificate, alertUnsupportedCert, alertCertificateUnknown,
		alertUnknownCA, alertAccessDenied:
		if h.ClientCertificateRequested {
			return finding.TLSClientCertificateRequired
		}
	}
	return finding.TLSHandshake
}

// one is a finding with the evidence of the conversation; all of them have the same keys, so that words can rely on it.
func one(code finding.Code, o Observation) []finding.Finding {
	args := finding.Args{
		"host":          o.ServerName,
		"elapsedMs":     o.Times.TotalMs,
		"bytesReceived": o.Received,
		"beforeRequest": o.Stage == StageOpen,
		"ended":         string(o.Ended),
	}
	addOpening(args, o)
	addServerError(args, o.ServerError)
	addHandshake(args, o.Handshake)
	return []finding.Finding{{Code: code, Layer: layer, Args: args}}
}

// serverErrorFinding has the keys that the login layer's finding of the same code has too.
func serverErrorFinding(o Observation) []finding.Finding {
	args := finding.Args{"host": o.ServerName, "elapsedMs": o.Times.TotalMs}
	addServerError(args, o.ServerError)
	return []finding.Finding{{Code: finding.ServerError, Layer: layer, Args: args}}
}

func addOpening(args finding.Args, o Observation) {
	args["unsolicited"], args["extraBytes"] = o.Unsolicited, o.ExtraBytes
	args["looksLike"], args["firstBytes"], args["firstBytesHex"] = unknownProtocol, "", ""
	if o.FirstBytes == nil {
		return
	}
	args["firstBytes"], args["firstBytesHex"] = o.FirstBytes.Text, o.FirstBytes.Hex
	raw := o.FirstBytes.raw()
	args["looksLike"] = looksLike(raw)
	// Behind an S that stood alone the other protocol starts with the second byte.
	if o.Stage == StageHandshake && args["looksLike"] == unknownProtocol && len(raw) > 1 {
		args["looksLike"] = looksLike(raw[1:])
	}
}

func addServerError(args finding.Args, e *ServerError) {
	if e == nil {
		e = &ServerError{}
	}
	args["severity"], args["sqlstate"], args["message"] = e.Severity, e.SQLState, e.Message
	args["detail"], args["hint"], args["routine"] = e.Detail, e.Hint, e.Routine
}

func addHandshake(args finding.Args, h *Handshake) {
	if h == nil {
		h = &Handshake{}
	}
	alert := Alert{}
	if h.AlertReceived != nil {
		alert = *h.AlertReceived
	}
	args["alert"], args["alertName"], args["alertLate"] = int(alert.Code), alert.Name, alert.Late
	args["oldVersion"], args["groups"] = h.OldVersion, string(h.Groups)
	args["clientCertificateRequested"] = h.ClientCertificateRequested
	args["flight"], args["missingBytes"] = flight(h), h.MissingBytes
}

// flight says after what the handshake stopped: "clientHello" where the server sent nothing, "encrypted" after the part
// that can be read, else the last message whose beginning came.
func flight(h *Handshake) string {
	switch {
	case len(h.Records) == 0:
		return "clientHello"
	case h.Records[len(h.Records)-1].Type == recordName(recordApplicationData):
		return "encrypted"
	case len(h.Messages) == 0:
		return h.Records[0].Type
	}
	return h.Messages[len(h.Messages)-1]
}
