package resolve

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func asked() question {
	return question{name: "db.example.com.", qtype: dns.TypeA, ids: []uint16{7, 9}}
}

// reply packs an answer to asked, after the given changes.
func packed(t testing.TB, change func(*dns.Msg)) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("db.example.com.", dns.TypeA)
	m.Id, m.Response, m.Compress = 7, true, true
	if change != nil {
		change(m)
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func rr(t testing.TB, text string) dns.RR {
	t.Helper()
	record, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestReadBelievesOnlyItsOwnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*dns.Msg)
		want   bool
	}{
		"its own":                       {nil, true},
		"to the second query":           {func(m *dns.Msg) { m.Id = 9 }, true},
		"other case":                    {func(m *dns.Msg) { m.Question[0].Name = "DB.Example.COM." }, true},
		"refusal without the question":  {func(m *dns.Msg) { m.Question, m.Rcode = nil, dns.RcodeRefused }, true},
		"wrong id":                      {func(m *dns.Msg) { m.Id = 8 }, false},
		"a query":                       {func(m *dns.Msg) { m.Response = false }, false},
		"another opcode":                {func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, false},
		"another name":                  {func(m *dns.Msg) { m.Question[0].Name = "db.example.org." }, false},
		"another type":                  {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }, false},
		"another class":                 {func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, false},
		"two questions":                 {func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, false},
		"success without the question":  {func(m *dns.Msg) { m.Question = nil }, false},
		"NXDOMAIN without the question": {func(m *dns.Msg) { m.Question, m.Rcode = nil, dns.RcodeNameError }, false},
	} {
		if _, got := asked().read(packed(t, c.change)); got != c.want {
			t.Errorf("%s: believed = %t, want %t", name, got, c.want)
		}
	}
}

