package invocation

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
)

type answerCase struct {
	Name        string  `json:"name"`
	Status      *int    `json:"status"`
	ContentType *string `json:"contentType"`
	Body        *string `json:"body"`
	Invocation  string  `json:"invocation"`
}

// TestJudge holds the judge to every case that has an answer. A reset connection has none, and a redirect is followed
// by the client before there is an answer to judge; both are tested where the calls are made.
func TestJudge(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../testdata/responses/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []answerCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, c := range cases {
		if c.Status == nil || c.Invocation == "follows-redirect" {
			continue
		}
		judged++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			_, err := Judge(c.answer(t), "res")
			if got := outcome(err); got != c.Invocation {
				t.Errorf("got %s (%v), want %s", got, err, c.Invocation)
			}
		})
	}
	if judged != len(cases)-2 {
		t.Errorf("judged %d of %d cases, want all but two", judged, len(cases))
	}
}

func (c answerCase) answer(t *testing.T) Answer {
	t.Helper()
	answer := Answer{Status: *c.Status, Body: []byte(*c.Body)}
	if c.ContentType != nil {
		answer.ContentType = *c.ContentType
	}
	if c.Name == "gzip-encoded" {
		answer.Body = zipped(t, "{}")
	}
	return answer
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := writer.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, ErrNoResult):
		return "hang-until-functionTimeout"
	default:
		return "failure"
	}
}

func TestJudgeReadsOutputsAndLogs(t *testing.T) {
	t.Parallel()
	text := `{"outputs":{"res":{"statusCode":202}},"LOGS":[1,"a",null,true],"ReturnValue":5,"other":[]}`
	got, err := Judge(Answer{200, "application/json", []byte(text)}, "res")
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Outputs:     map[string]json.RawMessage{"res": json.RawMessage(`{"statusCode":202}`)},
		Logs:        []string{"1", "a", "", "true"},
		ReturnValue: json.RawMessage("5"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestHTTPOutputIsOnlyCheckedWhereTheFunctionHasOne(t *testing.T) {
	t.Parallel()
	answer := Answer{200, "application/json", []byte(`{"Outputs":{"res":"plain"}}`)}
	if _, err := Judge(answer, ""); err != nil {
		t.Errorf("without an http output: %v", err)
	}
}

func TestResponse(t *testing.T) {
	t.Parallel()
	none, jsonType := map[string]string{}, map[string]string{"Content-Type": "application/json"}
	cases := map[string]struct {
		answer string
		want   HTTPResponse
	}{
		"no outputs":  {`{}`, HTTPResponse{Status: 200}},
		"res missing": {`{"Outputs":{}}`, HTTPResponse{200, jsonType, []byte("{}")}},
		"text body":   {`{"Outputs":{"res":{"StatusCode":"201","body":"done"}}}`, HTTPResponse{201, none, []byte("done")}},
		"object body": {`{"Outputs":{"res":{"body":{"a":[1]}}}}`,
			HTTPResponse{200, none, []byte("{\n  \"a\": [\n    1\n  ]\n}")}},
		"null body":      {`{"Outputs":{"res":{"statusCode":204,"body":null}}}`, HTTPResponse{204, map[string]string{}, nil}},
		"status ignored": {`{"Outputs":{"res":{"status":404}}}`, HTTPResponse{200, map[string]string{}, nil}},
		"headers": {`{"Outputs":{"res":{"headers":{"X-A":"1","X-B":["1","2"],"X-C":7}}}}`,
			HTTPResponse{200, map[string]string{"X-A": "1", "X-B": `["1","2"]`, "X-C": "7"}, nil}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := Judge(Answer{200, "application/json", []byte(c.answer)}, "res")
			if err != nil {
				t.Fatal(err)
			}
			got, err := result.Response("res")
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestResponseRefuses(t *testing.T) {
	t.Parallel()
	for _, output := range []string{`{"headers":{"X-A":null}}`, `{"statusCode":"soon"}`, `{"headers":[]}`} {
		result := Result{Outputs: map[string]json.RawMessage{"res": json.RawMessage(output)}}
		if got, err := result.Response("res"); err == nil {
			t.Errorf("%s: got %+v, want an error", output, got)
		}
	}
}
