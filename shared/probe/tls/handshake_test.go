package tls

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	cryptotls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestGoodServer(t *testing.T) {
	t.Parallel()
	a := authority(t)
	config := certificate(t, a, pki.Options{Names: []string{host}})
	o, next := observe(t, connectTo(t, secure(config)), 3*time.Second,
		Target{ServerName: host + ".", Mode: request.TLSVerifyFull, Roots: a.Pool()})
	if next == nil {
		t.Fatalf("nothing to go on with: %+v", o)
	}
	if found := judge(t, o, request.TLSVerifyFull); len(found) != 0 {
		t.Errorf("findings: %v", found)
	}
	h := o.Handshake
	if h.Version != "TLS 1.3" || h.Curve != "CurveP256" || h.Groups != P256First || o.Reply != "S" || o.GroupsRefused {
		t.Errorf("observation: %+v, handshake: %+v", o, h)
	}
	if slices.Contains(h.Messages, "helloRetryRequest") {
		t.Error("the offer cost a round trip")
	}
	if len(o.Chain) != 1 || o.Chain[0].Key != "ECDSA P-256" || len(o.Chain[0].SHA256) != 64 || o.Chain[0].Names[0] != host {
		t.Errorf("chain: %+v", o.Chain)
	}
	secured := next.(*cryptotls.Conn)
	if state := secured.ConnectionState(); len(state.PeerCertificates) == 0 {
		t.Error("no certificate for channel binding")
	}
	if _, err := next.Write([]byte("startup")); err != nil {
		t.Errorf("the connection does not work: %v", err)
	}
}

func TestEndOfTheContextDoesNotReachTheConnectionThatGoesOn(t *testing.T) {
	t.Parallel()
	a := authority(t)
	ctx, cancel := context.WithCancel(t.Context())
	o, next := Observe(ctx, connectTo(t, secure(certificate(t, a, pki.Options{Names: []string{host}}))),
		Target{ServerName: host, Roots: a.Pool()})
	cancel()
	if next == nil {
		t.Fatalf("nothing to go on with: %+v", o)
	}
	defer next.Close()
	if _, err := next.Write([]byte("startup")); err != nil {
		t.Errorf("the connection does not work: %v", err)
	}
}

func TestServersThatRefuseTheHandshake(t *testing.T) {
	t.Parallel()
	a := authority(t)
	plain := func(change func(*cryptotls.Config)) *cryptotls.Config {
		config := certificate(t, a, pki.Options{Names: []string{host}})
		change(config)
		return config
	}
	for name, test := range map[string]struct {
		config *cryptotls.Config
		code   finding.Code
		args   finding.Args
		groups bool
	}{
		"TLS 1.1 at most": {plain(func(c *cryptotls.Config) {
			c.MinVersion, c.MaxVersion = cryptotls.VersionTLS10, cryptotls.VersionTLS11
		}), finding.TLSVersion, finding.Args{"alertName": "protocol_version"}, false},
		"no common cipher": {plain(func(c *cryptotls.Config) {
			c.MaxVersion = cryptotls.VersionTLS12
			c.CipherSuites = []uint16{cryptotls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}), finding.TLSHandshake, finding.Args{"alertName": "handshake_failure", "groups": "p256"}, true},
		"X25519 only": {plain(func(c *cryptotls.Config) {
			c.CurvePreferences = []cryptotls.CurveID{cryptotls.X25519}
		}), finding.TLSHandshake, finding.Args{"alertName": "handshake_failure"}, true},
		"wants our certificate, TLS 1.2": {plain(func(c *cryptotls.Config) {
			c.MaxVersion, c.ClientAuth = cryptotls.VersionTLS12, cryptotls.RequireAnyClientCert
		}), finding.TLSClientCertificateRequired, finding.Args{"clientCertificateRequested": true, "alertLate": false}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, next := observe(t, connectTo(t, secure(test.config)), 3*time.Second, Target{ServerName: host, Roots: a.Pool()})
			if next != nil || o.GroupsRefused != test.groups {
				t.Errorf("groups refused: %v, want %v; %+v", o.GroupsRefused, test.groups, o)
			}
			wantOne(t, o, test.code, test.args)
		})
	}
}

