package page

import (
	"reflect"
	"testing"
)

// Whatever is kept together, what is copied is the command.
func TestPieces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		command commandText
		want    []piece
	}{
		{"", nil},
		{"SELECT 1;", []piece{{"SELECT 1;", false}}},
		{"az x -g rg", []piece{{"az x ", false}, {"-g", true}, {" rg", false}}},
		{"a --b-c", []piece{{"a ", false}, {"--b-c", true}}},
		{"-a  -b ", []piece{{"-a", true}, {"  ", false}, {"-b", true}, {" ", false}}},
		{"a \\\n  --b c", []piece{{"a \\\n  ", false}, {"--b", true}, {" c", false}}},
		{"a-much-too-long-name-for-a-telephone.example", []piece{{"a-much-too-long-name-for-a-telephone.example", false}}},
	}
	for _, test := range tests {
		got := test.command.Pieces()
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %+v, want %+v", test.command, got, test.want)
		}
		whole := ""
		for _, p := range got {
			whole += p.Text
		}
		if whole != string(test.command) {
			t.Errorf("%q became %q", test.command, whole)
		}
	}
}
