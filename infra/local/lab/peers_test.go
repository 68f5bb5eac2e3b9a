package lab

import (
	"crypto/tls"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// peerSituations are open ports behind which nobody answers like PostgreSQL, or nobody at all.
func peerSituations() []situation {
	data := "tcp dport 5432 tcp flags & psh == psh "
	return []situation{
		{name: "accepts and stays silent", ids: "NET-08", arrange: serves(wait), want: finding.PeerSilent},
		{name: "accepts and never reads", ids: "NET-08", arrange: serves(func(*net.TCPConn) { time.Sleep(time.Second) }),
			want: finding.PeerSilent},
		{name: "nobody takes the connections from the queue", ids: "NET-08", want: finding.PeerSilent,
			arrange: func(b *bench) {
				b.source.stop()
				b.source.listenOnly(5432)
			}},
		{name: "a gateway accepts for a server that is not there", ids: "NET-08", request: source(endpointSource),
			want: finding.PeerSilent, arrange: func(b *bench) {
				b.resolver.Set(azureName, addresses(sourceAddress))
				b.source.stop()
				b.source.serve(5432, wait)
			}},
		{name: "a firewall drops what has data", ids: "NET-08", want: finding.PeerSilent,
			arrange: forward("ip daddr " + sourceAddress + " " + data + "drop")},
		{name: "a firewall drops what comes back with data", ids: "NET-08", want: finding.PeerSilent,
			arrange: forward("ip saddr " + sourceAddress + " tcp flags & psh == psh drop")},
		{name: "accepts and closes", ids: "NET-09", arrange: serves(closeGently), want: finding.PeerClosed},
		// A close with the request unread is a reset on the wire (RFC 2525, section 2.17).
		{name: "accepts and closes without reading", ids: "NET-09 NET-10", want: finding.PeerReset,
			arrange: serves(func(*net.TCPConn) { time.Sleep(20 * time.Millisecond) })},
		{name: "reads the request and closes", ids: "NET-09", arrange: serves(then(readRequest, closeGently)),
			want: finding.PeerClosed},
		{name: "resets after the request", ids: "NET-10", arrange: serves(then(readRequest, reset)), want: finding.PeerReset},
		{name: "an intrusion detection resets what has data", ids: "NET-10", want: finding.PeerReset,
			arrange: forward("ip daddr " + sourceAddress + " " + data + "reject with tcp reset")},
		{name: "an error instead of an answer", ids: "SRV-01", want: finding.ServerError,
			arrange: serves(then(readRequest, say(serverError("57P03", "the database system is starting up")), closeGently))},
		{name: "the server cannot start a process for us", want: finding.ServerError,
			arrange: serves(then(say("Ecould not fork new process for connection: Cannot allocate memory\n\x00"), closeGently))},
		{name: "a transparent proxy takes the connection", ids: "NET-11", want: finding.PeerNotPostgres,
			args: finding.Args{"looksLike": "http"}, arrange: func(b *bench) {
				b.dns.serve(8080, then(readRequest, say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), closeGently))
				b.router.filter("prerouting", "ip daddr "+sourceAddress+" tcp dport 5432 dnat to "+resolverAddress+":8080")
			}},
	}
}

// strangerSituations are other services on the port.
func strangerSituations() []situation {
	ssh := "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
	mysql := "\x4a\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x00abcdefgh\x00\xff\xff\x21\x02\x00"
	var all []situation
	stranger := func(ids, name, looksLike string, does ...script) {
		all = append(all, situation{name: name, ids: ids, want: finding.PeerNotPostgres,
			args: finding.Args{"looksLike": looksLike}, arrange: serves(then(append(does, wait)...))})
	}
	stranger("NET-13", "SSH", "ssh", say(ssh))
	stranger("NET-13", "SSH, a byte at a time", "ssh", drip(ssh, 10*time.Millisecond))
	stranger("NET-13", "SSH that waits for the first word", "ssh", readRequest, say(ssh))
	stranger("NET-13", "SSH, the first letter alone and the rest after our hello", "ssh",
		readRequest, say("S"), readSome, say(ssh[1:]))
	stranger("NET-11", "HTTP", "http", readRequest, say("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>"))
	stranger("NET-11", "HTTP, a byte at a time", "http", readRequest, drip("HTTP/1.1 400 Bad Request\r\n\r\n", 5*time.Millisecond))
	stranger("NET-11", "a page without a header", "http", readRequest, say("<html><body>Blocked by policy</body></html>"))
	stranger("NET-12", "MySQL", "mysql", say(mysql))
	stranger("NET-12", "SMTP", "smtp", say("220 mail.corp.example ESMTP Postfix\r\n"))
	stranger("NET-12", "FTP", "ftp", say("220 (vsFTPd 3.0.5) FTP\r\n"))
	stranger("NET-12", "Redis", "redis", readRequest, say("-ERR unknown command\r\n"))
	stranger("NET-12", "POP3", "pop3", say("+OK ready\r\n"))
	stranger("NET-12", "SQL Server", "mssql", readRequest, say("\x04\x01\x00\x2b\x00\x00\x01\x00\x00\x00\x1a\x00\x06"))
	stranger("NET-12", "junk", "unknown", readRequest, say("\xde\xad\xbe\xef\x00\x01"))
	stranger("NET-12", "junk before we speak", "unknown", say("\x00\x00\x00\x00"))
	stranger("NET-12", "S and more in one piece", "unknown", readRequest, say("S\x16junk"))
	stranger("NET-12", "N and more in one piece", "unknown", readRequest, say("N and more"))
	stranger("NET-12", "HTTPS of OpenSSL", "tls", readRequest, say("\x15\x03\x01\x00\x02\x02\x46"), closeGently)
	return append(all, situation{name: "HTTPS of Go, which just closes", ids: "NET-12 NET-09", want: finding.PeerClosed,
		arrange: func(b *bench) {
			config := b.certs.healthy()
			serves(func(conn *net.TCPConn) {
				_ = tls.Server(conn, config).Handshake()
				closeGently(conn)
			})(b)
		}})
}

