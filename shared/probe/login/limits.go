package login

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// What one check may cost us at most. A driver's own limit is 1 GiB a message, which a hostile endpoint turns into 2 GB
// of memory within seconds; a cap on messages alone still left 500 MB of rows.
const (
	maxBodyBeforeLogin = 64 << 10
	maxBody            = 1 << 20
	maxBytes           = 8 << 20
	maxNotices         = 100
	maxParameters      = 100
	maxNotifications   = 100
	maxRows            = 20_000
	keptParameters     = 64
	maxText            = 4 << 10
	maxParameter       = 256
)

const headerLen = 5

// LimitError says which limit the peer's traffic went over. Reading from the connection is over after it.
type LimitError struct {
	Violation Violation
	Detail    string
}

// Error implements error.
func (e *LimitError) Error() string {
	return "peer went over limit " + string(e.Violation) + ": " + e.Detail
}

// meter follows the framing of everything that is read, before and after the connection is handed to pgconn, so that
// one place holds all limits.
type meter struct {
	maxBody int
	header  [headerLen]byte
	have    int
	body    int
	bytes   int64
	// counts are the messages of the kinds that have a limit, in the order of limited.
	counts [len(limited)]int
	failed *LimitError
}

// pass lets p through up to the first byte that breaks a limit.
func (m *meter) pass(p []byte) error {
	if m.failed != nil {
		return m.failed
	}
	if m.bytes += int64(len(p)); m.bytes > maxBytes {
		return m.fail(ViolationBytes, fmt.Sprintf("more than %d bytes", maxBytes))
	}
	for len(p) > 0 {
		if m.body > 0 {
			skip := min(m.body, len(p))
			m.body -= skip
			p = p[skip:]
			continue
		}
		n := copy(m.header[m.have:], p)
		m.have += n
		p = p[n:]
		if m.have < headerLen {
			return nil
		}
		m.have = 0
		if err := m.begin(); err != nil {
			return err
		}
	}
	return nil
}

// begin looks at a message's header.
func (m *meter) begin() error {
	kind, length := m.header[0], int64(binary.BigEndian.Uint32(m.header[1:]))
	if length < 4 {
		return m.fail(ViolationMalformed, fmt.Sprintf("message %q says it is %d bytes long", kind, length))
	}
	if length-4 > int64(m.maxBody) {
		return m.fail(ViolationMessageSize, fmt.Sprintf("message %q says it is %d bytes long", kind, length))
	}
	m.body = int(length - 4)
	i := strings.IndexByte(limited, kind)
	if i < 0 {
		return nil
	}
	m.counts[i]++
	if limit, violation := countLimit(kind); m.counts[i] > limit {
		return m.fail(violation, fmt.Sprintf("more than %d", limit))
	}
	return nil
}

// limited are the kinds of messages of which only so many are read.
const limited = "NSAD"

func countLimit(kind byte) (int, Violation) {
	switch kind {
	case 'N':
		return maxNotices, ViolationNotices
	case 'S':
		return maxParameters, ViolationParameters
	case 'A':
		return maxNotifications, ViolationNotifications
	}
	return maxRows, ViolationRows
}

func (m *meter) fail(violation Violation, detail string) error {
	m.failed = &LimitError{Violation: violation, Detail: detail}
	return m.failed
}
