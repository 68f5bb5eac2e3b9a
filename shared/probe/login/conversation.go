package login

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// conversation is one login attempt in progress.
type conversation struct {
	ctx  context.Context
	wire *wire
	t    Target
	o    Observation
	// begun and mark are when the attempt and its present stage began.
	begun, mark time.Time
	scram       *scram
	backend     backend
	answer      queryAnswer
	// polite says that the connection can be closed in order.
	polite   bool
	writeErr error
}

// backend is what the server told about the session, for pgconn.
type backend struct {
	pid        uint32
	secretKey  []byte
	parameters map[string]string
}

func newConversation(ctx context.Context, conn net.Conn, t Target) *conversation {
	_, encrypted := conn.(*tls.Conn)
	now := time.Now()
	c := &conversation{ctx: ctx, wire: newWire(conn), t: t, begun: now, mark: now}
	c.backend.parameters = map[string]string{}
	c.o = Observation{
		Attempt: t.Attempt, TLS: encrypted, TLSVerified: encrypted && t.TLSVerified, Replication: t.Replication,
		Stage: StageStartup,
	}
	if c.o.Attempt == "" {
		c.o.Attempt = WithoutTLS
		if encrypted {
			c.o.Attempt = WithTLS
		}
	}
	return c
}

// run holds the conversation and tells whether it ended in a usable session.
func (c *conversation) run() bool {
	if !c.send(c.startup()) {
		return false
	}
	first, err := c.wire.peek()
	if len(first) >= headerLen && !plausible(first) {
		c.stranger(first)
		return false
	}
	if err != nil {
		c.firstEnded(first, err)
		return false
	}
	return c.untilReady() && c.ask()
}

func (c *conversation) startup() *pgproto3.StartupMessage {
	name := c.t.ApplicationName
	if name == "" {
		name = DefaultApplicationName
	}
	// Nothing else stands here: poolers and gateways refuse parameters that they do not know.
	parameters := map[string]string{"user": c.t.User, "application_name": name, "client_encoding": "UTF8"}
	if c.t.Database != "" {
		parameters["database"] = c.t.Database
	}
	if c.t.Replication != "" {
		parameters["replication"] = c.t.Replication
	}
	return &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: parameters}
}

// send writes messages in one flight. A peer that refuses us often closes while we write, and its reason is still
// waiting to be read, so a failed write ends nothing by itself.
func (c *conversation) send(messages ...pgproto3.FrontendMessage) bool {
	flight, err := encode(messages)
	if err != nil {
		c.o.End, c.o.EndDetail = EndError, clean(err.Error())
		return false
	}
	if _, err := c.wire.Write(flight); err != nil && c.writeErr == nil {
		c.writeErr = err
	}
	return true
}

// untilReady answers the server up to ReadyForQuery.
func (c *conversation) untilReady() bool {
	for {
		m, err := c.wire.next()
		if err != nil {
			c.ended(err)
			return false
		}
		done, goOn := c.handle(m)
		if done || !goOn {
			return done
		}
	}
}

// handle takes one message up to ReadyForQuery; done means that the server is ready.
func (c *conversation) handle(m message) (done, goOn bool) {
	switch m.kind {
	case 'R':
		return false, c.authentication(m.body)
	case 'E':
		c.serverError(m.body, &c.o.Error)
		return false, false
	case 'K':
		return false, c.keyData(m.body)
	case 'v':
		return false, c.negotiate(m.body)
	case 'Z':
		return c.ready(m.body)
	}
	return false, c.aside(m)
}

// aside takes the messages that may come at any time.
func (c *conversation) aside(m message) bool {
	switch m.kind {
	case 'N':
		notice, _ := peerErrorFields(m.body)
		if c.o.Notices++; c.o.Notices == 1 {
			c.o.FirstNotice = notice.Message
		}
		if strings.HasPrefix(notice.SQLState, "57P") {
			c.o.Farewell = &notice
		}
		return true
	case 'S':
		return c.parameter(m.body)
	case 'A':
		return true
	}
	return c.violate(ViolationUnexpected, fmt.Sprintf("%q", m.kind))
}

func (c *conversation) parameter(body []byte) bool {
	var status pgproto3.ParameterStatus
	if err := status.Decode(body); err != nil {
		return c.violate(ViolationMalformed, "ParameterStatus")
	}
	c.backend.parameters[status.Name] = status.Value
	return true
}

func (c *conversation) keyData(body []byte) bool {
	if len(body) < 8 || len(body) > 260 {
		return c.violate(ViolationMalformed, "BackendKeyData")
	}
	c.backend.pid = binary.BigEndian.Uint32(body)
	c.backend.secretKey = append([]byte(nil), body[4:]...)
	return true
}

func (c *conversation) negotiate(body []byte) bool {
	if len(body) < 8 || c.o.Stage != StageStartup {
		return c.violate(ViolationMalformed, "NegotiateProtocolVersion")
	}
	version := binary.BigEndian.Uint32(body)
	c.o.ProtocolVersion = fmt.Sprintf("%d.%d", version>>16, version&0xffff)
	return true
}

func (c *conversation) ready(body []byte) (done, goOn bool) {
	if len(body) != 1 || body[0] != 'I' || !c.o.Authenticated {
		return false, c.violate(ViolationUnexpected, "ReadyForQuery")
	}
	c.wire.meter.maxBody = maxBody
	c.o.Stage = StageReady
	c.o.ReadyMs = c.lap()
	return true, false
}

func (c *conversation) serverError(body []byte, into **ServerError) {
	e, ok := peerErrorFields(body)
	if !ok && e == (ServerError{}) {
		c.violate(ViolationMalformed, "ErrorResponse")
		return
	}
	*into = &e
	c.polite = true
}
