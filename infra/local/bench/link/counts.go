package link

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"sync"
)

// Counts are what passed a wire.
type Counts struct {
	Packets, Bytes int
	// Connections are the client's TCP handshakes begun.
	Connections int
	// Waits are, by the server's address, how often the client spoke and then got an answer. What is sent before the
	// answer is there belongs to the same wait; bare acknowledgements and goodbyes are none.
	Waits map[netip.Addr]int
}

// flow is one server's end of a protocol. Connections that follow one another are one flow.
type flow struct {
	server   netip.Addr
	protocol byte
}

type counter struct {
	mu     sync.Mutex
	counts Counts
	// spoken tells which flows' clients wait for an answer.
	spoken map[flow]bool
}

func (c *counter) take() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.counts
	c.counts = Counts{}
	clear(c.spoken)
	return taken
}

func (c *counter) fromClient(raw []byte) {
	p, ok := read(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(raw)
	if !ok {
		return
	}
	if p.opens {
		c.counts.Connections++
	}
	if p.says {
		c.spoken[flow{p.to, p.protocol}] = true
	}
	if p.closes {
		// It waits for no answer to its goodbye.
		c.spoken[flow{p.to, p.protocol}] = false
	}
}

func (c *counter) fromServer(raw []byte) {
	p, ok := read(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(raw)
	f := flow{p.from, p.protocol}
	if !ok || !p.says || !c.spoken[f] {
		return
	}
	c.spoken[f] = false
	if c.counts.Waits == nil {
		c.counts.Waits = map[netip.Addr]int{}
	}
	c.counts.Waits[f.server]++
}

func (c *counter) note(raw []byte) {
	c.counts.Packets++
	c.counts.Bytes += len(raw)
}

// heard is what matters of a packet.
type heard struct {
	from, to netip.Addr
	protocol byte
	// opens is a SYN; says is a SYN, its answer, or one with data; closes is a FIN or a RST.
	opens, says, closes bool
}

const (
	protocolTCP = 6
	protocolUDP = 17
	flagFIN     = 0x01
	flagSYN     = 0x02
	flagRST     = 0x04
	flagACK     = 0x10
)

// read reads the headers (RFC 791, 9293) of an IPv4 packet; false for anything else.
func read(raw []byte) (heard, bool) {
	if len(raw) < 20 || raw[0]>>4 != 4 {
		return heard{}, false
	}
	length, total := int(raw[0]&15)*4, int(binary.BigEndian.Uint16(raw[2:]))
	if length < 20 || total > len(raw) || total < length {
		return heard{}, false
	}
	from, _ := netip.AddrFromSlice(raw[12:16])
	to, _ := netip.AddrFromSlice(raw[16:20])
	p, body := heard{from: from, to: to, protocol: raw[9]}, raw[length:total]
	switch {
	case p.protocol == protocolUDP && len(body) >= 8:
		p.says = len(body) > 8
	case p.protocol == protocolTCP && len(body) >= 20:
		flags, header := body[13], int(body[12]>>4)*4
		p.opens = flags&(flagSYN|flagACK) == flagSYN
		p.says = flags&flagSYN != 0 || len(body) > header
		p.closes = flags&(flagFIN|flagRST) != 0
	default:
		return heard{}, false
	}
	return p, true
}

// Total adds up the waits of one request after another: those for names, and those of the server that took most.
func (c Counts) Total(names netip.Addr) int {
	servers := maps.Clone(c.Waits)
	delete(servers, names)
	most := 0
	for _, n := range servers {
		most = max(most, n)
	}
	return c.Waits[names] + most
}
