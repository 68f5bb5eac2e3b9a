package login

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

const endPointType = "tls-server-end-point"

// authentication takes one message of type R and tells whether to go on.
func (c *conversation) authentication(body []byte) bool {
	if len(body) < 4 {
		return c.violate(ViolationMalformed, "Authentication")
	}
	code, data := binary.BigEndian.Uint32(body), body[4:]
	if c.o.Authenticated {
		return c.violate(ViolationUnexpected, fmt.Sprintf("authentication %d after AuthenticationOk", code))
	}
	switch code {
	case pgproto3.AuthTypeOk:
		return c.authenticationOk()
	case pgproto3.AuthTypeSASLContinue:
		return c.saslContinue(data)
	case pgproto3.AuthTypeSASLFinal:
		return c.saslFinal(data)
	}
	return c.authenticationRequest(code, data)
}

// authenticationRequest takes the server's one question. A second one, after an answer, would be an attempt to get the
// password in a weaker form.
func (c *conversation) authenticationRequest(code uint32, data []byte) bool {
	if len(c.o.AuthMethods) > 0 {
		return c.violate(ViolationUnexpected, fmt.Sprintf("second authentication request %d", code))
	}
	c.o.Stage = StageAuthentication
	c.o.StartupMs = c.lap()
	c.o.AuthMethods = methods(code, data)
	if c.t.PasswordNever {
		return c.stop(StopPasswordNever)
	}
	switch code {
	case pgproto3.AuthTypeCleartextPassword, pgproto3.AuthTypeMD5Password, pgproto3.AuthTypeSASL:
	default:
		return c.stop(StopMethodUnsupported)
	}
	if c.t.Password.Empty() {
		return c.stop(StopPasswordMissing)
	}
	switch code {
	case pgproto3.AuthTypeCleartextPassword:
		return c.cleartext()
	case pgproto3.AuthTypeMD5Password:
		return c.md5(data)
	}
	return c.saslInitial()
}

// methods names what an authentication request offers, in the server's order.
func methods(code uint32, data []byte) []string {
	switch code {
	case pgproto3.AuthTypeCleartextPassword:
		return []string{MethodPassword}
	case pgproto3.AuthTypeMD5Password:
		return []string{MethodMD5}
	case pgproto3.AuthTypeGSS:
		return []string{MethodGSS}
	case pgproto3.AuthTypeSSPI:
		return []string{MethodSSPI}
	case pgproto3.AuthTypeSASL:
		return mechanisms(data)
	}
	return []string{fmt.Sprintf("code %d", code)}
}

// mechanisms reads the list of an AuthenticationSASL message; it keeps 16 names.
func mechanisms(data []byte) []string {
	var names []string
	for _, name := range strings.SplitN(string(data), "\x00", 17) {
		if name == "" || len(names) == 16 {
			break
		}
		names = append(names, clean(strings.ToLower(name[:min(len(name), 64)])))
	}
	if len(names) == 0 {
		return []string{"sasl without a mechanism"}
	}
	return names
}

// cleartext gives the password as it is, which a server asks for with LDAP, PAM, RADIUS, Entra ID or "password". It
// must be sure who it is that asks.
func (c *conversation) cleartext() bool {
	if !c.o.TLSVerified {
		return c.stop(StopCleartext)
	}
	return c.lastAnswer(MethodPassword, &pgproto3.PasswordMessage{Password: c.t.Password.Reveal()})
}

func (c *conversation) md5(salt []byte) bool {
	if len(salt) != 4 {
		return c.violate(ViolationMalformed, "AuthenticationMD5Password")
	}
	inner := hexMD5(c.t.Password.Reveal() + c.t.User)
	return c.lastAnswer(MethodMD5, &pgproto3.PasswordMessage{Password: "md5" + hexMD5(inner+string(salt))})
}

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (c *conversation) saslInitial() bool {
	if !slices.Contains(c.o.AuthMethods, MethodScram) && !slices.Contains(c.o.AuthMethods, MethodScramPlus) {
		return c.stop(StopMethodUnsupported)
	}
	offered := slices.Contains(c.o.AuthMethods, MethodScramPlus)
	binding := endPoint(c.wire.Conn)
	wanted := c.t.ChannelBinding != ChannelBindingDisable
	header, mechanism := "n,,", "SCRAM-SHA-256"
	switch {
	case wanted && offered && binding != nil:
		header, mechanism = "p="+endPointType+",,", "SCRAM-SHA-256-PLUS"
		c.o.ChannelBinding, c.o.AuthUsed = endPointType, MethodScramPlus
	case c.t.ChannelBinding == ChannelBindingRequire:
		return c.stop(StopChannelBinding)
	case !slices.Contains(c.o.AuthMethods, MethodScram):
		return c.stop(StopMethodUnsupported)
	case wanted && !offered && binding != nil:
		// "We could have, but you did not offer": shows the server that somebody between us took the offer away.
		header = "y,,"
	}
	if c.o.AuthUsed == "" {
		c.o.AuthUsed = MethodScram
	}
	if c.o.ChannelBinding == "" {
		binding = nil
	}
	c.scram = newScram(c.t.Password.Reveal(), header, binding)
	c.scram.keys = c.t.Keys
	return c.send(&pgproto3.SASLInitialResponse{AuthMechanism: mechanism, Data: c.scram.clientFirst()})
}

func (c *conversation) saslContinue(data []byte) bool {
	if c.scram == nil || c.o.PasswordSent {
		return c.violate(ViolationUnexpected, "AuthenticationSASLContinue")
	}
	violation := c.scram.readServerFirst(data)
	c.o.Iterations = c.scram.iterations
	if violation != "" {
		return c.violate(violation, string(data))
	}
	final, err := c.scram.clientFinal(c.ctx)
	if err != nil {
		c.ended(err)
		return false
	}
	return c.lastAnswer(c.o.AuthUsed, &pgproto3.SASLResponse{Data: final})
}

func (c *conversation) saslFinal(data []byte) bool {
	if c.scram == nil || !c.o.PasswordSent || c.o.ServerProved {
		return c.violate(ViolationUnexpected, "AuthenticationSASLFinal")
	}
	if !c.scram.verify(data) {
		return c.violate(ViolationServerSignature, string(data))
	}
	c.o.ServerProved = true
	return true
}

// lastAnswer sends what ends our part of the authentication, and all questions in the same flight.
func (c *conversation) lastAnswer(method string, answer pgproto3.FrontendMessage) bool {
	c.o.AuthUsed, c.o.PasswordSent = method, true
	return c.send(append([]pgproto3.FrontendMessage{answer}, c.questions()...)...)
}

func (c *conversation) authenticationOk() bool {
	switch {
	case c.scram != nil && !c.o.ServerProved:
		// A server that lets us in without its signature does not know the password's verifier: it is not the server.
		return c.violate(ViolationScramSkipped, "")
	case len(c.o.AuthMethods) > 0 && !c.o.PasswordSent:
		return c.violate(ViolationUnexpected, "AuthenticationOk without an answer")
	}
	c.o.Stage, c.o.Authenticated = StageAuthentication, true
	c.polite = true
	if !c.o.PasswordSent {
		c.o.AuthUsed, c.o.StartupMs = MethodTrust, c.lap()
		return c.t.PasswordNever || c.send(c.questions()...)
	}
	c.o.AuthenticationMs = c.lap()
	return true
}
