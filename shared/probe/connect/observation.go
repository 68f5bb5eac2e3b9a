package connect

// Outcome is how one attempt to connect ended.
type Outcome string

// The outcomes of an attempt.
const (
	Connected           Outcome = "connected"
	Timeout             Outcome = "timeout"
	Refused             Outcome = "refused"
	HostUnreachable     Outcome = "hostUnreachable"
	NetworkUnreachable  Outcome = "networkUnreachable"
	NotPermitted        Outcome = "notPermitted"
	LocalPortsExhausted Outcome = "localPortsExhausted"
	RefusedByPolicy     Outcome = "refusedByPolicy"
	// Cancelled means that we stopped it ourselves before the layer's time was over: it says nothing about the peer.
	Cancelled Outcome = "cancelled"
	Other     Outcome = "other"
)

// Observation is what the TCP handshakes showed. It is complete on every path and survives JSON.
type Observation struct {
	Port uint16 `json:"port"`
	// Attempts are in the order of the addresses, those of the second round after those of the first.
	Attempts []Attempt  `json:"attempts,omitempty"`
	NotTried []NotTried `json:"notTried,omitempty"`
	// RemoteAddress and LocalAddress belong to the connection that was kept; empty where there is none.
	RemoteAddress string `json:"remoteAddress,omitempty"`
	LocalAddress  string `json:"localAddress,omitempty"`
	// RTTMs is the round trip of the kept connection, from the kernel or else from the handshake.
	RTTMs float64 `json:"rttMs,omitempty"`
	// AtEnd is the kept connection's state after the conversation, where the caller asked Inspect for it: it shows
	// the data that had to be sent again, which the handshake cannot show.
	AtEnd *Kernel `json:"atEnd,omitempty"`
	// BudgetExhausted means that the whole check ended this layer, not the peer's silence.
	BudgetExhausted bool    `json:"budgetExhausted,omitempty"`
	ElapsedMs       float64 `json:"elapsedMs"`
}

// Attempt is one TCP handshake with one address.
type Attempt struct {
	Address string `json:"address"`
	// Number is 1, or 2 for the attempt after every address was refused or unreachable.
	Number  int     `json:"number"`
	Outcome Outcome `json:"outcome"`
	// Kept marks the one connection that goes on; others that were made were closed at once.
	Kept bool `json:"kept,omitempty"`
	// Unfinished means that another address had won and this one was not waited for until the layer's end.
	Unfinished bool    `json:"unfinished,omitempty"`
	ElapsedMs  float64 `json:"elapsedMs"`
	// Errno is the operating system's error number, 0 where there is none; ErrnoName is its symbol, ECONNREFUSED.
	Errno        int    `json:"errno,omitempty"`
	ErrnoName    string `json:"errnoName,omitempty"`
	LocalAddress string `json:"localAddress,omitempty"`
	// Policy says why our own policy refused the address.
	Policy string  `json:"policy,omitempty"`
	Kernel *Kernel `json:"kernel,omitempty"`
}

// NotTried is an address that was left out: "ipv6" where there is IPv4, "limit" past the eighth, "invalid".
type NotTried struct {
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

// Kernel is what the operating system measured on a connection, without a packet of ours (Linux TCP_INFO).
type Kernel struct {
	RTTMs    float64 `json:"rttMs"`
	RTTVarMs float64 `json:"rttVarMs"`
	// Retransmits counts segments that were lost and sent again since the start; right after the handshake these are
	// the SYNs.
	Retransmits int `json:"retransmits"`
	// MSS is the largest segment that the path was announced to take, in bytes.
	MSS int `json:"mss,omitempty"`
}
