package login

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
)

const (
	// maxIterations bounds the CPU time that a server can make us spend; PostgreSQL's default is 4096.
	maxIterations = 100_000
	// iterationsPerLook is how often the key derivation looks whether its time is over: well under a millisecond.
	iterationsPerLook = 1024
	maxScramPart      = 1024
)

// scram is the client side of SCRAM-SHA-256 (RFC 5802, RFC 7677), with or without channel binding.
type scram struct {
	password string
	keys     *Keys
	// gs2Header is "n,,", "y,," or "p=tls-server-end-point,,"; binding is the data of the last one.
	gs2Header   string
	binding     []byte
	nonce       string
	firstBare   string
	serverFirst string
	// Of the server's first message:
	serverNonce string
	salt        []byte
	iterations  int

	serverSignature []byte
}

func newScram(password, gs2Header string, binding []byte) *scram {
	random := make([]byte, 18)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	s := &scram{password: saslprep(password), gs2Header: gs2Header, binding: binding}
	s.nonce = base64.RawStdEncoding.EncodeToString(random)
	// PostgreSQL takes the user of the startup packet and ignores this one, so it stays empty as libpq leaves it.
	s.firstBare = "n=,r=" + s.nonce
	return s
}

func (s *scram) clientFirst() []byte { return []byte(s.gs2Header + s.firstBare) }

// readServerFirst takes the nonce, the salt and the iteration count. It returns the violation, or "".
func (s *scram) readServerFirst(data []byte) Violation {
	s.serverFirst = string(data)
	parts := strings.Split(s.serverFirst, ",")
	if len(parts) < 3 || len(s.serverFirst) > 2*maxScramPart || !isASCII(s.serverFirst) {
		return ViolationServerFirst
	}
	nonce, hasNonce := strings.CutPrefix(parts[0], "r=")
	salt, hasSalt := strings.CutPrefix(parts[1], "s=")
	count, hasCount := strings.CutPrefix(parts[2], "i=")
	if !hasNonce || !hasSalt || !hasCount {
		return ViolationServerFirst
	}
	// The server must add to our nonce: one that repeats it alone could replay an old conversation (RFC 5802, 5.1).
	if len(nonce) <= len(s.nonce) || !strings.HasPrefix(nonce, s.nonce) {
		return ViolationServerNonce
	}
	var err error
	if s.salt, err = base64.StdEncoding.Strict().DecodeString(salt); err != nil || len(s.salt) == 0 {
		return ViolationServerFirst
	}
	if s.iterations, err = strconv.Atoi(count); err != nil || s.iterations < 1 || s.iterations > maxIterations {
		return ViolationIterations
	}
	s.serverNonce = nonce
	return ""
}

// clientFinal computes the proof, and the signature that the server will have to show. Its error is the context's.
func (s *scram) clientFinal(ctx context.Context) ([]byte, error) {
	salted, err := s.keys.of(ctx, s)
	if err != nil {
		return nil, err
	}
	header := append([]byte(s.gs2Header), s.binding...)
	withoutProof := "c=" + base64.StdEncoding.EncodeToString(header) + ",r=" + s.serverNonce
	authMessage := []byte(s.firstBare + "," + s.serverFirst + "," + withoutProof)

	clientKey := sign(salted, []byte("Client Key"))
	storedKey := sha256.Sum256(clientKey)
	proof := sign(storedKey[:], authMessage)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	s.serverSignature = sign(sign(salted, []byte("Server Key")), authMessage)
	return []byte(withoutProof + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify tells whether the server's last message proves that it knows the password's verifier.
func (s *scram) verify(data []byte) bool {
	encoded, ok := strings.CutPrefix(string(data), "v=")
	if !ok || s.serverSignature == nil {
		return false
	}
	encoded, _, _ = strings.Cut(encoded, ",")
	signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return err == nil && hmac.Equal(signature, s.serverSignature)
}

// saltedPassword is Hi() of RFC 5802. It is written out because crypto/pbkdf2 cannot be ended by a context.
func saltedPassword(ctx context.Context, s *scram) ([]byte, error) {
	mac := hmac.New(sha256.New, []byte(s.password))
	mac.Write(s.salt)
	mac.Write([]byte{0, 0, 0, 1})
	block := mac.Sum(nil)
	result := append([]byte(nil), block...)
	for i := 1; i < s.iterations; i++ {
		if i%iterationsPerLook == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		mac.Reset()
		mac.Write(block)
		block = mac.Sum(block[:0])
		for j, b := range block {
			result[j] ^= b
		}
	}
	return result, nil
}

func sign(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e }) < 0
}
