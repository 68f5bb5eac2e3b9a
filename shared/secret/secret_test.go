package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const planted = "hunter2-planted"

type exported struct{ Secret String }

type unexported struct{ secret String }

func TestNothingPrintsASecret(t *testing.T) {
	s := New(planted)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", exported{s}, "in2", unexported{s})
	raw, err := json.Marshal(map[string]any{"s": s, "in": exported{s}})
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{log.String(), string(raw)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{s, &s, exported{s}, &exported{s}, unexported{s}, &unexported{s}, []String{s}} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	for _, text := range printed {
		if strings.Contains(text, planted) || strings.Contains(text, fmt.Sprintf("%x", planted)) {
			t.Errorf("printed as %s", text)
		}
	}
	if s.Reveal() != planted || s.Empty() {
		t.Error("the secret is lost")
	}
}

func TestZeroIsEmpty(t *testing.T) {
	var s String
	if !s.Empty() || s.Reveal() != "" || !New("").Empty() {
		t.Error("the zero value is not empty")
	}
}
