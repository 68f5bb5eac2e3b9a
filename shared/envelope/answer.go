package envelope

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Answer is what a function that did its work says. It has no outputs and no return value on purpose: the host decodes
// any string among them that looks like base64 ("done") into bytes, and whatever we send we send ourselves.
type Answer struct {
	// Logs are lines for people; the host files them under the invocation.
	Logs []string
}

// Succeed completes the invocation. The status is 200 and the body an object, always: the host leaves an invocation
// pending until its timeout where the body is empty or null, and fails it where the content type is not JSON.
func Succeed(w http.ResponseWriter, answer Answer) error {
	logs := answer.Logs
	if logs == nil {
		logs = []string{}
	}
	return write(w, http.StatusOK, struct {
		Outputs     struct{}
		Logs        []string
		ReturnValue any
	}{Logs: logs})
}

// Fail ends the invocation as failed, so that the host gives the message back. The host reads nothing of the body: the
// message is for people with curl, and what matters must be in the log already.
func Fail(w http.ResponseWriter, status int, message string) error {
	return write(w, status, struct {
		Error string `json:"error"`
	}{message})
}

func write(w http.ResponseWriter, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
