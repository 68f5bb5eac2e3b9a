package store

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Error codes of the table service: https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
const (
	codeTableExists  = "TableAlreadyExists"
	codeTableMissing = "TableNotFound"
	codeRowExists    = "EntityAlreadyExists"
)

const (
	statusBadRequest   = http.StatusBadRequest
	statusNotFound     = http.StatusNotFound
	statusConflict     = http.StatusConflict
	statusPrecondition = http.StatusPreconditionFailed
)

// ErrNotFound means that there is no report with this id.
var ErrNotFound = errors.New("no such report")

// Fault is a call to the table service that failed. Its text holds no address, no key and no signature.
type Fault struct {
	// Op says what was tried, such as "save report".
	Op    string
	Table string
	// Status is the HTTP status of the answer, 0 where there was none.
	Status int
	// Code is the service's error code, such as TableNotFound; empty where it gave none.
	Code string

	cause error
	text  string
}

// Error implements error.
func (f *Fault) Error() string {
	what := f.text
	if f.Status != 0 {
		what = strings.TrimSpace(strconv.Itoa(f.Status) + " " + f.Code)
	}
	return fmt.Sprintf("%s: table %s: %s", f.Op, f.Table, what)
}

// Unwrap gives the cause of a call that got no answer: a context's end, a network error.
func (f *Fault) Unwrap() error { return f.cause }

// Passing tells whether the same call may well succeed a moment later: there was no answer, or one that says so itself.
// What is refused (no right, no such account) stays refused until somebody mends it.
func (f *Fault) Passing() bool {
	switch f.Status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return f.Status >= http.StatusInternalServerError
}

// fault turns an error of the SDK into a Fault. The SDK's own texts are not passed on: a transport error quotes the
// address, which with a shared access signature holds the signature.
func (s *Store) fault(op, table string, err error) error {
	if err == nil {
		return nil
	}
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		status, code := realStatus(response)
		return &Fault{Op: op, Table: table, Status: status, Code: code}
	}
	var transport *url.Error
	if errors.As(err, &transport) {
		err = transport.Err
	}
	return &Fault{Op: op, Table: table, cause: err, text: s.scrub(err.Error())}
}

// realStatus finds what the service really said. A transaction that failed comes back as 202 without a code; the status of
// the action that failed stands in the multipart body only.
func realStatus(response *azcore.ResponseError) (int, string) {
	if response.StatusCode != http.StatusAccepted || response.RawResponse == nil {
		return response.StatusCode, response.ErrorCode
	}
	body, err := runtime.Payload(response.RawResponse)
	if err != nil {
		return response.StatusCode, response.ErrorCode
	}
	return innerStatus(body)
}

// innerStatus reads a failed action's status line and error code out of a transaction's answer. Bodies are not echoed
// there, so the patterns cannot meet our own data.
func innerStatus(body []byte) (int, string) {
	status, code := 0, ""
	if m := regexp.MustCompile(`(?m)^HTTP/1\.1 ([45]\d\d) `).FindSubmatch(body); m != nil {
		status, _ = strconv.Atoi(string(m[1])) // Three digits by the pattern.
	}
	if m := regexp.MustCompile(`"code"\s*:\s*"(\w+)"`).FindSubmatch(body); m != nil {
		code = string(m[1])
	}
	if status == 0 {
		return http.StatusAccepted, code
	}
	return status, code
}

func isStatus(err error, status int) bool {
	var fault *Fault
	return errors.As(err, &fault) && fault.Status == status
}

func isCode(err error, code string) bool {
	var fault *Fault
	return errors.As(err, &fault) && fault.Code == code
}

// scrubber replaces the account key and any signature of a shared access signature.
func scrubber(connection secret.String) func(string) string {
	signature := regexp.MustCompile(`(?i)\bsig=[^&;\s"']+`)
	key := ""
	for pair := range strings.SplitSeq(connection.Reveal(), ";") {
		if name, value, found := strings.Cut(pair, "="); found && name == "AccountKey" {
			key = value
		}
	}
	return func(text string) string {
		if key != "" {
			text = strings.ReplaceAll(text, key, secret.String{}.String())
		}
		return signature.ReplaceAllString(text, "sig="+secret.String{}.String())
	}
}
