package tls

import "context"

// waiting is what lies in the socket before it is read.
type waiting int

const (
	waitingNothing waiting = iota
	waitingData
	waitingClosed
	waitingReset
)

// sslRequest is the length, 8, and the code 1234.5679 (PostgreSQL manual, "Message Formats").
func sslRequest() []byte { return []byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f} }

// maxOpening bounds what is read of a peer that does not answer like PostgreSQL: room for one error message.
const maxOpening = 4096

// open asks for TLS and reads the answer. It is true where exactly S came, so that the handshake may start.
func (o *Observation) open(ctx context.Context, wire *tap) bool {
	o.Stage = StageOpen
	switch peek(wire.Conn) {
	case waitingData:
		o.Unsolicited = true
		o.foreign(wire.linger(ctx, maxOpening))
		return false
	case waitingClosed:
		o.Ended = EndedClosed
		return false
	case waitingReset:
		o.Ended = EndedReset
		return false
	case waitingNothing:
	}
	if _, err := wire.Write(sslRequest()); err != nil {
		o.Ended = wire.failed
		return false
	}
	o.Stage = StageRequested
	return o.readReply(ctx, wire)
}

// readReply takes whatever the first read brings: PostgreSQL sends one byte and then waits.
func (o *Observation) readReply(ctx context.Context, wire *tap) bool {
	buffer := make([]byte, keepBytes)
	n, err := wire.Read(buffer)
	if n == 0 && err != nil {
		o.Ended = wire.failed
		return false
	}
	reply := buffer[0]
	o.Reply = printable(buffer[:1])
	o.ExtraBytes = n > 1 || peek(wire.Conn) == waitingData
	if (reply != 'S' && reply != 'N') || o.ExtraBytes {
		o.foreign(append(buffer[:n:n], wire.linger(ctx, maxOpening-n)...))
		return false
	}
	o.Stage = StageReplied
	return reply == 'S'
}

// foreign ends the conversation with a peer that does not answer like PostgreSQL, unless it is one with an error.
func (o *Observation) foreign(opening []byte) {
	o.Ended = EndedForeign
	o.ServerError = parseServerError(opening)
	if o.ServerError != nil {
		o.Stage = StageReplied
	}
}
