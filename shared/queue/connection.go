package queue

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// checkConnection refuses UseDevelopmentEmulator off loopback: the flag turns TLS off, and the client obeys it for any
// host, so that tokens and messages would cross the network in the clear.
func checkConnection(connection secret.String) error {
	pairs := connectionPairs(connection)
	flag, given := pairs["usedevelopmentemulator"]
	if !given {
		return nil
	}
	on, err := strconv.ParseBool(flag)
	if err != nil {
		return errors.New("the connection string's UseDevelopmentEmulator is neither true nor false")
	}
	if on && !loopback(pairs["endpoint"]) {
		return errors.New("the connection string has UseDevelopmentEmulator=true, which turns TLS off, with an Endpoint " +
			"that is not on loopback")
	}
	return nil
}

// connectionPairs reads a connection string as the client does: names in any case, the last of equal names counts. Names
// are in lower case.
func connectionPairs(connection secret.String) map[string]string {
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(connection.Reveal(), ";") {
		if name, value, found := strings.Cut(pair, "="); found {
			pairs[strings.ToLower(name)] = value
		}
	}
	return pairs
}

func loopback(endpoint string) bool {
	address, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := address.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
