// Package envelope is the Functions host's JSON: the body of an invocation that is not forwarded, and the answer to it.
// Nothing else knows this shape, so another kind of worker would change this package only. It knows no function and no
// message of ours, and it does not read HTTP requests that the host forwards as they are.
package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// MaxMessage is the largest message in bytes that Bytes gives out.
	MaxMessage = 1 << 20
	// maxBody bounds what is read of one invocation. It is larger than a message, because base64, double encoding and
	// metadata come on top, and because a message that is too large must still be known by its metadata: an invocation
	// that only fails would come back for ever from a dead-letter queue.
	maxBody = 16 << 20
)

// ErrTooLarge is the error for a body or a message over its limit.
var ErrTooLarge = errors.New("too large")

// Invocation is one call of the host: the values of the bindings and what the host says about them.
type Invocation struct {
	data     map[string]json.RawMessage
	metadata Metadata
}

// Decode reads an invocation's body. It demands no more than the two top-level keys' shape, since hosts and extensions
// differ in the rest.
func Decode(body io.Reader) (Invocation, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return Invocation{}, fmt.Errorf("read invocation: %w", err)
	}
	if len(raw) > maxBody {
		return Invocation{}, fmt.Errorf("read invocation: body has more than %d bytes: %w", maxBody, ErrTooLarge)
	}
	var wire struct {
		Data     map[string]json.RawMessage
		Metadata map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		// The error of encoding/json quotes no more than one character of the body.
		return Invocation{}, fmt.Errorf("decode invocation: %w", err)
	}
	if wire.Data == nil {
		return Invocation{}, errors.New("decode invocation: the body has no object Data")
	}
	return Invocation{data: wire.Data, metadata: wire.Metadata}, nil
}

// form is how the host wrote a binding's value.
type form int

const (
	absent form = iota
	// binary is base64 of the exact bytes: dataType binary.
	binary
	// text is JSON text within a JSON string: a trigger without dataType.
	text
	// structured is an object or array as it is: a timer.
	structured
)

// value reads a binding's value. Base64 has no quotation mark and the host always writes a string value with its own
// quotation marks inside, so the two string forms cannot be mistaken for one another.
func (i Invocation) value(binding string) ([]byte, form) {
	raw := bytes.TrimSpace(i.data[binding])
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, absent
	}
	var outer string
	if raw[0] != '"' || json.Unmarshal(raw, &outer) != nil {
		return raw, structured
	}
	var inner string
	if strings.HasPrefix(outer, `"`) && json.Unmarshal([]byte(outer), &inner) == nil {
		return []byte(inner), text
	}
	// Go's decoder skips line breaks; the host writes none, so a value with line breaks is not its base64.
	if decoded, err := base64.StdEncoding.Strict().DecodeString(outer); err == nil && !strings.ContainsAny(outer, "\r\n") {
		return decoded, binary
	}
	return []byte(outer), text
}

// Bytes gives a binding's exact message: of dataType binary the bytes that were sent, else the text. An error wraps
// ErrTooLarge where the message has more than MaxMessage bytes.
func (i Invocation) Bytes(binding string) ([]byte, error) {
	value, form := i.value(binding)
	if form == absent {
		return nil, fmt.Errorf("read binding %s: the invocation has no such value", binding)
	}
	if len(value) > MaxMessage {
		return nil, fmt.Errorf("read binding %s: message has %d bytes, at most %d are read: %w", binding, len(value),
			MaxMessage, ErrTooLarge)
	}
	return value, nil
}

// Into decodes a binding's JSON, once or twice encoded, into a value.
func (i Invocation) Into(binding string, into any) error {
	raw, err := i.Bytes(binding)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode binding %s: %w", binding, err)
	}
	return nil
}

// Trusted tells whether the metadata is the host's own word. Where the trigger's value is text, the host writes the
// message's top-level fields over it (Utility.ApplyBindingData), so a sender chooses its own DeliveryCount.
func (i Invocation) Trusted(binding string) bool {
	_, form := i.value(binding)
	return form == binary
}

// Metadata gives what the host says about a binding's message; it is empty where that cannot be trusted.
func (i Invocation) Metadata(binding string) Metadata {
	if !i.Trusted(binding) {
		return nil
	}
	return i.metadata
}

// Claimed gives the metadata as it came, which the sender of a message may have written. Good for a log, not for a
// decision.
func (i Invocation) Claimed() Metadata { return i.metadata }
