package dnsserver

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ask is an ordinary client, so that the honest answers are checked by other code than ours.
func ask(t *testing.T, s *Server, network, name string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	client := dns.Client{Net: network, Timeout: 2 * time.Second}
	answer, _, err := client.Exchange(m, s.Address().String())
	if err != nil {
		return nil
	}
	return answer
}

func TestHonestAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Names: map[string]Script{
		"db.example":    {Alias: "real.example"},
		"Real.Example":  {Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("fd00::4")}, TTL: 7},
		"empty.example": {},
	}})
	for _, network := range []string{"udp", "tcp"} {
		answer := ask(t, s, network, "db.example")
		if answer == nil || len(answer.Answer) != 2 || answer.Answer[1].(*dns.A).A.String() != "10.0.0.4" ||
			answer.Answer[1].Header().Ttl != 7 {
			t.Errorf("%s: answer = %v", network, answer)
		}
	}
	if answer := ask(t, s, "udp", "empty.example"); answer.Rcode != dns.RcodeSuccess || len(answer.Ns) != 1 {
		t.Errorf("NODATA = %v", answer)
	}
	if answer := ask(t, s, "udp", "missing.example"); answer.Rcode != dns.RcodeNameError {
		t.Errorf("missing = %v", answer)
	}
	want := Query{Name: "db.example", Type: "A", Transport: "tcp"}
	if queries := s.Queries(); len(queries) != 4 || queries[1] != want {
		t.Errorf("queries = %v", queries)
	}
}

func TestSetForgetsDrops(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Otherwise: &Script{Fault: Refused}})
	s.Set("db.example", Script{Drop: 1})
	for range 2 {
		if answer := ask(t, s, "udp", "db.example"); answer != nil {
			t.Errorf("the first query is answered: %v", answer)
		}
		if answer := ask(t, s, "udp", "db.example"); answer == nil {
			t.Error("the second query is not answered")
		}
		s.Set("db.example", Script{Drop: 1})
	}
	if answer := ask(t, s, "udp", "other.example"); answer.Rcode != dns.RcodeRefused {
		t.Errorf("other = %v", answer)
	}
}

func TestStartNamesTheAddressItCannotTake(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	_, err := Start(Options{Address: s.Address().String()})
	if err == nil || !strings.Contains(err.Error(), s.Address().String()) {
		t.Errorf("error = %v", err)
	}
}

func TestCloseEndsSlowAnswersAndOpenConnections(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Otherwise: &Script{Delay: time.Hour}})
	ask(t, s, "udp", "slow.example")
	ask(t, s, "tcp", "slow.example")
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Error("Close hangs")
	}
}

func TestWithoutQueriesKeepsNone(t *testing.T) {
	t.Parallel()
	s := start(t, Options{WithoutQueries: true, Names: map[string]Script{"empty.example": {}}})
	if answer := ask(t, s, "tcp", "empty.example"); answer == nil || answer.Rcode != dns.RcodeSuccess {
		t.Errorf("answer = %v", answer)
	}
	if queries := s.Queries(); len(queries) != 0 {
		t.Errorf("queries = %v", queries)
	}
}
