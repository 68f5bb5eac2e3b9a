package request

import (
	"errors"
	"testing"
)

// Whoever asked wrongly is told so the way they asked for, as far as that can be read.
func TestWhomToTellOfARefusal(t *testing.T) {
	t.Parallel()
	all := Notify{ReplyTo: "answers", CallbackURL: "https://hooks.example.com/x", Ticket: Ticket{System: "jira", ID: "OPS-1"}}
	for _, c := range []struct {
		name, notify string
		want         Notify
	}{
		{"all", `{"replyTo":"answers","callbackUrl":"https://hooks.example.com/x","ticket":{"system":"jira","id":"OPS-1"}}`, all},
		{"one bad", `{"replyTo":"a b","callbackUrl":"https://hooks.example.com/x","ticket":{"system":"jira","id":"OPS-1"}}`,
			Notify{CallbackURL: all.CallbackURL, Ticket: all.Ticket}},
		{"half a ticket", `{"replyTo":"answers","ticket":{"system":"jira"}}`, Notify{ReplyTo: "answers"}},
		{"a secret", `{"callbackUrl":"https://hooks.example.com/x?client_secret=planted","replyTo":"answers"}`,
			Notify{ReplyTo: "answers"}},
		{"a stranger beside them", `{"replyTo":"answers","mail":"x"}`, Notify{ReplyTo: "answers"}},
		{"no object", `"answers"`, Notify{}},
		{"nothing", `null`, Notify{}},
	} {
		_, err := Decode([]byte(`{"version":1,"sourze":{},"notify":`+c.notify+`}`), "m-1")
		problem, ok := errors.AsType[*Problem](err)
		if !ok || problem.Notify != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, problem, c.want)
		}
	}
}