func TestFullOfferReachesServersThatRefuseP256(t *testing.T) {
	t.Parallel()
	a := authority(t)
	modern := certificate(t, a, pki.Options{Names: []string{host}})
	modern.CurvePreferences = []cryptotls.CurveID{cryptotls.X25519}
	old := &cryptotls.Config{Certificates: []cryptotls.Certificate{rsaCertificate(t)}, MaxVersion: cryptotls.VersionTLS12,
		CipherSuites: []uint16{cryptotls.TLS_RSA_WITH_AES_128_GCM_SHA256}}
	for name, config := range map[string]*cryptotls.Config{"X25519 only": modern, "RSA key exchange only": old} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, _ := observe(t, connectTo(t, secure(config)), 3*time.Second, Target{ServerName: host})
			if !first.GroupsRefused {
				t.Errorf("the first offer was not refused: %+v", first)
			}
			o, next := observe(t, connectTo(t, secure(config)), 3*time.Second, Target{ServerName: host, Groups: Full})
			if next == nil || o.GroupsRefused || o.Handshake.Groups != Full {
				t.Errorf("the full offer: %+v, %+v", o, o.Handshake)
			}
		})
	}
}

// A server of TLS 1.3 refuses a missing client certificate when our side is complete: the next layer gets no answer.
func TestClientCertificateIsMissedAfterTheHandshake(t *testing.T) {
	t.Parallel()
	a := authority(t)
	config := certificate(t, a, pki.Options{Names: []string{host}})
	config.ClientAuth = cryptotls.RequireAnyClientCert
	target := Target{ServerName: host, Mode: request.TLSVerifyFull, Roots: a.Pool()}
	o, next := observe(t, connectTo(t, secure(config)), 3*time.Second, target)
	if next == nil || !o.Handshake.ClientCertificateRequested {
		t.Fatalf("observation: %+v", o)
	}
	if found := judge(t, o, request.TLSVerifyFull); len(found) != 0 {
		t.Errorf("a request alone is no fault: %v", found)
	}
	_, _ = next.Write([]byte("startup"))
	_, err := next.Read(make([]byte, 1))
	if code, ok := AlertFrom(fmt.Errorf("read: %w", err)); !ok || code != alertCertificateRequired {
		t.Errorf("alert %d, %v from %v", code, ok, err)
	}
	_ = next.Close()
	later, changed := Revisit(o, next)
	if !changed || o.Stage != StageSecured || o.Handshake.AlertReceived != nil {
		t.Errorf("revisited: %v, the first observation: %+v", changed, o)
	}
	wantOne(t, later, finding.TLSClientCertificateRequired, finding.Args{"alertLate": true, "alert": 116})
}

func TestRevisitOfAServerThatOnlyClosedChangesNothing(t *testing.T) {
	t.Parallel()
	a := authority(t)
	config := certificate(t, a, pki.Options{Names: []string{host}})
	closes := func(t *testing.T, conn *net.TCPConn) {
		readRequest(t, conn)
		_, _ = conn.Write([]byte{'S'})
		_ = cryptotls.Server(conn, config).Handshake()
		closeGently(t, conn)
	}
	o, next := observe(t, connectTo(t, closes), 3*time.Second, Target{ServerName: host})
	if _, changed := Revisit(o, next); changed {
		t.Error("an alert was made up")
	}
}

func TestAlertFromOtherErrors(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, io.EOF, errors.New("remote error"), &net.OpError{Op: "remote error"},
		&net.OpError{Op: "remote error", Err: io.EOF}, &net.OpError{Op: "local error", Err: cryptotls.AlertError(40)}} {
		if code, ok := AlertFrom(err); ok {
			t.Errorf("alert %d from %v", code, err)
		}
	}
}

