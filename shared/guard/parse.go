package guard

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// What is allowed where a setting is empty: RFC 1918, RFC 4193 and the two clouds' database names. The shared space
// 100.64.0.0/10 (RFC 6598) is left out on purpose: providers and clouds run services of their own in it, so whoever
// has databases there names the range.
const (
	DefaultTargets = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7," +
		"*.postgres.database.azure.com,*.rds.amazonaws.com"
	DefaultPorts = "5432,6432"
)

// Parse reads ALLOWED_TARGETS (CIDRs, addresses, host names, *.suffixes; comma-separated) and ALLOWED_PORTS (ports and
// ranges, 5432-5440). Empty means the default. An error names the setting and the entry.
func Parse(targets, ports string) (Policy, error) {
	var policy Policy
	entries, err := split("ALLOWED_TARGETS", targets, DefaultTargets)
	if err != nil {
		return Policy{}, err
	}
	for _, entry := range entries {
		if err := policy.addTarget(entry); err != nil {
			return Policy{}, fmt.Errorf("setting ALLOWED_TARGETS: entry %q %w", entry, err)
		}
	}
	entries, err = split("ALLOWED_PORTS", ports, DefaultPorts)
	if err != nil {
		return Policy{}, err
	}
	for _, entry := range entries {
		allowed, err := parsePorts(entry)
		if err != nil {
			return Policy{}, fmt.Errorf("setting ALLOWED_PORTS: entry %q %w", entry, err)
		}
		policy.ports = append(policy.ports, allowed)
	}
	return policy, nil
}

func split(setting, value, preset string) ([]string, error) {
	if strings.TrimSpace(value) == "" {
		value = preset
	}
	var entries []string
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("setting %s: only commas, no entry", setting)
	}
	return entries, nil
}

// addTarget is called by Parse only, on a policy that nobody else has yet.
func (p *Policy) addTarget(entry string) error {
	if strings.Contains(entry, "/") {
		return p.addPrefix(entry)
	}
	if addr, err := netip.ParseAddr(entry); err == nil {
		if addr.Zone() != "" {
			return fmt.Errorf("has a zone, write the address alone")
		}
		addr = addr.Unmap()
		p.prefixes = append(p.prefixes, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	return p.addName(strings.ToLower(entry))
}

func (p *Policy) addPrefix(entry string) error {
	prefix, err := netip.ParsePrefix(entry)
	switch {
	case err != nil:
		return fmt.Errorf("is not a CIDR such as 10.0.0.0/8")
	case prefix.Addr().Is4In6():
		return fmt.Errorf("is an IPv4-mapped range, write it as IPv4")
	case prefix != prefix.Masked():
		// 10.1.2.3/8 may mean 10.1.2.3/32 or 10.0.0.0/8; an allow-list must not guess.
		return fmt.Errorf("has bits set after the prefix, write %s or the address alone", prefix.Masked())
	}
	p.prefixes = append(p.prefixes, prefix)
	return nil
}

func (p *Policy) addName(entry string) error {
	suffix, wild := strings.CutPrefix(entry, "*.")
	name := strings.TrimSuffix(suffix, ".")
	if err := checkName(name); err != nil {
		return err
	}
	if wild {
		p.suffixes = append(p.suffixes, "."+name)
		return nil
	}
	p.hosts = append(p.hosts, name)
	return nil
}

func checkName(name string) error {
	if len(name) > 253 {
		return fmt.Errorf("is longer than a host name can be")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return fmt.Errorf("is not a CIDR, an address, a host name or *.suffix")
		}
	}
	// No top-level domain is a number (RFC 3696), so 10.0.0 and 10.0.0.300 are mistyped addresses.
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil {
		return fmt.Errorf("is not a complete IP address")
	}
	return nil
}

func parsePorts(entry string) (portRange, error) {
	low, high, isRange := strings.Cut(entry, "-")
	if !isRange {
		high = low
	}
	first, err := parsePort(low)
	if err != nil {
		return portRange{}, err
	}
	last, err := parsePort(high)
	if err != nil {
		return portRange{}, err
	}
	if last < first {
		return portRange{}, fmt.Errorf("is a range that ends before it starts")
	}
	return portRange{first: first, last: last}, nil
}

func parsePort(text string) (int, error) {
	port, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("is not a port from 1 to 65535 or a range of them")
	}
	return int(port), nil
}
