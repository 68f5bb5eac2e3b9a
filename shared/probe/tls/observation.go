package tls

import (
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// Stage is how far the conversation came.
type Stage string

// The stages, in order.
const (
	// StageOpen: TCP is up and we have said nothing yet.
	StageOpen Stage = "open"
	// StageRequested: SSLRequest has left.
	StageRequested Stage = "requested"
	// StageReplied: the peer has answered SSLRequest and there is no handshake to follow.
	StageReplied Stage = "replied"
	// StageHandshake: the reply was S and ClientHello has left.
	StageHandshake Stage = "handshake"
	// StageSecured: the handshake is complete and the certificate was looked at.
	StageSecured Stage = "secured"
)

// Ending is how a conversation ended that could not go on.
type Ending string

// The endings.
const (
	// EndedTimeout is the peer's silence until the layer's deadline, EndedCancelled the end of the whole check.
	EndedTimeout   Ending = "timeout"
	EndedCancelled Ending = "cancelled"
	EndedClosed    Ending = "closed"
	EndedReset     Ending = "reset"
	// EndedForeign: bytes that are no answer to SSLRequest.
	EndedForeign Ending = "foreign"
	// EndedNotTLS: bytes after S that are no TLS record.
	EndedNotTLS Ending = "notTls"
	// EndedAlert: the peer refused by a TLS alert. EndedRefused: our side refused what the peer sent.
	EndedAlert   Ending = "alert"
	EndedRefused Ending = "refusedByUs"
	// EndedTooMuch: more handshake bytes than we take.
	EndedTooMuch Ending = "tooMuch"
	// EndedUnverified: verification was demanded and failed, so that we closed before any password.
	EndedUnverified Ending = "unverified"
)

// Observation is everything seen from the first byte after TCP to the end of the TLS handshake. It is complete on
// every path and survives JSON, so that it can be judged again.
type Observation struct {
	// ServerName is what the certificate is held against and, unless it is an address, sent as SNI.
	ServerName          string `json:"serverName"`
	ServerNameIsAddress bool   `json:"serverNameIsAddress,omitempty"`
	Stage               Stage  `json:"stage"`
	Ended               Ending `json:"ended,omitempty"`
	// Unsolicited means that the peer spoke before we did; PostgreSQL never does, a full one excepted (ServerError).
	Unsolicited bool `json:"unsolicited,omitempty"`
	// Reply is the first byte after SSLRequest: "S" and "N" are the answers of PostgreSQL.
	Reply string `json:"reply,omitempty"`
	// ExtraBytes means that more than the one byte came before ClientHello left (CVE-2021-23222).
	ExtraBytes  bool         `json:"extraBytes,omitempty"`
	FirstBytes  *Bytes       `json:"firstBytes,omitempty"`
	ServerError *ServerError `json:"serverError,omitempty"`
	Received    int64        `json:"bytesReceived"`
	Sent        int64        `json:"bytesSent"`
	Handshake   *Handshake   `json:"handshake,omitempty"`
	// GroupsRefused means that the offer of P-256 (or P-384, P-521) was refused: worth one more connection with Groups Full.
	GroupsRefused bool          `json:"groupsRefused,omitempty"`
	Chain         []Certificate `json:"chain,omitempty"`
	Verification  *Verification `json:"verification,omitempty"`
	Times         Times         `json:"times"`
	// BudgetExhausted means that the whole check ended this layer, not the peer's silence.
	BudgetExhausted bool `json:"budgetExhausted,omitempty"`
	// Error is the library's text, escaped and cut: evidence for people, never what a judgement rests on.
	Error string `json:"error,omitempty"`
}

// Bytes are the first bytes received, at most 64: exactly in hexadecimal, and readable with dots for the rest.
type Bytes struct {
	Hex  string `json:"hex"`
	Text string `json:"text"`
}

// ServerError is a PostgreSQL error in answer to SSLRequest, or before it. Unframed is the form without fields of a
// postmaster that cannot fork and of servers before 7.4.
type ServerError struct {
	Unframed bool   `json:"unframed,omitempty"`
	Severity string `json:"severity,omitempty"`
	SQLState string `json:"sqlstate,omitempty"`
	Message  string `json:"message,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Routine  string `json:"routine,omitempty"`
}

// Handshake is what was seen of the TLS handshake.
type Handshake struct {
	Groups Groups `json:"groups"`
	// Version, Cipher and Curve are set once it is complete.
	Version string `json:"version,omitempty"`
	Cipher  string `json:"cipher,omitempty"`
	Curve   string `json:"curve,omitempty"`
	// OldVersion is the version below TLS 1.2 that the server chose.
	OldVersion                 string `json:"oldVersion,omitempty"`
	ClientCertificateRequested bool   `json:"clientCertificateRequested,omitempty"`
	AlertReceived              *Alert `json:"alertReceived,omitempty"`
	// AlertSent is the alert that our side refused with, where it left unencrypted.
	AlertSent *Alert `json:"alertSent,omitempty"`
	// Messages are the server's handshake messages that came unencrypted, Records its records, both at most 16.
	Messages []string `json:"messages,omitempty"`
	Records  []Record `json:"records,omitempty"`
	// MissingBytes is what the last record announced and did not deliver.
	MissingBytes int `json:"missingBytes,omitempty"`
}

// Record is the header of one TLS record.
type Record struct {
	Type   string `json:"type"`
	Length int    `json:"length"`
}

// Alert is a TLS alert with its number and its name in RFC 8446.
type Alert struct {
	Code uint8  `json:"code"`
	Name string `json:"name"`
	// Late means that it came after our side of the handshake was complete, as TLS 1.3 allows.
	Late bool `json:"late,omitempty"`
}

// Certificate is one certificate of the chain as presented, the server's own first; at most 10 are kept.
type Certificate struct {
	Subject             string    `json:"subject"`
	Issuer              string    `json:"issuer"`
	IssuerOrganizations []string  `json:"issuerOrganizations,omitempty"`
	NotBefore           time.Time `json:"notBefore"`
	NotAfter            time.Time `json:"notAfter"`
	// Names are the subject alternative names, at most 20; MoreNames counts the rest.
	Names      []string `json:"names,omitempty"`
	MoreNames  int      `json:"moreNames,omitempty"`
	SHA256     string   `json:"sha256"`
	Key        string   `json:"key"`
	Signature  string   `json:"signature"`
	SelfSigned bool     `json:"selfSigned,omitempty"`
}

// Verification holds the three questions apart: who vouches for the certificate, for which name, and until when.
type Verification struct {
	// At is our clock when it was asked.
	At      time.Time `json:"at"`
	Trusted bool      `json:"trusted"`
	// Distrust says why it is not trusted; dates play no part in it.
	Distrust    Distrust `json:"distrust,omitempty"`
	NameMatches bool     `json:"nameMatches"`
	// NameProblem says why the name does not match.
	NameProblem NameProblem `json:"nameProblem,omitempty"`
	// NotBefore and NotAfter are the narrowest dates of the trusted chain, or the server certificate's own where there
	// is none; the subjects say whose they are.
	NotBefore   time.Time `json:"notBefore"`
	NotBeforeOf string    `json:"notBeforeOf"`
	NotAfter    time.Time `json:"notAfter"`
	NotAfterOf  string    `json:"notAfterOf"`
}

// Holds tells whether a time is within the dates.
func (v Verification) Holds(at time.Time) bool {
	return !at.Before(v.NotBefore) && !at.After(v.NotAfter)
}

// Distrust is why nobody vouches for a certificate.
type Distrust string

// The reasons for distrust.
const (
	UnknownAuthority   Distrust = "unknownAuthority"
	SelfSigned         Distrust = "selfSigned"
	NotForServers      Distrust = "notForServers"
	ConstraintViolated Distrust = "constraintViolated"
	InsecureSignature  Distrust = "insecureSignature"
	RootOutOfDate      Distrust = "rootOutOfDate"
	// NoSystemRoots is our own trouble: this host has no list of authorities.
	NoSystemRoots    Distrust = "noSystemRoots"
	InvalidOtherwise Distrust = "invalid"
)

// NameProblem is why a certificate is not for the server's name.
type NameProblem string

// The problems of names.
const (
	// OtherNames: the certificate is for other names [TLS-03].
	OtherNames NameProblem = "otherNames"
	// NoAddresses: the host is an address and the certificate holds none [TLS-04].
	NoAddresses NameProblem = "noAddresses"
	// LegacyCommonName: the name stands in the common name only, which libpq takes and others refuse [TLS-07].
	LegacyCommonName NameProblem = "legacyCommonName"
	// NoNames: there is no subject alternative name, and the common name is another [TLS-07].
	NoNames NameProblem = "noNames"
)

// Times are milliseconds of each step.
type Times struct {
	ReplyMs     float64 `json:"replyMs,omitempty"`
	HandshakeMs float64 `json:"handshakeMs,omitempty"`
	VerifyMs    float64 `json:"verifyMs,omitempty"`
	TotalMs     float64 `json:"totalMs"`
}

// layer of every finding of this package.
const layer = finding.TLS
