package tls

import (
	"context"
	cryptotls "crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// handshake runs crypto/tls on the wire and looks at the certificate afterwards. It returns nil where there is nothing to
// go on with.
func (o *Observation) handshake(ctx context.Context, wire *tap, t Target) net.Conn {
	o.Stage, o.Handshake = StageHandshake, &Handshake{Groups: t.Groups}
	client := cryptotls.Client(wire, configuration(t, func() { o.Handshake.ClientCertificateRequested = true }))
	started := time.Now()
	wire.handshaking = true
	// Not HandshakeContext: it closes the connection when ctx ends, and then the bytes that came are lost as evidence.
	err := client.Handshake()
	o.Times.HandshakeMs = ms(time.Since(started))
	if err != nil {
		o.Error = clean(err.Error())
		o.handshakeFailed(ctx, wire, err)
	}
	wire.handshaking = false
	o.Handshake.take(wire)
	if err != nil {
		return nil
	}
	return o.secured(client, t)
}

// configuration leaves every check of the certificate to us: crypto/tls would stop at the first fault.
func configuration(t Target, certificateRequested func()) *cryptotls.Config {
	config := &cryptotls.Config{
		ServerName:         t.ServerName,
		InsecureSkipVerify: true, //nolint:gosec // verified in verify.go, before anything is sent
		MinVersion:         cryptotls.VersionTLS12,
		Time:               func() time.Time { return t.Now },
		GetClientCertificate: func(*cryptotls.CertificateRequestInfo) (*cryptotls.Certificate, error) {
			certificateRequested()
			return &cryptotls.Certificate{}, nil
		},
	}
	if t.Groups == P256First {
		// crypto/tls sends the key of the first one in its own order that is listed here, which is P-256 as long as no
		// other goes before it; a server that wants P-384 or P-521 asks for it, which costs one round trip.
		config.CurvePreferences = []cryptotls.CurveID{cryptotls.CurveP256, cryptotls.CurveP384, cryptotls.CurveP521}
		return config
	}
	for _, suite := range cryptotls.CipherSuites() {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	config.CipherSuites = append(config.CipherSuites, cryptotls.TLS_RSA_WITH_AES_128_GCM_SHA256,
		cryptotls.TLS_RSA_WITH_AES_256_GCM_SHA384, cryptotls.TLS_RSA_WITH_AES_128_CBC_SHA,
		cryptotls.TLS_RSA_WITH_AES_256_CBC_SHA)
	return config
}

// handshakeFailed says how it ended. The wire decides; the library's error only yields an encrypted alert's number.
func (o *Observation) handshakeFailed(ctx context.Context, wire *tap, err error) {
	if wire.atWrite {
		wire.drain(ctx)
	}
	code, alerted := AlertFrom(err)
	switch {
	case wire.failed == EndedNotTLS:
		o.Ended = EndedNotTLS
		wire.linger(ctx, keepBytes)
	case alerted && code != alertCloseNotify:
		o.alerted(code, wire)
	case wire.in.fatal != nil && wire.in.fatal.Code != alertCloseNotify:
		o.alerted(wire.in.fatal.Code, wire)
	case wire.failed != "":
		o.Ended = wire.failed
	case alerted, errors.Is(err, io.EOF):
		// A close_notify is a close by the rules of TLS.
		o.Ended = EndedClosed
	default:
		o.Ended = EndedRefused
	}
}

func (o *Observation) alerted(code uint8, wire *tap) {
	o.Ended, o.Handshake.AlertReceived = EndedAlert, newAlert(code)
	if o.Handshake.Groups != P256First || wire.in.hello {
		return
	}
	switch code {
	case alertHandshakeFailure, alertIllegalParameter, alertInsufficientSecurity:
		o.GroupsRefused = true
	}
}

// drain reads what the peer sent before our writing failed: its alert may lie there.
func (t *tap) drain(ctx context.Context) {
	t.setReadDeadline(ctx, time.Now().Add(50*time.Millisecond))
	buffer := make([]byte, maxOpening)
	for {
		if _, err := t.Read(buffer); err != nil {
			return
		}
	}
}

// take copies what the records showed.
func (h *Handshake) take(wire *tap) {
	h.Records, h.Messages, h.MissingBytes = wire.in.list, wire.in.messages, wire.in.left
	h.AlertSent = wire.out.fatal
	// SSL 3.0 to TLS 1.1; a smaller number is no version at all.
	if wire.in.hello && wire.in.version>>8 == 3 && wire.in.version < cryptotls.VersionTLS12 {
		h.OldVersion = cryptotls.VersionName(wire.in.version)
	}
}

// secured looks at the certificate and closes where its verification was demanded and failed.
func (o *Observation) secured(client *cryptotls.Conn, t Target) net.Conn {
	o.Stage = StageSecured
	state := client.ConnectionState()
	o.Handshake.Version = cryptotls.VersionName(state.Version)
	o.Handshake.Cipher = cryptotls.CipherSuiteName(state.CipherSuite)
	if state.CurveID != 0 {
		o.Handshake.Curve = state.CurveID.String()
	}
	started := time.Now()
	o.Chain = describe(state.PeerCertificates)
	v := verify(state.PeerCertificates, t)
	o.Verification = &v
	o.Times.VerifyMs = ms(time.Since(started))
	if acceptable(v, t.Mode) {
		return client
	}
	o.Ended = EndedUnverified
	// With a close_notify, so that the server does not log an unexpected end.
	_ = client.Close()
	return nil
}
