package explain

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// pasted is one text of testdata/pasted.txt.
type pasted struct {
	id, from, text string
	codes          []string
	args           map[string]string
}

func corpus(t testing.TB) []pasted {
	t.Helper()
	raw, err := os.ReadFile("testdata/pasted.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\n== ")
	var out []pasted
	for _, section := range strings.Split(rest, "\n== ") {
		head, text, _ := strings.Cut(section, "\n")
		parts := strings.Split(head, "; ")
		if len(parts) != 4 {
			t.Fatalf("header %q", head)
		}
		p := pasted{id: parts[0], from: parts[1], text: text, args: map[string]string{}}
		if parts[2] != "-" {
			p.codes = strings.Fields(parts[2])
		}
		if parts[3] != "-" {
			for _, arg := range strings.Fields(parts[3]) {
				name, value, _ := strings.Cut(arg, "=")
				p.args[name] = strings.ReplaceAll(value, "$", " ")
			}
		}
		out = append(out, p)
	}
	return out
}

func (p pasted) check(t *testing.T, text string) {
	t.Helper()
	r := Explain(text)
	if got := codesOf(r); !slices.Equal(got, p.codes) {
		t.Errorf("%s, %s: got %v, want %v\n%s", p.id, p.from, got, p.codes, text)
		return
	}
	if r.Recognised != (len(p.codes) > 0 || p.id != "-") {
		t.Errorf("%s, %s: recognised %v", p.id, p.from, r.Recognised)
	}
	if len(r.Findings) == 0 {
		return
	}
	args := r.Findings[0].Args
	if id, _ := args["id"].(string); p.id != "-" && id != p.id {
		t.Errorf("%s, %s: id %q", p.id, p.from, id)
	}
	for name, want := range p.args {
		got := fmt.Sprint(args[name])
		if list, ok := args[name].([]string); ok {
			got = strings.Join(list, ",")
		}
		if got != want {
			t.Errorf("%s, %s: args[%q] = %q, want %q\n%s", p.id, p.from, name, got, want, text)
		}
	}
}

func codesOf(r Result) []string {
	var out []string
	for _, f := range r.Findings {
		mark := ""
		if f.Advisory {
			mark = "~"
		}
		out = append(out, mark+string(f.Code))
	}
	return out
}

func TestPastedTexts(t *testing.T) {
	t.Parallel()
	all := corpus(t)
	if len(all) < 250 {
		t.Fatalf("only %d texts", len(all))
	}
	for _, p := range all {
		p.check(t, p.text)
	}
}
