package request_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func event(data string) string {
	return `{"specversion":"1.0","id":"e-1","source":"/p","type":"T","data":` + data + `}`
}

func TestNamed(t *testing.T) {
	t.Parallel()
	registered := with(t, shallow, "id", `"of-the-route"`)
	want := decode(t, with(t, shallow, "route", `"orders-db"`), "e-1")
	encoded := `{"specversion":"1.0","id":"e-1","source":"/p","type":"T","data_base64":"` +
		base64.StdEncoding.EncodeToString([]byte(`{"route":"orders-db"}`)) + `"}`
	for name, body := range map[string]string{
		"CloudEvents": event(`{"route":"orders-db"}`), "base64": encoded, "list of one": "[" + encoded + "]",
		"Event Grid": `{"id":"e-1","eventType":"T","data":{"route":"orders-db"}}`,
	} {
		named, is := request.ReadNamed([]byte(body))
		if !is || named.Route != "orders-db" {
			t.Errorf("%s: %v %+v", name, is, named)
			continue
		}
		if got, err := named.On([]byte(registered), ""); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	named, _ := request.ReadNamed([]byte(event(`{"route":"orders-db","id":"own","requestedBy":"pipeline",
		"notify":{"replyTo":"answers"}}`)))
	got, err := named.On([]byte(registered), "m-1")
	if err != nil || got.ID != "own" || got.RequestedBy != "pipeline" || got.Notify.ReplyTo != "answers" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatNamesNoRoute(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		shallow, event(with(t, shallow, "route", `"orders-db"`)), event(`{}`), event(`{"route":1}`), event(`{"route":"a b"}`),
		event(`{"route":"x","source":{}}`), `hello`, `[]`, event(`{"route":"x","password":"hunter2"}`),
	} {
		if named, is := request.ReadNamed([]byte(body)); is {
			t.Errorf("%s names %+v", body, named)
		}
	}
}

func TestNamedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, registered, field, message string }{
		"a field of a request":  {`{"route":"orders-db","depth":"tls"}`, shallow, "depth", "unknown field"},
		"a bad callback":        {`{"route":"orders-db","notify":{"callbackUrl":"ftp://x"}}`, shallow, "notify.callbackUrl", "https"},
		"an id out of alphabet": {`{"route":"orders-db","id":"a b"}`, shallow, "id", "characters"},
		"a row by hand":         {`{"route":"orders-db"}`, `[`, "", "is not JSON"},
		"a row that is a list":  {`{"route":"orders-db"}`, `[]`, "", "must be an object"},
		"a row without version": {`{"route":"orders-db"}`, `{}`, "version", "required"},
	} {
		named, is := request.ReadNamed([]byte(event(test.data)))
		if !is {
			t.Errorf("%s: names no route", name)
			continue
		}
		_, err := named.On([]byte(test.registered), "")
		got, ok := errors.AsType[*request.Problem](err)
		if !ok || got.Field != test.field || !strings.Contains(got.Message, test.message) || got.ID != "e-1" ||
			got.Route != "orders-db" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	named, _ := request.ReadNamed([]byte(event(`{"route":"orders-db"}`)))
	if got := named.NotRegistered(""); got.Code != finding.RequestInvalid || got.Field != "route" || got.ID != "e-1" {
		t.Errorf("%+v", got)
	}
}

func TestEventID(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{event(`{}`): "e-1", "[" + event(`1`) + "]": "e-1",
		`{"id":"g","eventType":"T"}`: "g", shallow: "", "hello": "", `{"id":1,"eventType":"T"}`: ""} {
		if got := request.EventID([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}
