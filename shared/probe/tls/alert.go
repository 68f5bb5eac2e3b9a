package tls

import (
	"errors"
	"fmt"
	"net"
	"reflect"
)

// AlertFrom extracts the alert that the peer sent from an error of a crypto/tls connection. A server of TLS 1.3 refuses
// a missing client certificate only after our side of the handshake is complete, so it surfaces at the first read.
func AlertFrom(err error) (uint8, bool) {
	var operation *net.OpError
	// crypto/tls marks the peer's alerts by this operation; the type of the alert itself is not exported.
	if !errors.As(err, &operation) || operation.Op != "remote error" || operation.Err == nil {
		return 0, false
	}
	value := reflect.ValueOf(operation.Err)
	if value.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(value.Uint()), true //nolint:gosec // the kind was checked
}

// The alerts that decide a judgement (RFC 8446, section 6).
const (
	alertCloseNotify          = 0
	alertHandshakeFailure     = 40
	alertNoCertificate        = 41
	alertBadCertificate       = 42
	alertUnsupportedCert      = 43
	alertCertificateUnknown   = 46
	alertIllegalParameter     = 47
	alertUnknownCA            = 48
	alertAccessDenied         = 49
	alertProtocolVersion      = 70
	alertInsufficientSecurity = 71
	alertCertificateRequired  = 116
)

func alertName(code uint8) string {
	names := map[uint8]string{0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
		22: "record_overflow", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
		43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
		47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
		70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
		90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension", 110: "unsupported_extension",
		112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
		116: "certificate_required", 120: "no_application_protocol"}
	if name, known := names[code]; known {
		return name
	}
	return fmt.Sprintf("alert_%d", code)
}

func newAlert(code uint8) *Alert { return &Alert{Code: code, Name: alertName(code)} }
