package resolve

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSystemServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"two, with comments and options": {
			"# head\nsearch example.com\nnameserver 168.63.129.16\nnameserver\t10.0.0.4 # second\noptions ndots:5\n",
			[]string{"168.63.129.16:53", "10.0.0.4:53"}},
		"IPv6 and a zone": {"nameserver fd00::53\nnameserver fe80::1%eth0\n", []string{"[fd00::53]:53", "[fe80::1%eth0]:53"}},
		"the C library stops at three": {strings.Repeat("nameserver 10.0.0.1\n", 4),
			[]string{"10.0.0.1:53", "10.0.0.1:53", "10.0.0.1:53"}},
		"broken lines are passed over": {"nameserver\nnameserver example.com\n;nameserver 10.0.0.1\nnameserver 10.0.0.2",
			[]string{"10.0.0.2:53"}},
		"none":          {"search example.com\n", nil},
		"one long line": {strings.Repeat("x", 128<<10), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			servers, err := SystemServers(path)
			var got []string
			for _, server := range servers {
				got = append(got, server.String())
			}
			if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
				t.Errorf("SystemServers = %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestSystemServersWithoutFile(t *testing.T) {
	t.Parallel()
	if _, err := SystemServers(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("no error for a missing file")
	}
}
