package resolve

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
)

// Limits of resolv.conf(5): the C library uses the first three servers (MAXNS). Our own cap on the file is generous.
const (
	systemServers  = 3
	maxConfigBytes = 64 << 10
	dnsPort        = 53
)

// SystemServers reads the nameserver lines of a resolv.conf, at most three. A file that cannot be read or names no
// server is an error.
func SystemServers(path string) ([]netip.AddrPort, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read DNS servers: %w", err)
	}
	defer file.Close()
	var servers []netip.AddrPort
	lines := bufio.NewScanner(io.LimitReader(file, maxConfigBytes))
	for lines.Scan() && len(servers) < systemServers {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if address, err := netip.ParseAddr(fields[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(address, dnsPort))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read DNS servers: %w", err)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("read DNS servers: %s names none", path)
	}
	return servers, nil
}
