package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// ownCheck makes a request and the settings for it from two connection URLs. A password in a URL is refused: the command
// line is seen by every user of the machine.
func ownCheck(source, target string, getenv func(string) string) (request.Check, map[string]string, error) {
	c := request.Check{Version: 1, ID: "own-" + strconv.Itoa(os.Getpid()), Mode: request.Offline, Depth: request.DepthPrerequisites,
		TimeoutSeconds: 30, RequestedBy: "make run"}
	from, fromSettings, err := ownEndpoint("SOURCE", source, getenv)
	if err != nil {
		return c, nil, err
	}
	to, toSettings, err := ownEndpoint("TARGET", target, getenv)
	if err != nil {
		return c, nil, err
	}
	c.Source, c.Target = from, to
	if from.Credential == (request.Credential{}) || to.Credential == (request.Credential{}) {
		c.Depth = request.DepthTLS
	}
	settings := merge(fromSettings, toSettings)
	settings["ALLOWED_TARGETS"] = allowed(from.Host) + "," + allowed(to.Host)
	settings["ALLOWED_PORTS"] = fmt.Sprintf("%d,%d", from.Port, to.Port)
	// What RunCheck would refuse is said before anything is started.
	_, err = request.Decode(c.JSON(), "")
	return c, settings, err
}

func ownEndpoint(name, text string, getenv func(string) string) (request.Endpoint, map[string]string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return request.Endpoint{}, nil, fmt.Errorf("%s is not postgres://user@host:port/database", name)
	}
	if _, set := u.User.Password(); set {
		return request.Endpoint{}, nil, fmt.Errorf("%s carries a password: put it into the variable %s_PASSWORD", name, name)
	}
	e := request.Endpoint{Host: ownHost(u.Hostname()), Port: 5432, User: u.User.Username(), Databases: []string{"postgres"},
		TLS: request.TLS{Mode: request.TLSRequire}}
	if port := u.Port(); port != "" {
		if e.Port, err = strconv.Atoi(port); err != nil {
			return e, nil, fmt.Errorf("%s: port %q is no number", name, port)
		}
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		e.Databases = []string{database}
	}
	settings, err := ownTLS(name, u.Query(), &e)
	if err != nil {
		return e, nil, err
	}
	if password := getenv(name + "_PASSWORD"); password != "" && e.User != "" {
		settings[name+"_PASSWORD"] = password
		e.Credential = request.Credential{Setting: name + "_PASSWORD"}
	}
	return e, settings, nil
}

// ownTLS takes libpq's parameters sslmode and sslrootcert.
func ownTLS(name string, query url.Values, e *request.Endpoint) (map[string]string, error) {
	settings := map[string]string{}
	switch mode := query.Get("sslmode"); mode {
	case "":
	case "allow", "prefer":
		return nil, fmt.Errorf("%s: sslmode %s tries twice and hides the first answer; choose disable, require, verify-ca or "+
			"verify-full", name, mode)
	default:
		e.TLS.Mode = request.TLSMode(mode)
	}
	file := query.Get("sslrootcert")
	if file == "" || file == "system" {
		return settings, nil
	}
	roots, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.New(name + ": sslrootcert: " + err.Error())
	}
	settings[name+"_ROOTS"] = string(roots)
	e.TLS.RootsSetting = name + "_ROOTS"
	return settings, nil
}

// ownHost turns localhost into its address: it is a name of the hosts file, and DNS is what is asked.
func ownHost(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	return host
}

// allowed names one host and nothing else.
func allowed(host string) string {
	if address, err := netip.ParseAddr(host); err == nil {
		return netip.PrefixFrom(address, address.BitLen()).String()
	}
	return host
}
