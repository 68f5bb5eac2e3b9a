// Package invocation is the host's half of the custom handler protocol: it builds the bodies that the host posts and
// judges what the handler answers. It sends nothing, and shares no code with the handler's half, so that the two check
// each other.
package invocation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// object is a JSON object with the order of its members kept and its names compared without case, as the dictionaries
// of the real host are.
type object struct{ members []member }

type member struct {
	name  string
	value any
}

// set adds a member, or replaces the value of one whose name differs at most in case; that one keeps name and place.
func (o *object) set(name string, value any) {
	for i, m := range o.members {
		if strings.EqualFold(m.name, name) {
			o.members[i].value = value
			return
		}
	}
	o.members = append(o.members, member{name, value})
}

func (o *object) has(name string) bool {
	for _, m := range o.members {
		if strings.EqualFold(m.name, name) {
			return true
		}
	}
	return false
}

// MarshalJSON implements json.Marshaler.
func (o *object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := encode(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, fmt.Errorf("encode %q: %w", m.name, err)
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// encode writes compact JSON with <, > and & as they are: the real host's serializer does not escape them.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
