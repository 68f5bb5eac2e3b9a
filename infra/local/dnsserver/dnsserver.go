// Package dnsserver is a scripted DNS server for tests and for the local run: it looks like an authoritative server and
// recursive resolver in one, says per name what it was told to say, and misbehaves on purpose. It forwards nothing,
// keeps no state but its script and the questions it saw, and is not linked into the handler.
package dnsserver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// Options describe a server.
type Options struct {
	// Address is the ip:port of UDP and TCP; empty means a free port of 127.0.0.1.
	Address string
	// Names are the scripts, by name without the final dot. Case does not matter.
	Names map[string]Script
	// Otherwise is for every other name; nil means NXDOMAIN.
	Otherwise *Script
	// WithoutTCP leaves the TCP port closed.
	WithoutTCP bool
	// WithoutQueries keeps no questions: Queries stays empty, and many of them take no memory.
	WithoutQueries bool
}

// Server answers until Close.
type Server struct {
	udp       *net.UDPConn
	tcp       net.Listener
	otherwise Script
	forgets   bool
	running   context.Context
	stop      context.CancelFunc
	tasks     sync.WaitGroup

	mu      sync.Mutex
	names   map[string]Script
	seen    map[string]int
	queries []Query
	conns   map[net.Conn]bool
}

// Start binds the address and answers in the background.
func Start(o Options) (*Server, error) {
	s := &Server{otherwise: Script{Fault: NXDomain}, names: map[string]Script{}, seen: map[string]int{},
		conns: map[net.Conn]bool{}, forgets: o.WithoutQueries}
	if o.Otherwise != nil {
		s.otherwise = *o.Otherwise
	}
	for name, script := range o.Names {
		s.names[key(name)] = script
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if err := s.bind(o); err != nil {
		return nil, fmt.Errorf("start DNS server on %s: %w", o.Address, err)
	}
	s.running, s.stop = context.WithCancel(context.Background())
	s.tasks.Go(s.serveUDP)
	if s.tcp != nil {
		s.tasks.Go(s.serveTCP)
	}
	return s, nil
}

// bind takes the same port for UDP and TCP. A free UDP port may be in use over TCP, so that a few are tried.
func (s *Server) bind(o Options) error {
	address, err := netip.ParseAddrPort(o.Address)
	if err != nil {
		return err
	}
	for range 10 {
		s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
		if err != nil {
			return err
		}
		// Hundreds of checks ask at once; what does not fit is lost. The system may give less.
		_ = s.udp.SetReadBuffer(4 << 20)
		if o.WithoutTCP {
			return nil
		}
		s.tcp, err = net.Listen("tcp", s.Address().String())
		if err == nil {
			return nil
		}
		s.udp.Close()
	}
	return err
}

// Address is where the server listens.
func (s *Server) Address() netip.AddrPort {
	bound := s.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
}

// Set replaces the script of a name and forgets how many of its queries were dropped.
func (s *Server) Set(name string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[key(name)] = script
	for _, kind := range []string{"A", "AAAA"} {
		delete(s.seen, kind+" "+key(name))
	}
}

// Queries lists the questions seen so far.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Query(nil), s.queries...)
}

// Close stops the server and waits until nothing of it runs.
func (s *Server) Close() {
	s.stop()
	s.udp.Close()
	if s.tcp != nil {
		s.tcp.Close()
	}
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
}

func (s *Server) serveUDP() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error about an earlier answer
			continue
		}
		client := peer{transport: "udp", from: from, send: func(raw []byte) error {
			_, err := s.udp.WriteToUDPAddrPort(raw, from)
			return err
		}}
		raw := append([]byte(nil), buffer[:n]...)
		s.tasks.Go(func() { s.answer(client, raw) })
	}
}

func (s *Server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if err != nil {
			return
		}
		if !s.remember(conn) {
			return
		}
		s.tasks.Go(func() { s.serveConn(conn) })
	}
}

// remember keeps a connection for Close; a connection that came in after Close is closed at once.
func (s *Server) remember(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running.Err() != nil {
		conn.Close()
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *Server) serveConn(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	client := peer{transport: "tcp", close: func() { conn.Close() }, write: conn.Write, send: func(raw []byte) error {
		_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
		return err
	}}
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, raw); err != nil {
			return
		}
		s.answer(client, raw)
	}
}

func key(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// script finds what to say about a name.
func (s *Server) script(name string) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	if script, ok := s.names[key(name)]; ok {
		return script
	}
	return s.otherwise
}

// note records a question and tells how many of the same name and type came before it.
func (s *Server) note(client peer, request *dns.Msg) int {
	question := request.Question[0]
	query := Query{Name: key(question.Name), Type: dns.TypeToString[question.Qtype], Transport: client.transport,
		EDNS: request.IsEdns0() != nil}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.forgets {
		s.queries = append(s.queries, query)
	}
	before := s.seen[query.Type+" "+query.Name]
	s.seen[query.Type+" "+query.Name]++
	return before
}
