package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// Extension is what the asked server has of dblink.
type Extension string

// The states of the extension. ExtensionCreated lasted until the transaction was rolled back.
const (
	ExtensionInstalled    Extension = "installed"
	ExtensionCreated      Extension = "created_and_rolled_back"
	ExtensionNotAllowed   Extension = "not_allowed"
	ExtensionNotAvailable Extension = "not_available"
)

// Method is how the attempt is kept from handing over a password: the name of the conninfo option that ends it.
type Method string

// The methods. dblink lets only superusers connect without naming a password; everybody else names one that is none,
// and libpq is told to end the conversation before it would be used.
const (
	// MethodNoPassword (superusers, before libpq 16) ends where the far server asks for a password.
	MethodNoPassword Method = "no_password"
	// MethodRequireAuth (libpq 16 and later, require_auth=none) ends there too, whatever PGPASSWORD says there.
	MethodRequireAuth Method = "require_auth"
	// MethodChannelBinding (libpq 13 to 15, without TLS) ends there too: there is nothing to bind to.
	MethodChannelBinding Method = "channel_binding"
	// MethodRoots (before libpq 16, with TLS) ends sooner, where the far server has offered TLS.
	MethodRoots Method = "missing_roots"
)

// End says why the asked server gave no answer.
type End string

// The ends. EndTimeout is silence up to the deadline, EndCancelled our own doing, EndLost a broken connection.
const (
	EndTimeout   End = "timeout"
	EndCancelled End = "cancelled"
	EndLost      End = "connection_lost"
)

// Phase is how far the questions to the asked server came.
type Phase string

// The phases, in order.
const (
	PhaseBegin     Phase = "begin"
	PhaseExtension Phase = "extension"
	PhaseConnect   Phase = "connect"
)

// Observation is the evidence of one attempt of a server to reach another. Text of the servers is capped and free of
// control characters.
type Observation struct {
	// Refused says why nothing was asked: the host or the address is not one that a server may be sent to.
	Refused string `json:"refused,omitempty"`
	Phase   Phase  `json:"phase,omitempty"`

	// ServerVersionNum is server_version_num of the asked server; its libpq has the same version.
	ServerVersionNum int       `json:"serverVersionNum,omitempty"`
	Superuser        bool      `json:"superuser"`
	InRecovery       bool      `json:"inRecovery,omitempty"`
	Extension        Extension `json:"extension,omitempty"`
	// Schema holds the extension.
	Schema string `json:"schema,omitempty"`
	// AzureExtensions is the setting azure.extensions; nil where the server has none.
	AzureExtensions *string `json:"azureExtensions,omitempty"`

	Method Method `json:"method,omitempty"`
	// Connection is the conninfo as it was used. The word in place of the password is none.
	Connection string `json:"connection,omitempty"`
	// Error is what ended the phase. For PhaseConnect it always comes, but where the far server asks for no password.
	Error *Error `json:"error,omitempty"`
	End   End    `json:"end,omitempty"`
	// ConnectMs is the time of the attempt itself, as seen from here, one round trip included.
	ConnectMs float64 `json:"connectMs,omitempty"`
	ElapsedMs float64 `json:"elapsedMs"`
	// RolledBack says that the server confirmed the ROLLBACK. Where it did not though there was a transaction, the
	// connection was dropped, which ends the transaction too.
	RolledBack bool `json:"rolledBack"`
}

// Error is an error of the asked server. For a connection that failed Detail holds the text of its libpq.
type Error struct {
	SQLState string `json:"sqlstate"`
	Message  string `json:"message,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// MarshalJSON writes each text as one line: a report holds no control characters. The judgement needs the lines of
// libpq's text, so that those of a longer one stand beside it.
func (e Error) MarshalJSON() ([]byte, error) {
	out := stored{plainError: plainError(e)}
	if strings.ContainsRune(e.Detail, '\n') {
		for line := range strings.SplitSeq(e.Detail, "\n") {
			out.DetailLines = append(out.DetailLines, strings.Map(spaced, line))
		}
	}
	for _, text := range []*string{&out.Message, &out.Detail, &out.Hint} {
		*text = strings.Join(strings.Fields(*text), " ")
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. Like it, it knows no fields but its own.
func (e *Error) UnmarshalJSON(raw []byte) error {
	var in stored
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return fmt.Errorf("read error of a server: %w", err)
	}
	*e = Error(in.plainError)
	if len(in.DetailLines) > 0 {
		e.Detail = strings.Join(in.DetailLines, "\n")
	}
	return nil
}

type plainError Error

type stored struct {
	plainError
	DetailLines []string `json:"detailLines,omitempty"`
}

func spaced(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}
