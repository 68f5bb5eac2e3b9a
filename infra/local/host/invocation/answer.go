package invocation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
)

// ErrNoResult means that the handler answered well but with nothing in it. The real host does not fail such an
// invocation: it never completes, until functionTimeout ends it (facts section 3).
var ErrNoResult = errors.New("empty answer: the invocation hangs until functionTimeout")

// Answer is what the handler sent back, after redirects.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// Result is the content of a good answer.
type Result struct {
	// Outputs is nil where the answer has none.
	Outputs map[string]json.RawMessage
	Logs    []string
	// ReturnValue is kept raw; no binding of the local host uses it.
	ReturnValue json.RawMessage
}

// Judge decides as the real host does whether an answer completes its invocation. The error is ErrNoResult for an
// invocation that hangs, any other error for one that fails. httpOutput names the http output binding, or is empty.
func Judge(a Answer, httpOutput string) (Result, error) {
	if a.Status < 200 || a.Status > 299 {
		return Result{}, fmt.Errorf("status %d is not a success", a.Status)
	}
	// An empty body is no result whatever the content type: the formatter returns null before it looks at the type.
	if len(a.Body) == 0 {
		return Result{}, ErrNoResult
	}
	mediaType, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil || mediaType != "application/json" && mediaType != "text/json" {
		return Result{}, fmt.Errorf("content type %q is not read, only application/json and text/json", a.ContentType)
	}
	// Stricter than the host's serializer, which also takes comments and single quotes: a handler has no use for them.
	if text := bytes.TrimSpace(a.Body); len(text) == 0 || string(text) == "null" {
		return Result{}, ErrNoResult
	}
	result, err := parseResult(a.Body)
	if err != nil {
		return Result{}, err
	}
	return result, checkHTTPOutput(result, httpOutput)
}

func parseResult(body []byte) (Result, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return Result{}, fmt.Errorf("body is not a JSON object: %w", err)
	}
	var result Result
	for name, value := range members {
		var err error
		switch strings.ToLower(name) {
		case "outputs":
			err = json.Unmarshal(value, &result.Outputs)
		case "logs":
			result.Logs, err = parseLogs(value)
		case "returnvalue":
			result.ReturnValue = value
		}
		if err != nil {
			return Result{}, fmt.Errorf("%s cannot be read: %w", name, err)
		}
	}
	return result, nil
}

// parseLogs takes any scalar for a line, as the host's serializer does.
func parseLogs(raw json.RawMessage) ([]string, error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(entries))
	for _, entry := range entries {
		switch entry[0] {
		case '{', '[':
			return nil, fmt.Errorf("an entry is not a scalar")
		case '"':
			var line string
			if err := json.Unmarshal(entry, &line); err != nil {
				return nil, err
			}
			lines = append(lines, line)
		case 'n':
			lines = append(lines, "")
		default:
			lines = append(lines, string(entry))
		}
	}
	return lines, nil
}

// checkHTTPOutput refuses an http output that is no object.
func checkHTTPOutput(result Result, httpOutput string) error {
	raw, found := result.Outputs[httpOutput]
	if httpOutput == "" || !found || string(raw) == "null" {
		return nil
	}
	if raw[0] != '{' {
		return fmt.Errorf("output %q is not an object", httpOutput)
	}
	return nil
}
