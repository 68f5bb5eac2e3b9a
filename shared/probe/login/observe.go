// Package login holds the PostgreSQL conversation from the startup packet to the first answered query, and judges what
// it showed. It speaks the protocol itself: a driver's connect retries, reads the environment and blurs the stages that
// are the evidence here. It opens no connection, negotiates no TLS, and sends a password only where the caller allows
// it and the server asks in a way that does not give it away.
package login

import (
	"context"
	"net"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// ChannelBinding says whether SCRAM is to be bound to the TLS certificate, with libpq's words.
type ChannelBinding string

// The channel binding modes; the zero value is ChannelBindingPrefer.
const (
	ChannelBindingPrefer  ChannelBinding = "prefer"
	ChannelBindingRequire ChannelBinding = "require"
	ChannelBindingDisable ChannelBinding = "disable"
)

// DefaultApplicationName is how a far administrator recognises us in the server's log.
const DefaultApplicationName = "pgpreflight"

// Labels of attempts.
const (
	WithTLS    = "with TLS"
	WithoutTLS = "without TLS"
)

// Target is who logs in to what, and how much of the password may be shown.
type Target struct {
	User     string
	Database string
	Password secret.String
	// PasswordNever looks only at what the server asks, or refuses, and then goes away: for a second attempt that must
	// not repeat a password.
	PasswordNever bool
	// Attempt labels the attempt; empty means WithTLS or WithoutTLS after the connection.
	Attempt string
	// TLSVerified says that the server's certificate was verified; only then is a cleartext password sent.
	TLSVerified    bool
	ChannelBinding ChannelBinding
	// Replication is the startup parameter: empty, "database" (logical) or "true" (physical).
	Replication string
	// ApplicationName defaults to DefaultApplicationName.
	ApplicationName string
	// Flight is questions that travel with the last password message; Session.Answers has what came of them.
	Flight []Query
	// Keys remembers salted passwords from one login to the next; nil derives each anew.
	Keys *Keys
}

// Observe logs in over conn, which it owns from then on. The session is nil, and conn closed, unless the login worked.
// The deadline of ctx bounds everything, and its end is the peer's silence; a cancelled ctx proves nothing.
//
// The login query and Target.Flight travel with the last password message, which saves one wait on the network. Nothing
// that the server answers is believed before it has proved itself. The answers to Target.Flight are left unread, so that
// their time is not the login's.
func Observe(ctx context.Context, conn net.Conn, t Target) (Observation, *Session) {
	c := newConversation(ctx, conn, t)
	deadline, bounded := ctx.Deadline()
	if bounded {
		_ = conn.SetDeadline(deadline)
	}
	release := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	completed := c.run()
	if !release() && completed {
		c.ended(context.Cause(ctx))
		completed = false
	}
	c.finish()
	if !completed {
		c.leave()
		return c.o, nil
	}
	_ = conn.SetDeadline(time.Time{})
	return c.o, newSession(c)
}