func TestReadOfEveryCutAnswer(t *testing.T) {
	t.Parallel()
	raw := packed(t, func(m *dns.Msg) { m.Answer = append(m.Answer, rr(t, "db.example.com. 60 A 10.0.0.4")) })
	for length := range raw {
		if _, ok := asked().read(raw[:length]); ok {
			t.Errorf("an answer cut to %d of %d bytes is believed", length, len(raw))
		}
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	var long []string
	at := "db"
	for i := range 20 {
		next := "a" + strings.Repeat("0", i+1)
		long = append(long, at+".example.com. 60 CNAME "+next+".example.com.")
		at = next
	}
	long = append(long, at+".example.com. 60 A 10.0.0.9")
	for name, c := range map[string]struct {
		records   []string
		addresses []string
		end       string
		length    int
		loop      bool
	}{
		"one address":             {[]string{"db.example.com. 60 A 10.0.0.4"}, []string{"10.0.0.4"}, "", 0, false},
		"case does not matter":    {[]string{"DB.example.com. 60 A 10.0.0.4"}, []string{"10.0.0.4"}, "", 0, false},
		"address of another name": {[]string{"x.example.com. 60 A 10.0.0.4"}, nil, "", 0, false},
		"chain in any order": {[]string{"b.example. 60 A 10.0.0.4", "a.example. 60 CNAME b.example.",
			"db.example.com. 60 CNAME a.example."}, []string{"10.0.0.4"}, "b.example", 2, false},
		"address beside the chain": {[]string{"db.example.com. 60 CNAME a.example.", "db.example.com. 60 A 10.0.0.4"},
			nil, "a.example", 1, false},
		"chain that is not ours": {[]string{"x.example. 60 CNAME y.example.", "y.example. 60 A 10.0.0.4"},
			nil, "", 0, false},
		"loop of one": {[]string{"db.example.com. 60 CNAME DB.example.com."}, nil, "DB.example.com", 1, true},
		"loop of two": {[]string{"db.example.com. 60 CNAME a.example.", "a.example. 60 CNAME db.example.com."},
			nil, "db.example.com", 2, true},
		"long chain":              {long, []string{"10.0.0.9"}, "a" + strings.Repeat("0", 20) + ".example.com", 20, false},
		"type that was not asked": {[]string{"db.example.com. 60 AAAA fd00::4"}, nil, "", 0, false},
		"other class":             {[]string{"db.example.com. 60 CH A 10.0.0.4"}, nil, "", 0, false},
	} {
		var m message
		for _, text := range c.records {
			m.records = append(m.records, rr(t, text))
		}
		var a Answer
		a.take(m, asked())
		var got []string
		for _, record := range a.Addresses {
			got = append(got, record.Address.String())
		}
		if !slices.Equal(got, c.addresses) || a.ChainEnd != c.end || a.ChainLength != c.length || a.Loop != c.loop {
			t.Errorf("%s: %v, end %q, length %d, loop %t", name, got, a.ChainEnd, a.ChainLength, a.Loop)
		}
		if len(a.Chain) != min(c.length, keptLinks) {
			t.Errorf("%s: %d links kept", name, len(a.Chain))
		}
	}
}

func TestExtendedErrorsAndRCODE(t *testing.T) {
	t.Parallel()
	raw := packed(t, func(m *dns.Msg) {
		m.Rcode = dns.RcodeBadVers
		m.SetEdns0(1232, false)
		for range 9 {
			m.IsEdns0().Option = append(m.IsEdns0().Option,
				&dns.EDNS0_EDE{InfoCode: 23, ExtraText: "no route\x1b[2J" + strings.Repeat("x", 300)})
		}
	})
	m, ok := asked().read(raw)
	var a Answer
	a.take(m, asked())
	if !ok || len(a.ExtendedErrors) != keptErrors || a.ExtendedErrors[0].Code != 23 || a.RCODE != "BADVERS" {
		t.Fatalf("answer = %t %+v", ok, a)
	}
	if text := a.ExtendedErrors[0].Text; len(text) != keptText || !strings.HasPrefix(text, "no route?[2J") {
		t.Errorf("text = %q", text)
	}
}

func TestManyRecordsAreBounded(t *testing.T) {
	t.Parallel()
	raw := packed(t, func(m *dns.Msg) {
		for i := range 4000 {
			m.Answer = append(m.Answer, &dns.A{A: net.IPv4(10, 0, byte(i>>8), byte(i)),
				Hdr: dns.RR_Header{Name: "db.example.com.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}})
		}
	})
	m, ok := asked().read(raw)
	var a Answer
	a.take(m, asked())
	if !ok || len(m.records) != readRecords || len(a.Addresses) != keptAddresses || a.RecordCount != 4000 {
		t.Errorf("read %d records, kept %d, counted %d", len(m.records), len(a.Addresses), a.RecordCount)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(packed(f, nil))
	f.Add(packed(f, func(m *dns.Msg) {
		m.Answer = []dns.RR{rr(f, "db.example.com. 60 CNAME a.example."), rr(f, "a.example. 60 A 10.0.0.4"),
			rr(f, "a.example. 60 AAAA fd00::4"), rr(f, "a.example. 60 TXT hello")}
		m.Ns = []dns.RR{rr(f, "example. 60 SOA ns.example. x.example. 1 2 3 4 5")}
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: 9, ExtraText: "why"})
	}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, ok := asked().read(raw)
		var a Answer
		a.take(m, asked())
		if !ok && len(m.records) > 0 {
			t.Error("records of an answer that is not believed")
		}
		if len(a.Addresses) > keptAddresses || len(a.Chain) > keptLinks || len(a.ExtendedErrors) > keptErrors {
			t.Errorf("kept too much: %d, %d, %d", len(a.Addresses), len(a.Chain), len(a.ExtendedErrors))
		}
		Judge(Observation{Name: "db", Form: FormName, Servers: []Server{{A: a, AAAA: a}}}, Expect{Access: "private"})
	})
}