// hostileSituations want our memory, our time or our trust.
func hostileSituations() []situation {
	block := strings.Repeat("\x00", 64<<10)
	escape := "\x1b]0;owned\x07\x1b[2J\r\n{\"level\":\"error\"}\u202e<script>\xff\xfe"
	record := "\x16\x03\x03\x40\x00" + strings.Repeat("\x04", 16<<10)
	hostile := func(name string, want finding.Code, does ...script) situation {
		return situation{name: "hostile: " + name, ids: "3.7", want: want, arrange: serves(then(does...))}
	}
	return []situation{
		hostile("zeros without end before we speak", finding.PeerNotPostgres, flood(block)),
		hostile("zeros without end for an answer", finding.PeerNotPostgres, readRequest, flood(block)),
		hostile("an S and another without end", finding.PeerNotPostgres, readRequest, flood(strings.Repeat("S", 64<<10))),
		hostile("an error message of a gigabyte", finding.PeerNotPostgres, readRequest, say("E\x40\x00\x00\x00"), flood(block)),
		hostile("an error message that acts on terminals", finding.ServerError, readRequest,
			say(serverError("XX000", escape)), closeGently),
		hostile("a banner that acts on terminals", finding.PeerNotPostgres, say(escape), wait),
		hostile("an error message a byte at a time", finding.ServerError, readRequest,
			drip(serverError("57P03", "slow"), 2*time.Millisecond), wait),
		hostile("a byte each 100 ms without end", finding.PeerNotPostgres, readRequest, drip(strings.Repeat("x", 100), 100*time.Millisecond)),
		hostile("S, then handshake records without end", finding.TLSHandshake, readRequest, say("S"), readSome, flood(record)),
		hostile("S, then empty records without end", finding.TLSHandshake, readRequest, say("S"), readSome,
			flood(strings.Repeat("\x14\x03\x03\x00\x01\x01", 1000))),
		hostile("S, then zeros without end", finding.TLSNotTLS, readRequest, say("S"), readSome, flood(block)),
		hostile("S, then a handshake message of 16 MB", finding.TLSHandshake, readRequest, say("S"), readSome,
			say("\x16\x03\x03\x40\x00\x02\xff\xff\xff"+strings.Repeat("\x00", 16380)), flood(record)),
		{name: "hostile: the handshake a byte each 20 ms", ids: "3.7", want: finding.TLSStalled, arrange: func(b *bench) {
			config := b.certs.healthy()
			serves(then(readRequest, say("S"), func(conn *net.TCPConn) {
				_ = tls.Server(dripping{conn}, config).Handshake()
			}))(b)
		}},
		{name: "hostile: a certificate with thousands of names", ids: "3.7", arrange: func(b *bench) {
			o := healthyOptions()
			o.Names = append(o.Names, manyNames(2500)...)
			serves(secure(serverConfig(b.certs.authority, o)))(b)
		}},
		{name: "hostile: a certificate whose name acts on terminals", ids: "3.7", want: finding.TLSUntrusted,
			arrange: func(b *bench) {
				o := healthyOptions()
				o.CommonName = strings.ToValidUTF8(escape, "")
				serves(secure(serverConfig(b.certs.corporate, o)))(b)
			}},
		{name: "hostile: both ends at once", ids: "3.7", want: finding.PeerNotPostgres,
			also: []finding.Code{finding.PeerNotPostgres}, arrange: func(b *bench) {
				serves(flood(block))(b)
				b.target.stop()
				b.target.serve(5432, then(readRequest, flood(block)))
			}},
		{name: "hostile: one second for everything", ids: "3.7", want: finding.PeerSilent, arrange: serves(wait),
			request: func(c *request.Check) { c.TimeoutSeconds = 1 }},
	}
}

// dripping writes a byte at a time.
type dripping struct{ *net.TCPConn }

// Write implements net.Conn.
func (d dripping) Write(p []byte) (int, error) {
	for i := range p {
		time.Sleep(20 * time.Millisecond)
		if _, err := d.TCPConn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// serverError is an ErrorResponse (PostgreSQL manual, "Message Formats").
func serverError(sqlstate, message string) string {
	body := "SFATAL\x00VFATAL\x00C" + sqlstate + "\x00M" + message + "\x00RInitPostgres\x00\x00"
	return "E\x00\x00" + string([]byte{byte((len(body) + 4) >> 8), byte(len(body) + 4)}) + body
}

// serves puts the script in the place of the source's server.
func serves(run script) func(*bench) {
	return func(b *bench) {
		b.source.stop()
		b.source.serve(5432, run)
	}
}

// listenOnly opens a port whose connections nobody ever takes.
func (h *host) listenOnly(port int) {
	must(h.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		h.keep(descriptor(fd))
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port}); err != nil {
			return err
		}
		return unix.Listen(fd, 16)
	}))
}

type descriptor int

// Close implements io.Closer.
func (d descriptor) Close() error { return unix.Close(int(d)) }