// What a path with a small MTU and no ICMP does: the first packets pass, full-sized ones vanish.
func TestHandshakeThatStopsMoving(t *testing.T) {
	t.Parallel()
	a := authority(t)
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("name-%d.example.test", i))
	}
	config := certificate(t, a, pki.Options{Names: names})
	tls12 := config.Clone()
	tls12.MaxVersion = cryptotls.VersionTLS12
	cut := func(n int) func(net.Conn) net.Conn {
		return func(conn net.Conn) net.Conn { return &cutAfter{Conn: conn, left: n} }
	}
	for name, test := range map[string]struct {
		server  script
		flight  string
		missing bool
	}{
		"after ServerHello":            {secureOver(config, cut(recordHeaderSize+155)), "serverHello", false},
		"in the middle of certificate": {secureOver(tls12, cut(600)), "certificate", true},
		"in the encrypted part":        {secureOver(config, cut(600)), "encrypted", true},
		"dripping too slowly": {secureOver(config, func(conn net.Conn) net.Conn {
			return &byteByByte{Conn: conn, every: 20 * time.Millisecond}
		}), "handshake", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, next := observe(t, connectTo(t, test.server), 400*time.Millisecond, Target{ServerName: host, Roots: a.Pool()})
			if next != nil || o.Ended != EndedTimeout || (o.Handshake.MissingBytes > 0) != test.missing {
				t.Errorf("observation: %+v, handshake: %+v", o, o.Handshake)
			}
			wantOne(t, o, finding.TLSStalled, finding.Args{"flight": test.flight, "bytesReceived": o.Received})
		})
	}
}

func TestServerThatDripsButArrives(t *testing.T) {
	t.Parallel()
	a := authority(t)
	config := certificate(t, a, pki.Options{Names: []string{host}})
	server := secureOver(config, func(conn net.Conn) net.Conn { return &byteByByte{Conn: conn} })
	o, next := observe(t, connectTo(t, server), 5*time.Second,
		Target{ServerName: host, Mode: request.TLSVerifyFull, Roots: a.Pool()})
	if next == nil {
		t.Fatalf("observation: %+v", o)
	}
	if found := judge(t, o, request.TLSVerifyFull); len(found) != 0 {
		t.Errorf("findings: %v", found)
	}
}

func TestEndOfTheWholeCheckIsNotThePeersSilence(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]script{
		"before the reply": waitForEnd,
		"after the reply":  steps(asConn(readRequest), say("S"), waitForEnd),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now().Add(80*time.Millisecond), errors.New("budget"))
			defer cancel()
			o, next := Observe(ctx, connectTo(t, server), Target{ServerName: host})
			if next != nil || !o.BudgetExhausted || o.Ended != EndedCancelled {
				t.Errorf("observation: %+v", o)
			}
			if found := judge(t, o, request.TLSRequire); len(found) != 0 {
				t.Errorf("findings: %v", found)
			}
		})
	}
}

func TestHandshakeBytesAreCapped(t *testing.T) {
	t.Parallel()
	record := append([]byte{recordApplicationData, 3, 3, 0x40, 0}, make([]byte, 0x4000)...)
	wire := &tap{Conn: endless{record}, handshaking: true}
	buffer := make([]byte, len(record))
	for range 2 * maxHandshakeBytes / len(record) {
		if _, err := wire.Read(buffer); errors.Is(err, errTooMuch) {
			if wire.failed != EndedTooMuch || wire.received > maxHandshakeBytes+int64(len(record)) {
				t.Errorf("failed as %q after %d bytes", wire.failed, wire.received)
			}
			return
		}
	}
	t.Error("never capped")
}

type endless struct{ block []byte }

func (e endless) Read(p []byte) (int, error)       { return copy(p, e.block), nil }
func (endless) Write(p []byte) (int, error)        { return len(p), nil }
func (endless) Close() error                       { return nil }
func (endless) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (endless) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (endless) SetDeadline(time.Time) error        { return nil }
func (endless) SetReadDeadline(_ time.Time) error  { return nil }
func (endless) SetWriteDeadline(_ time.Time) error { return nil }

func rsaCertificate(t *testing.T) cryptotls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return cryptotls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
