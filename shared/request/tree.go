package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// MaxBody is the largest request in bytes: what a Service Bus message holds in the Standard tier.
const MaxBody = 256 << 10

// maxDepth bounds nesting. A request inside an event goes five levels deep.
const maxDepth = 32

// parser reads a body into plain values (map[string]any, []any, string, json.Number, bool, nil). encoding/json would
// take the last of two equal keys, match keys in any case and name no path, so the rules are applied to this tree.
type parser struct {
	decoder *json.Decoder
	body    []byte
	// secret and duplicate do not end the walk: a secret further on outranks what was found before it, and the rest
	// says whose request it is.
	secret, duplicate *Problem
}

// parse returns what it could read along with the problem.
func parse(body []byte) (any, *Problem) {
	if len(body) > MaxBody {
		return nil, invalid("", fmt.Sprintf("is %d bytes long, more than the %d that are read", len(body), MaxBody))
	}
	// Windows PowerShell writes a byte order mark before every file that it calls UTF-8.
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, invalid("", "is empty")
	}
	if !utf8.Valid(body) {
		return nil, invalid("", "is not UTF-8 text")
	}
	p := &parser{decoder: json.NewDecoder(bytes.NewReader(body)), body: body}
	p.decoder.UseNumber()
	tree, problem := p.value("", 0)
	if problem == nil {
		problem = p.end()
	}
	return tree, first(p.secret, problem, p.duplicate)
}

func (p *parser) end() *Problem {
	if rest := bytes.TrimSpace(p.body[p.decoder.InputOffset():]); len(rest) > 0 {
		return p.at("has something after its end", p.decoder.InputOffset())
	}
	return nil
}

func (p *parser) value(path string, depth int) (any, *Problem) {
	if depth > maxDepth {
		return nil, invalid("", fmt.Sprintf("is nested more than %d levels deep", maxDepth))
	}
	token, err := p.decoder.Token()
	if err != nil {
		return nil, p.syntax(err)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return p.object(path, depth)
		}
		return p.list(path, depth)
	case string:
		if holdsSecret(path, token) {
			p.found(path)
		}
		return token, nil
	default:
		return token, nil
	}
}

func (p *parser) object(path string, depth int) (any, *Problem) {
	members := map[string]any{}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return members, p.syntax(err)
		}
		key, isText := token.(string)
		if !isText {
			return members, p.at("is not JSON", p.decoder.InputOffset())
		}
		field := join(path, key)
		if namesSecret(key) || holdsSecret("", key) {
			p.found(field)
		}
		if _, seen := members[key]; seen && p.duplicate == nil {
			p.duplicate = invalid(field, "is there twice")
		}
		member, problem := p.value(field, depth+1)
		members[key] = member
		if problem != nil {
			return members, problem
		}
	}
	return members, p.close()
}

func (p *parser) list(path string, depth int) (any, *Problem) {
	list := []any{}
	for p.decoder.More() {
		element, problem := p.value(fmt.Sprintf("%s[%d]", path, len(list)), depth+1)
		if problem != nil {
			return list, problem
		}
		list = append(list, element)
	}
	return list, p.close()
}

func (p *parser) close() *Problem {
	if _, err := p.decoder.Token(); err != nil {
		return p.syntax(err)
	}
	return nil
}

func (p *parser) found(field string) {
	if p.secret == nil {
		p.secret = &Problem{
			Code: finding.RequestSecretInline, Field: field,
			Message: "holds a secret: put it into an app setting or Key Vault and name that in credential",
		}
	}
}

func (p *parser) syntax(err error) *Problem {
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return p.at("is not JSON", wrong.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return invalid("", "is not JSON: it ends in the middle")
	}
	return p.at("is not JSON", p.decoder.InputOffset())
}

// at names the place by line and column, 1-based. The text there is not quoted: it may be part of a secret.
func (p *parser) at(message string, offset int64) *Problem {
	before := p.body[:min(offset, int64(len(p.body)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return invalid("", fmt.Sprintf("%s: line %d, column %d", message, line, column))
}

func first(problems ...*Problem) *Problem {
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return shown(key)
	}
	return path + "." + shown(key)
}

// FieldName is a member's name as an answer may show it.
func FieldName(key string) string { return shown(key) }

// shown hides a key that is not shaped like a field name: it may be a secret that slipped to the left of the colon.
func shown(key string) string {
	if len(key) > 40 || !settingName.MatchString(key) {
		return "?"
	}
	return key
}
