package invocation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// HTTPResponse is what the caller of an HTTP function gets.
type HTTPResponse struct {
	Status  int
	Headers map[string]string
	Body    []byte
}

// Response turns the result of an HTTP function in the default mode into the response (facts section 3, HTTP output).
func (r Result) Response(output string) (HTTPResponse, error) {
	if r.Outputs == nil || output == "" {
		return HTTPResponse{Status: 200}, nil
	}
	raw, found := r.Outputs[output]
	if !found || string(raw) == "null" {
		headers := map[string]string{"Content-Type": "application/json"}
		return HTTPResponse{Status: 200, Headers: headers, Body: []byte("{}")}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return HTTPResponse{}, fmt.Errorf("read output %q: %w", output, err)
	}
	response := HTTPResponse{Status: 200, Headers: map[string]string{}}
	for name, value := range members {
		if err := response.take(strings.ToLower(name), value); err != nil {
			return HTTPResponse{}, fmt.Errorf("read output %q: %w", output, err)
		}
	}
	return response, nil
}

// take reads one member of the output. "status" is ignored: the host always sees a statusCode.
func (r *HTTPResponse) take(name string, value json.RawMessage) error {
	var err error
	switch name {
	case "statuscode":
		r.Status, err = strconv.Atoi(strings.Trim(string(value), `"`))
	case "headers":
		err = r.takeHeaders(value)
	case "body":
		err = r.takeBody(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// takeHeaders keeps one text per header: an array goes out as its JSON text, and a null makes the real host fail.
func (r *HTTPResponse) takeHeaders(raw json.RawMessage) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return err
	}
	for name, value := range values {
		text := string(value)
		switch {
		case text == "null":
			return fmt.Errorf("header %s is null", name)
		case value[0] == '"':
			if err := json.Unmarshal(value, &text); err != nil {
				return err
			}
		}
		r.Headers[name] = text
	}
	return nil
}

// takeBody sends a string as it is and prints anything else indented.
func (r *HTTPResponse) takeBody(raw json.RawMessage) error {
	if string(raw) == "null" {
		return nil
	}
	if raw[0] == '"' {
		var text string
		err := json.Unmarshal(raw, &text)
		r.Body = []byte(text)
		return err
	}
	var indented bytes.Buffer
	err := json.Indent(&indented, raw, "", "  ")
	r.Body = indented.Bytes()
	return err
}
