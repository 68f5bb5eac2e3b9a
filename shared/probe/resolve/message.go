package resolve

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const (
	headerBytes = 12
	// offeredBytes is the answer size that passes every common path without fragments (DNS flag day 2020).
	offeredBytes = 1232
	// readRecords bounds the work and the memory that one answer can cost: a TCP answer holds up to 4,000 records.
	readRecords = 256
)

// question is what an answer must belong to.
type question struct {
	name  string // fully qualified
	qtype uint16
	ids   []uint16
}

// message is an answer that belongs to its question.
type message struct {
	id                 uint16
	rcode              int
	truncated          bool
	authoritative      bool
	recursionAvailable bool
	edns               bool
	count              int
	records            []dns.RR
	extended           []ExtendedError
}

// query builds a question. Recursion is asked for, as a stub resolver does.
func query(q question, id uint16, edns bool) ([]byte, error) {
	var m dns.Msg
	m.SetQuestion(q.name, q.qtype)
	m.Id = id
	if edns {
		m.SetEdns0(offeredBytes, false)
	}
	return m.Pack()
}

// read takes an answer apart. It is false for everything that a forger or a broken server may send: another id, no
// response bit, another question (RFC 5452 section 9.1), an answer section that does not parse.
func (q question) read(raw []byte) (message, bool) {
	m, offset, ok := q.readHeader(raw)
	if !ok || m.truncated {
		return m, ok
	}
	for range min(m.count, readRecords) {
		record, next, err := readRecord(raw, offset)
		if err != nil {
			return message{}, false
		}
		if record != nil {
			m.records = append(m.records, record)
		}
		offset = next
	}
	if m.count <= readRecords {
		m.readExtra(raw, offset)
	}
	return m, true
}

func (q question) readHeader(raw []byte) (message, int, bool) {
	if len(raw) < headerBytes {
		return message{}, 0, false
	}
	bits := binary.BigEndian.Uint16(raw[2:])
	m := message{
		id: binary.BigEndian.Uint16(raw), rcode: int(bits & 0xf), count: int(binary.BigEndian.Uint16(raw[6:])),
		truncated: bits&(1<<9) != 0, authoritative: bits&(1<<10) != 0, recursionAvailable: bits&(1<<7) != 0,
	}
	response, opcode := bits&(1<<15) != 0, bits>>11&0xf
	if !response || opcode != dns.OpcodeQuery || !slices.Contains(q.ids, m.id) {
		return message{}, 0, false
	}
	if binary.BigEndian.Uint16(raw[4:]) == 0 {
		// A server that could not or would not read the question may leave it out; nothing but an error may come so.
		bare := m.rcode != dns.RcodeSuccess && m.rcode != dns.RcodeNameError && m.count == 0
		return m, headerBytes, bare
	}
	offset, ok := q.echoed(raw)
	return m, offset, ok
}

// echoed checks the question section and gives the offset behind it.
func (q question) echoed(raw []byte) (int, bool) {
	if binary.BigEndian.Uint16(raw[4:]) != 1 {
		return 0, false
	}
	name, offset, err := dns.UnpackDomainName(raw, headerBytes)
	if err != nil || len(raw) < offset+4 || !strings.EqualFold(name, q.name) {
		return 0, false
	}
	qtype, class := binary.BigEndian.Uint16(raw[offset:]), binary.BigEndian.Uint16(raw[offset+2:])
	return offset + 4, qtype == q.qtype && class == dns.ClassINET
}

// readRecord reads one record; it is nil where its type is of no interest, so that an odd one does no harm.
func readRecord(raw []byte, start int) (dns.RR, int, error) {
	_, offset, err := dns.UnpackDomainName(raw, start)
	if err != nil {
		return nil, 0, err
	}
	const fixed = 10 // type, class, TTL, length
	if len(raw) < offset+fixed {
		return nil, 0, dns.ErrBuf
	}
	next := offset + fixed + int(binary.BigEndian.Uint16(raw[offset+8:]))
	if len(raw) < next {
		return nil, 0, dns.ErrBuf
	}
	switch binary.BigEndian.Uint16(raw[offset:]) {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeOPT:
		record, _, err := dns.UnpackRR(raw, start)
		return record, next, err
	}
	return nil, next, nil
}

// readExtra looks for the OPT record behind the answers. What does not parse there is left alone: the answer stands.
func (m *message) readExtra(raw []byte, offset int) {
	rest := int(binary.BigEndian.Uint16(raw[8:])) + int(binary.BigEndian.Uint16(raw[10:]))
	for range min(rest, readRecords) {
		record, next, err := readRecord(raw, offset)
		if err != nil {
			return
		}
		if opt, ok := record.(*dns.OPT); ok {
			m.edns = true
			m.rcode |= opt.ExtendedRcode() &^ 0xf
			m.extended = extendedErrors(opt)
			return
		}
		offset = next
	}
}

func extendedErrors(opt *dns.OPT) []ExtendedError {
	var out []ExtendedError
	for _, option := range opt.Option {
		if e, ok := option.(*dns.EDNS0_EDE); ok && len(out) < keptErrors {
			out = append(out, ExtendedError{Code: int(e.InfoCode), Text: printable(e.ExtraText, keptText)})
		}
	}
	return out
}

// take puts a believed message into the answer. Addresses of the type that was not asked for are left out.
func (a *Answer) take(m message, q question) {
	a.Outcome, a.RCODE = Answered, rcodeName(m.rcode)
	a.Authoritative, a.RecursionAvailable = m.authoritative, m.recursionAvailable
	a.ExtendedErrors, a.RecordCount = m.extended, m.count
	end := a.follow(m.records, q.name)
	for _, record := range m.records {
		header := record.Header()
		address, ok := addressOf(record)
		ok = ok && header.Rrtype == q.qtype && header.Class == dns.ClassINET && strings.EqualFold(header.Name, end)
		if ok && len(a.Addresses) < keptAddresses {
			a.Addresses = append(a.Addresses, Record{Address: address, TTLSeconds: header.Ttl})
		}
	}
}

// follow walks the CNAME records from the asked name to the end of the chain. Addresses of other names are not the
// answer, wherever they stand.
func (a *Answer) follow(records []dns.RR, name string) string {
	aliases := map[string]*dns.CNAME{}
	for _, record := range slices.Backward(records) {
		if alias, ok := record.(*dns.CNAME); ok && alias.Hdr.Class == dns.ClassINET {
			aliases[strings.ToLower(alias.Hdr.Name)] = alias
		}
	}
	for seen := map[string]bool{}; ; {
		at := strings.ToLower(name)
		alias, more := aliases[at]
		if !more || seen[at] {
			a.Loop = more
			break
		}
		seen[at] = true
		a.ChainLength++
		if len(a.Chain) < keptLinks {
			link := Link{Name: bare(alias.Hdr.Name), Target: bare(alias.Target), TTLSeconds: alias.Hdr.Ttl}
			a.Chain = append(a.Chain, link)
		}
		name = alias.Target
	}
	if a.ChainLength > 0 {
		a.ChainEnd = bare(name)
	}
	return name
}

func addressOf(record dns.RR) (netip.Addr, bool) {
	switch r := record.(type) {
	case *dns.A:
		return netip.AddrFromSlice(r.A.To4())
	case *dns.AAAA:
		return netip.AddrFromSlice(r.AAAA)
	}
	return netip.Addr{}, false
}

// bare drops the final dot: people write names without it.
func bare(name string) string { return strings.TrimSuffix(name, ".") }

func rcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers { // shares its number with TSIG's BADSIG, and we send no TSIG
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(rcode)
}
