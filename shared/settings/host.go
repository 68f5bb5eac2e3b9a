package settings

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const portSetting = "FUNCTIONS_CUSTOMHANDLER_PORT"

// Host is what the Functions host and the platform set; nobody configures it.
type Host struct {
	// FunctionApp is the app's name; empty outside of Azure.
	FunctionApp string
	Region      string
	// PlatformAuth tells that App Service Authentication stands before the app: only then its headers of a signed-in
	// principal are its own, and not written by the caller.
	PlatformAuth bool
	// PrivateAddress is the instance's address in the virtual network; invalid where it is not joined to one.
	PrivateAddress netip.Addr
	// port is 0 where the host did not start this process.
	port int
}

// InAzure tells whether the platform runs this process.
func (h Host) InAzure() bool { return h.FunctionApp != "" }

// Listen is the address that the host calls. It is an error where the host gave no port: any other port would leave the
// host waiting.
func (h Host) Listen() (string, error) {
	if h.port == 0 {
		return "", errors.New("setting " + portSetting +
			": is not set; the Functions host sets it when it starts the handler")
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(h.port)), nil
}

func (r *reader) host() Host {
	h := Host{
		FunctionApp: r.get("WEBSITE_SITE_NAME"),
		Region:      r.get("REGION_NAME"),
		// The platform writes True, whatever the language of the app.
		PlatformAuth: strings.EqualFold(r.get("WEBSITE_AUTH_ENABLED"), "true"),
		port:         r.number(portSetting, limits{preset: 0, least: 1, most: 65535}),
	}
	// The platform's own value: one that cannot be read is no reason not to start.
	if addr, err := netip.ParseAddr(r.get("WEBSITE_PRIVATE_IP")); err == nil {
		h.PrivateAddress = addr
	}
	return h
}
