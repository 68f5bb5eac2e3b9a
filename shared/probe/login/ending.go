package login

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

func (c *conversation) violate(v Violation, detail string) bool {
	c.o.Violation, c.o.ViolationDetail = v, clean(detail)
	return false
}

func (c *conversation) stop(why Stop) bool {
	c.o.Stopped, c.polite = why, true
	return false
}

// stranger records an answer that no PostgreSQL server begins with.
func (c *conversation) stranger(first []byte) {
	c.o.BytesIn = int64(len(first))
	if e, ok := oldError(first); ok {
		c.o.Error = &e
		return
	}
	c.o.FirstBytes, c.o.LooksLike = clean(string(first[:min(len(first), 64)])), looksLike(first)
	if c.o.LooksLike == "" && strings.IndexByte(firstMessages, first[0]) >= 0 {
		length := binary.BigEndian.Uint32(first[1:headerLen])
		c.violate(ViolationMessageSize, fmt.Sprintf("message %q says it is %d bytes long", first[0], length))
		return
	}
	c.violate(ViolationNotPostgres, "")
}

// firstEnded records an end before a whole header came; a few bytes of another protocol still tell which.
func (c *conversation) firstEnded(first []byte, err error) {
	if len(first) > 0 {
		c.o.FirstBytes, c.o.LooksLike = clean(string(first)), looksLike(first)
		c.o.BytesIn = int64(len(first))
	}
	c.ended(err)
}

// ended records why reading came to its end.
func (c *conversation) ended(err error) {
	var limit *LimitError
	if errors.As(err, &limit) {
		c.violate(limit.Violation, limit.Detail)
		return
	}
	if alert, ok := alertOf(err); ok {
		c.o.End, c.o.Alert = EndAlert, alert
		c.o.ClientCertificateRequired = alert == alertCertificateRequired || alert == alertBadCertificate ||
			alert == alertHandshakeFailure
		return
	}
	c.o.End = c.endOf(err)
	if c.o.End == EndError {
		c.o.EndDetail = clean(err.Error())
	}
}

func (c *conversation) endOf(err error) End {
	switch {
	case errors.Is(c.ctx.Err(), context.Canceled):
		return EndCancelled
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return EndTimeout
	case errors.Is(err, syscall.ECONNRESET), errors.Is(c.writeErr, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return EndReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return EndClosed
	}
	return EndError
}

// lap gives the milliseconds since the present stage began, and begins the next.
func (c *conversation) lap() float64 {
	now := time.Now()
	elapsed := now.Sub(c.mark)
	c.mark = now
	return milliseconds(elapsed)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// finish fills in what is known at the end of every conversation.
func (c *conversation) finish() {
	c.o.ElapsedMs = milliseconds(time.Since(c.begun))
	c.o.BytesIn = max(c.o.BytesIn, c.wire.meter.bytes)
	c.o.PoolerSigns = c.poolerSigns()
	kept := make(map[string]string, min(len(c.backend.parameters), keptParameters))
	for name, value := range c.backend.parameters {
		if len(kept) < keptParameters {
			kept[cleanTo(64, name)] = cleanTo(maxParameter, value)
		}
	}
	if len(kept) > 0 {
		c.o.Parameters = kept
	}
}

// leave closes a connection that is not handed on.
func (c *conversation) leave() {
	switch {
	case c.ctx.Err() != nil || !c.polite:
		c.wire.drop()
	case c.o.Stage == StageReady:
		c.send(&pgproto3.Terminate{})
		c.wire.part()
	default:
		c.wire.part()
	}
}
