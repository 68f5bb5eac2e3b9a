package tls

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

const framedError = "E\x00\x00\x00\x4aSFATAL\x00VFATAL\x00C53300\x00Msorry, too many clients already\x00RInitProcess\x00\x00"

// Peers that misbehave in answer to SSLRequest, each named by what it does.
func TestPeersThatAnswerTheRequest(t *testing.T) {
	t.Parallel()
	asked := asConn(readRequest)
	long := 3 * time.Second
	for name, test := range map[string]struct {
		server script
		limit  time.Duration
		code   finding.Code
		args   finding.Args
	}{
		"silent":                     {waitForEnd, 150 * time.Millisecond, finding.PeerSilent, finding.Args{"bytesReceived": int64(0)}},
		"closes":                     {steps(asked, closeGently), long, finding.PeerClosed, finding.Args{"beforeRequest": false}},
		"resets":                     {steps(asked, reset), long, finding.PeerReset, finding.Args{"beforeRequest": false}},
		"HTTP":                       {steps(asked, say("HTTP/1.1 400 Bad Request\r\n\r\n"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "http"}},
		"SSH, late":                  {steps(asked, say("SSH-2.0-OpenSSH_9.6\r\n"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "ssh", "firstBytes": "SSH-2.0-OpenSSH_9.6.."}},
		"SSH, dripping":              {steps(asked, drip("SSH-2.0-OpenSSH_9.6\r\n", 3*time.Millisecond), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "ssh"}},
		"SSH, dripping slowly":       {steps(asked, drip("SS", 40*time.Millisecond), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "ssh"}},
		"HTTP, dripping":             {steps(asked, drip("HTTP/1.1 400", time.Millisecond), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "http"}},
		"memcached":                  {steps(asked, say("ERROR\r\n"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "memcached"}},
		"direct TLS":                 {steps(asked, say("\x15\x03\x01\x00\x02\x02\x0a"), closeGently), long, finding.PeerNotPostgres, finding.Args{"looksLike": "tls"}},
		"one unknown byte":           {steps(asked, say("J"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "unknown", "firstBytes": "J"}},
		"S and more at once":         {steps(asked, say("S\x00\x01\x02"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"looksLike": "unknown", "extraBytes": true}},
		"N and more at once":         {steps(asked, say("NO"), waitForEnd), long, finding.PeerNotPostgres, finding.Args{"extraBytes": true}},
		"a PostgreSQL error":         {steps(asked, say(framedError), waitForEnd), long, finding.ServerError, finding.Args{"sqlstate": "53300", "severity": "FATAL", "message": "sorry, too many clients already", "routine": "InitProcess"}},
		"an error, dripping":         {steps(asked, drip(framedError, time.Millisecond), closeGently), long, finding.ServerError, finding.Args{"sqlstate": "53300"}},
		"an error without frame":     {steps(asked, say("Ecould not fork new process for connection: Resource temporarily unavailable\n\x00"), closeGently), long, finding.ServerError, finding.Args{"sqlstate": "", "message": "could not fork new process for connection: Resource temporarily unavailable"}},
		"S, then closes":             {steps(asked, say("S"), closeGently), long, finding.TLSClosed, finding.Args{"flight": "clientHello"}},
		"S, then resets":             {steps(asked, say("S"), asConn(readSome), reset), long, finding.TLSReset, finding.Args{"flight": "clientHello"}},
		"S, then silence":            {steps(asked, say("S"), waitForEnd), 150 * time.Millisecond, finding.TLSStalled, finding.Args{"flight": "clientHello", "bytesReceived": int64(1)}},
		"S, then junk":               {steps(asked, say("S"), asConn(readSome), say("\x00\x01junk"), waitForEnd), long, finding.TLSNotTLS, finding.Args{"looksLike": "unknown"}},
		"S, then HTTP":               {steps(asked, say("S"), asConn(readSome), say("HTTP/1.1 400 Bad Request\r\n"), waitForEnd), long, finding.TLSNotTLS, finding.Args{"looksLike": "http"}},
		"S, then a close_notify":     {steps(asked, say("S"), asConn(readSome), say("\x15\x03\x03\x00\x02\x01\x00"), waitForEnd), long, finding.TLSClosed, nil},
		"S, then an old ServerHello": {steps(asked, say("S"), asConn(readSome), say(oldServerHello()), waitForEnd), long, finding.TLSVersion, finding.Args{"oldVersion": "TLS 1.1"}},
		"S, then alert 70":           {steps(asked, say("S"), asConn(readSome), say("\x15\x03\x01\x00\x02\x02\x46"), closeGently), long, finding.TLSVersion, finding.Args{"alert": 70, "alertName": "protocol_version"}},
		"S, then alert 80 and reset": {steps(asked, say("S"), asConn(readSome), say("\x15\x03\x01\x00\x02\x02\x50"), closeGently), long, finding.TLSHandshake, finding.Args{"alertName": "internal_error"}},
		"S, then half a record":      {steps(asked, say("S"), asConn(readSome), say("\x16\x03\x03\x10\x00\x02"), waitForEnd), 150 * time.Millisecond, finding.TLSStalled, finding.Args{"flight": "handshake", "missingBytes": 4095}},
		"S, then warnings for ever":  {steps(asked, say("S"), asConn(readSome), flood("\x15\x03\x03\x00\x02\x01\x5a")), long, finding.TLSHandshake, nil},
		"S, then junk for ever":      {steps(asked, say("S"), asConn(readSome), flood("junk")), long, finding.TLSNotTLS, nil},
		"junk for ever":              {steps(asked, flood("junk")), long, finding.PeerNotPostgres, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, next := observe(t, connectTo(t, test.server), test.limit, Target{ServerName: host, Mode: request.TLSRequire})
			if next != nil {
				t.Error("there is nothing to go on with")
			}
			if o.Received > maxOpening+keepBytes+4096 {
				t.Errorf("took %d bytes", o.Received)
			}
			wantOne(t, o, test.code, test.args)
		})
	}
}

// Peers that have acted before the probe speaks, so that it must not speak at all.
func TestPeersThatDoNotWait(t *testing.T) {
	t.Parallel()
	mysql := "J\x00\x00\x00\x0a8.0.36\x00\x01\x02\x03\x04"
	for name, test := range map[string]struct {
		server script
		code   finding.Code
		args   finding.Args
	}{
		"SSH":            {say("SSH-2.0-OpenSSH_9.6\r\n"), finding.PeerNotPostgres, finding.Args{"looksLike": "ssh", "unsolicited": true}},
		"MySQL":          {say(mysql), finding.PeerNotPostgres, finding.Args{"looksLike": "mysql", "unsolicited": true}},
		"SMTP":           {say("220 mail.example.test ESMTP\r\n"), finding.PeerNotPostgres, finding.Args{"looksLike": "smtp"}},
		"cannot fork":    {say("Ecould not fork new process for connection: Cannot allocate memory\n\x00"), finding.ServerError, finding.Args{"message": "could not fork new process for connection: Cannot allocate memory"}},
		"has closed":     {func(_ *testing.T, c *net.TCPConn) { _ = c.CloseWrite() }, finding.PeerClosed, finding.Args{"beforeRequest": true, "ended": "closed"}},
		"has reset":      {reset, finding.PeerClosed, finding.Args{"beforeRequest": true, "ended": "reset"}},
		"one byte, an S": {say("S"), finding.PeerNotPostgres, finding.Args{"unsolicited": true, "looksLike": "unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, next := observe(t, afterwards(t, test.server), 3*time.Second, Target{ServerName: host})
			if next != nil || o.Sent != 0 || o.Stage == StageHandshake {
				t.Errorf("went on: %+v", o)
			}
			wantOne(t, o, test.code, test.args)
		})
	}
}

func TestServerWithoutTLSKeepsItsConnection(t *testing.T) {
	t.Parallel()
	echo := func(_ *testing.T, conn *net.TCPConn) {
		buffer := make([]byte, 4)
		n, _ := conn.Read(buffer)
		_, _ = conn.Write(buffer[:n])
	}
	client := connectTo(t, steps(asConn(readRequest), say("N"), echo))
	o, next := observe(t, client, 3*time.Second, Target{ServerName: host, Mode: request.TLSVerifyFull})
	if next != client {
		t.Fatalf("got %v, want the connection itself", next)
	}
	wantOne(t, o, finding.TLSNotOffered, finding.Args{"host": host})
	if found := Judge(o, Expect{Mode: request.TLSDisable}); len(found) != 1 || !found[0].Advisory {
		t.Errorf("without a demand for TLS: %v", found)
	}
	if _, err := next.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4)
	if n, err := next.Read(buffer); err != nil || !bytes.Equal(buffer[:n], []byte("ping")) {
		t.Errorf("echo %q, %v", buffer[:n], err)
	}
}

// flood repeats text until the client has gone.
func flood(text string) script {
	return func(_ *testing.T, conn *net.TCPConn) {
		block := bytes.Repeat([]byte(text), 4096)
		for {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

// oldServerHello chooses TLS 1.1, as a server does that does not know the extension supported_versions.
func oldServerHello() string {
	hello := "\x03\x02" + string(bytes.Repeat([]byte{7}, 32)) + "\x00" + "\xc0\x13" + "\x00"
	return "\x16\x03\x02\x00" + string(rune(len(hello)+4)) + "\x02\x00\x00" + string(rune(len(hello))) + hello
}
