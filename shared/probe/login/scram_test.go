package login

import (
	"context"
	"testing"
)

// The conversation is the example of RFC 7677, section 3.
func TestScramSpeaksTheExampleOfItsRFC(t *testing.T) {
	t.Parallel()
	s := &scram{password: "pencil", gs2Header: "n,,", nonce: "rOprNGfwEbeRWgbNEkqO",
		firstBare: "n=user,r=rOprNGfwEbeRWgbNEkqO"}
	first := "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	if violation := s.readServerFirst([]byte(first)); violation != "" {
		t.Fatal(violation)
	}
	if s.verify([]byte("v=")) || s.verify(nil) {
		t.Error("believed a signature before there was one")
	}
	final, err := s.clientFinal(context.Background())
	want := "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	if err != nil || string(final) != want {
		t.Fatalf("%s, %v", final, err)
	}
	if !s.verify([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) {
		t.Error("refused the right signature")
	}
	for _, wrong := range []string{"", "v=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "e=other-error", "v=AAAA"} {
		if s.verify([]byte(wrong)) {
			t.Errorf("believed %q", wrong)
		}
	}
}

func TestScramRefusesBadChallenges(t *testing.T) {
	t.Parallel()
	rows := map[string]Violation{
		"":                                ViolationServerFirst,
		"r=abcX":                          ViolationServerFirst,
		"m=ext,r=abcX,s=c2FsdA==,i=4096":  ViolationServerFirst,
		"s=c2FsdA==,r=abcX,i=4096":        ViolationServerFirst,
		"r=abcX,s=,i=4096":                ViolationServerFirst,
		"r=abcX,s=not base64,i=4096":      ViolationServerFirst,
		"r=abc,s=c2FsdA==,i=4096":         ViolationServerNonce,
		"r=Xabc,s=c2FsdA==,i=4096":        ViolationServerNonce,
		"r=abcX,s=c2FsdA==,i=0":           ViolationIterations,
		"r=abcX,s=c2FsdA==,i=-1":          ViolationIterations,
		"r=abcX,s=c2FsdA==,i=100001":      ViolationIterations,
		"r=abcX,s=c2FsdA==,i=4096x":       ViolationIterations,
		"r=abcX,s=c2FsdA==,i=99999999999": ViolationIterations,
		"r=abcX,s=c2FsdA==,i=100000":      "",
		"r=abcX,s=c2FsdA==,i=4096,x=1":    "",
	}
	for first, want := range rows {
		s := &scram{nonce: "abc"}
		if got := s.readServerFirst([]byte(first)); got != want {
			t.Errorf("%q: got %q, want %q", first, got, want)
		}
	}
}
