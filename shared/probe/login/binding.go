package login

import (
	"crypto"
	_ "crypto/sha256" // registers SHA-256
	_ "crypto/sha512" // registers SHA-384 and SHA-512
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"reflect"
)

// endPoint is the channel binding data tls-server-end-point (RFC 5929, section 4.1): a hash of the server's certificate
// by the hash of its signature, where MD5 and SHA-1 are replaced by SHA-256. It is nil without TLS, and for signatures
// (RSA-PSS, Ed25519) whose hash PostgreSQL 15 and older cannot tell and then ends the login.
func endPoint(conn net.Conn) []byte {
	encrypted, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	certificates := encrypted.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		return nil
	}
	hash := signatureHash(certificates[0].SignatureAlgorithm)
	if hash == 0 {
		return nil
	}
	h := hash.New()
	h.Write(certificates[0].Raw)
	return h.Sum(nil)
}

func signatureHash(algorithm x509.SignatureAlgorithm) crypto.Hash {
	switch algorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.SHA256WithRSA, x509.ECDSAWithSHA256:
		return crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512:
		return crypto.SHA512
	}
	return 0
}

// TLS alerts by which a server refuses a client that shows no certificate.
const (
	alertHandshakeFailure    = 40
	alertBadCertificate      = 42
	alertCertificateRequired = 116
)

// alertOf finds the TLS alert in a read error: crypto/tls wraps its unexported alert type (an uint8) in a *net.OpError
// with Op "remote error", and gives no other way to its number.
func alertOf(err error) (int, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	value := reflect.ValueOf(op.Err)
	if value.Kind() != reflect.Uint8 {
		return 0, false
	}
	return int(value.Uint()), true
}
