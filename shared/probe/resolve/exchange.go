package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	// bufferBytes is more than was offered: some servers send more, and a cut datagram is asked for again over TCP.
	bufferBytes = 2048
	// firstTry is how long the first query is waited for before the second; UDP loses packets.
	firstTry = time.Second
	// secondTry is how long the second is waited for before the third: where many checks begin at once, the same burst
	// that lost the first query may lose the second.
	secondTry = 1500 * time.Millisecond
	// maxInvalid ends the patience with a server that floods us.
	maxInvalid = 1000
	// maxInvalidTCP messages are skipped on one connection.
	maxInvalidTCP = 8
)

// errEnough ends the questions that are still open when another answer is enough.
var errEnough = errors.New("another answer is enough")

var errFlood = errors.New("too many invalid answers")

// exchange is one question to one server.
type exchange struct {
	dial   Dial
	server netip.AddrPort
	name   string // fully qualified
	qtype  uint16
}

// run asks and waits for an answer until the context ends.
func (x exchange) run(ctx context.Context) Answer {
	started := time.Now()
	answer := &Answer{}
	m, err := x.overUDP(ctx, answer)
	if err == nil && m.truncated {
		answer.Truncated = true
		m, err = x.overTCP(ctx, answer)
	}
	answer.ElapsedMs = milliseconds(time.Since(started))
	if err != nil {
		answer.missed(ctx, err)
		return *answer
	}
	answer.take(m, question{name: x.name, qtype: x.qtype})
	return *answer
}

// session is the UDP side of an exchange: one socket, so that a late answer to the first query still counts.
type session struct {
	exchange
	conn   net.Conn
	buffer []byte
	ids    []uint16
	answer *Answer
}

func (x exchange) overUDP(ctx context.Context, answer *Answer) (message, error) {
	answer.Transport = "udp"
	conn, err := x.open(ctx, "udp")
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := session{exchange: x, conn: conn, buffer: make([]byte, bufferBytes), answer: answer}
	limit := deadline(ctx)
	first, err := s.try(true, time.Now().Add(min(firstTry, time.Until(limit)/3)))
	if err == nil && !rejectsEDNS(first) || ctx.Err() != nil || errors.Is(err, errFlood) {
		return first, err
	}
	// The second try is for a lost packet, for a port that was closed for a moment, and for servers and firewalls that
	// cannot bear EDNS0 (RFC 6891 section 6.2.2): it goes without.
	second, secondErr := s.try(false, time.Now().Add(min(secondTry, time.Until(limit)/2)))
	if errors.Is(secondErr, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		second, secondErr = s.try(false, limit)
	}
	for secondErr == nil && second.id == s.ids[0] && rejectsEDNS(second) {
		first, err = second, nil
		second, secondErr = s.receive(limit)
	}
	if secondErr != nil && err == nil {
		return first, nil
	}
	// Hosts limit how often they say that nobody listens: silence after such an answer does not take it back.
	if isErrno(err) && !isErrno(secondErr) && secondErr != nil {
		return message{}, err
	}
	answer.WithoutEDNS = secondErr == nil && second.id != s.ids[0]
	return second, secondErr
}

// rejectsEDNS knows the answer of a server that does not speak EDNS0; one that does has an OPT record in its answer.
func rejectsEDNS(m message) bool {
	return !m.edns && (m.rcode == dns.RcodeFormatError || m.rcode == dns.RcodeNotImplemented)
}

// try sends one query, with a fresh random id, and waits for an answer to it or to an earlier one.
func (s *session) try(edns bool, until time.Time) (message, error) {
	s.ids = append(s.ids, dns.Id())
	raw, err := query(s.question(), s.ids[len(s.ids)-1], edns)
	if err != nil {
		return message{}, err
	}
	s.answer.Tries++
	if _, err := s.conn.Write(raw); err != nil {
		return message{}, err
	}
	return s.receive(until)
}

func (s *session) question() question {
	return question{name: s.name, qtype: s.qtype, ids: s.ids}
}

// receive goes on over what is not to be believed until an answer comes or the time is up.
func (s *session) receive(until time.Time) (message, error) {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return message{}, err
	}
	for s.answer.InvalidAnswers < maxInvalid {
		n, err := s.conn.Read(s.buffer)
		if err != nil {
			return message{}, err
		}
		if n == len(s.buffer) { // the kernel cut the rest off
			if m, _, ok := s.question().readHeader(s.buffer); ok {
				m.truncated = true
				return m, nil
			}
		} else if m, ok := s.question().read(s.buffer[:n]); ok {
			return m, nil
		}
		s.answer.InvalidAnswers++
	}
	return message{}, errFlood
}

func (x exchange) overTCP(ctx context.Context, answer *Answer) (message, error) {
	answer.Transport = "tcp"
	conn, err := x.open(ctx, "tcp")
	if err != nil {
		return message{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(deadline(ctx)); err != nil {
		return message{}, err
	}
	q := question{name: x.name, qtype: x.qtype, ids: []uint16{dns.Id()}}
	raw, err := query(q, q.ids[0], !answer.WithoutEDNS)
	if err != nil {
		return message{}, err
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)); err != nil {
		return message{}, err
	}
	for range maxInvalidTCP {
		raw, err := readFrame(conn)
		if err != nil {
			return message{}, err
		}
		if m, ok := q.read(raw); ok {
			m.truncated = false // over TCP there is nothing further to ask
			return m, nil
		}
		answer.InvalidAnswers++
	}
	return message{}, errFlood
}

// readFrame reads one length-prefixed message, at most 65,535 bytes (RFC 1035 section 4.2.2).
func readFrame(conn net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, raw)
	return raw, err
}

func (x exchange) open(ctx context.Context, network string) (net.Conn, error) {
	if x.dial != nil {
		return x.dial(ctx, network, x.server)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, x.server.String())
}

// deadline is the context's; Observe always sets one.
func deadline(ctx context.Context) time.Time {
	until, _ := ctx.Deadline()
	return until
}

// missed notes why there is no answer.
func (a *Answer) missed(ctx context.Context, err error) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		a.Errno = int(errno)
	}
	timeout := errors.Is(err, context.DeadlineExceeded) || isTimeout(err)
	said := isErrno(err) && !timeout
	switch ended := outcomeOf(ctx); {
	case ended != TimedOut:
		a.Outcome = ended
	case a.Truncated:
		a.Outcome = OnlyTruncated
	case !said && (ctx.Err() != nil || timeout || errors.Is(err, errFlood)):
		a.Outcome, a.Errno = TimedOut, 0
	default:
		a.Outcome = Unreachable
	}
}

func isErrno(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// outcomeOf tells why a context ended; one that still runs has not timed out yet, but nothing else is known of it.
func outcomeOf(ctx context.Context) Outcome {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return TimedOut
	}
	if errors.Is(context.Cause(ctx), errEnough) {
		return NotAwaited
	}
	return Cancelled
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
