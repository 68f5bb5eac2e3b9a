package tls

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds every text that comes from the peer.
const maxText = 256

// clean makes a peer's text safe to store and show: valid, printable, short. What is not printable (control characters,
// escape sequences, changes of writing direction) becomes a dot.
func clean(text string) string {
	var out strings.Builder
	for _, r := range text {
		if out.Len()+utf8.RuneLen(r) > maxText {
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '.'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// printable shows bytes one by one, so that its length is theirs.
func printable(data []byte) string {
	out := make([]byte, len(data))
	for i, b := range data {
		if b < ' ' || b > '~' {
			b = '.'
		}
		out[i] = b
	}
	return string(out)
}

func newBytes(data []byte) *Bytes {
	if len(data) == 0 {
		return nil
	}
	return &Bytes{Hex: hex.EncodeToString(data), Text: printable(data)}
}

// raw is the way back; nothing where there is nothing.
func (b *Bytes) raw() []byte {
	if b == nil {
		return nil
	}
	data, err := hex.DecodeString(b.Hex)
	if err != nil {
		return nil
	}
	return data
}
