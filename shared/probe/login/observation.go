package login

// Stage is how far the conversation came.
type Stage string

// The stages, in order. The name says what was reached: the startup packet was sent, authentication was asked for (or
// waived), the server said ReadyForQuery, the session answered a query.
const (
	StageStartup        Stage = "startup"
	StageAuthentication Stage = "authentication"
	StageReady          Stage = "ready"
	StageSession        Stage = "session"
)

// End says how the connection came to its end, where it was neither a success nor an error of PostgreSQL's own.
type End string

// The ends. EndTimeout is the peer's silence up to the deadline; EndCancelled is our own doing and proves nothing.
const (
	EndTimeout   End = "timeout"
	EndCancelled End = "cancelled"
	EndClosed    End = "closed"
	EndReset     End = "reset"
	EndAlert     End = "alert"
	EndError     End = "error"
)

// Stop says why we ended the conversation although the peer would have gone on.
type Stop string

// The stops. StopPasswordNever is what the caller asked for; the others are findings.
const (
	StopPasswordNever     Stop = "password_never"
	StopPasswordMissing   Stop = "password_missing"
	StopCleartext         Stop = "cleartext_refused"
	StopMethodUnsupported Stop = "method_unsupported"
	StopChannelBinding    Stop = "channel_binding_unavailable"
)

// Violation says how the peer broke the protocol or a limit of ours.
type Violation string

// The violations.
const (
	ViolationMessageSize     Violation = "message_size"
	ViolationBytes           Violation = "bytes"
	ViolationNotices         Violation = "notices"
	ViolationParameters      Violation = "parameters"
	ViolationNotifications   Violation = "notifications"
	ViolationRows            Violation = "rows"
	ViolationMalformed       Violation = "malformed_message"
	ViolationUnexpected      Violation = "unexpected_message"
	ViolationNotPostgres     Violation = "not_postgres"
	ViolationServerFirst     Violation = "scram_server_first"
	ViolationServerNonce     Violation = "scram_nonce"
	ViolationIterations      Violation = "scram_iterations"
	ViolationServerSignature Violation = "scram_server_signature"
	ViolationScramSkipped    Violation = "scram_skipped"
	ViolationRowMismatch     Violation = "row_mismatch"
)

// Authentication methods, in the words of pg_hba.conf where it has one.
const (
	MethodTrust     = "trust"
	MethodPassword  = "password"
	MethodMD5       = "md5"
	MethodScram     = "scram-sha-256"
	MethodScramPlus = "scram-sha-256-plus"
	MethodGSS       = "gss"
	MethodSSPI      = "sspi"
)

// Observation is the evidence of one login attempt. Text of the peer is capped, valid UTF-8 and free of control
// characters.
type Observation struct {
	// Attempt labels the attempt for people: "with TLS", "without TLS".
	Attempt     string `json:"attempt,omitempty"`
	TLS         bool   `json:"tls"`
	TLSVerified bool   `json:"tlsVerified,omitempty"`
	// Replication is the startup parameter of that name, empty for an ordinary login.
	Replication string `json:"replication,omitempty"`
	Stage       Stage  `json:"stage"`

	// AuthMethods are those that the server offered, AuthUsed the one that was gone through with.
	AuthMethods []string `json:"authMethods,omitempty"`
	AuthUsed    string   `json:"authUsed,omitempty"`
	// ChannelBinding is the type of the binding used, such as tls-server-end-point.
	ChannelBinding string `json:"channelBinding,omitempty"`
	// Iterations is the server's SCRAM iteration count.
	Iterations   int  `json:"iterations,omitempty"`
	PasswordSent bool `json:"passwordSent"`
	// ServerProved says that the server showed, by its SCRAM signature, that it knows the password's verifier.
	ServerProved  bool `json:"serverProved,omitempty"`
	Authenticated bool `json:"authenticated"`

	Error *ServerError `json:"error,omitempty"`
	// QueryError is what the login query was answered with; the session may still be good.
	QueryError *ServerError `json:"queryError,omitempty"`
	Stopped    Stop         `json:"stopped,omitempty"`
	Violation  Violation    `json:"violation,omitempty"`
	// ViolationDetail adds numbers and names to the violation.
	ViolationDetail string `json:"violationDetail,omitempty"`
	// FirstBytes are the beginning of what is not PostgreSQL, and LooksLike what speaks like that.
	FirstBytes string `json:"firstBytes,omitempty"`
	LooksLike  string `json:"looksLike,omitempty"`
	End        End    `json:"end,omitempty"`
	EndDetail  string `json:"endDetail,omitempty"`
	// Alert is the TLS alert that ended the connection after the handshake (TLS 1.3 refuses client certificates here).
	Alert                     int  `json:"alert,omitempty"`
	ClientCertificateRequired bool `json:"clientCertificateRequired,omitempty"`

	// Parameters are the first 64 that the server reported.
	Parameters map[string]string `json:"parameters,omitempty"`
	// ProtocolVersion is what the server negotiated down to; empty for 3.0 as asked.
	ProtocolVersion string `json:"protocolVersion,omitempty"`
	// PoolerSigns tell why this is not the server itself.
	PoolerSigns []string `json:"poolerSigns,omitempty"`
	Notices     int      `json:"notices,omitempty"`
	// FirstNotice is the text of the first notice.
	FirstNotice string `json:"firstNotice,omitempty"`
	// Farewell is a notice of operator intervention (class 57P): by one, and not by an error, a server says goodbye that
	// is shut down at once or lost another process.
	Farewell *ServerError `json:"farewell,omitempty"`

	// SeenAs and SeenPort are the client's address and port as the server sees them; ServerAddress is the server's own.
	SeenAs        string `json:"seenAs,omitempty"`
	SeenPort      int    `json:"seenPort,omitempty"`
	ServerAddress string `json:"serverAddress,omitempty"`
	// ServerVersionNum is server_version_num, such as 150018; 0 means not seen.
	ServerVersionNum int    `json:"serverVersionNum,omitempty"`
	SessionUser      string `json:"sessionUser,omitempty"`
	InRecovery       *bool  `json:"inRecovery,omitempty"`

	BytesIn          int64   `json:"bytesIn"`
	StartupMs        float64 `json:"startupMs,omitempty"`
	AuthenticationMs float64 `json:"authenticationMs,omitempty"`
	ReadyMs          float64 `json:"readyMs,omitempty"`
	QueryMs          float64 `json:"queryMs,omitempty"`
	ElapsedMs        float64 `json:"elapsedMs"`
}

// Passed tells whether the attempt ended in a usable session.
func (o Observation) Passed() bool { return o.Stage == StageSession }

// Admitted tells whether pg_hba.conf let the attempt through: the server asked for a password or waived it.
func (o Observation) Admitted() bool { return len(o.AuthMethods) > 0 || o.Authenticated }

// ServerError is an ErrorResponse: every field as the server sent it, cleaned for a log.
type ServerError struct {
	// Severity is the non-localised one where the server sends it (9.6 and later).
	Severity string `json:"severity,omitempty"`
	SQLState string `json:"sqlstate,omitempty"`
	// Routine is the C function that raised the error: free of locale, but gateways and poolers omit it.
	Routine string `json:"routine,omitempty"`
	Message string `json:"message,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Hint    string `json:"hint,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
}
