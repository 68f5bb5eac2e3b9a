package request_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// FuzzDecode holds three promises: no body panics, no error quotes a value, and what is accepted survives the way
// through JSON.
func FuzzDecode(f *testing.F) {
	f.Add(sample, "m-1")
	f.Add(shallow, "")
	f.Add(`[{"specversion":"1.0","id":"e","data":`+shallow+`}]`, "m 1")
	f.Add(`{"eventType":"T","data_base64":"e30="}`, "")
	f.Add(`{"source":{"password":"`+planted+`","host":"postgres://u:`+planted+`@h"}}`, "")
	f.Add(`{"version":1,"id":"`+planted+`","source":[{"`+planted+`":"`+planted+`"}]}`, "")
	f.Fuzz(func(t *testing.T, body, fallbackID string) {
		check, err := request.Decode([]byte(body), fallbackID)
		if wrong, ok := errors.AsType[*request.Problem](err); ok {
			if strings.Contains(wrong.Error(), planted) {
				t.Errorf("the error quotes the body: %s", wrong)
			}
		} else if err != nil {
			t.Errorf("%T is not a *Problem", err)
		} else if again, err := request.Decode(check.JSON(), ""); err != nil || !reflect.DeepEqual(check, again) {
			t.Errorf("round trip: %v\n%+v\n%+v", err, check, again)
		}
		_, err = request.Decode([]byte(`{"password":"`+planted+`","x":`+body+`}`), fallbackID)
		wrong, ok := errors.AsType[*request.Problem](err)
		if !ok {
			t.Fatalf("a planted password is accepted beside %q", body)
		}
		if len(body) < 1000 && utf8.ValidString(body) && wrong.Code != finding.RequestSecretInline {
			t.Errorf("a planted password beside %q is %s: %s", body, wrong.Code, wrong)
		}
		wantNoSecretOf(t, wrong, body)
	})
}

// wantNoSecretOf looks at the salvaged fields too, unless the body itself holds the planted text in one of those.
func wantNoSecretOf(t *testing.T, got *request.Problem, body string) {
	t.Helper()
	if !strings.Contains(body, planted[:3]) && !strings.Contains(body, `\u`) {
		wantNoSecret(t, got)
	}
}
