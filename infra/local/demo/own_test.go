package main

import (
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

const secret = "hunter2-planted"

// passwords are the environment of somebody who has both.
func passwords(name string) string {
	if name == "SOURCE_PASSWORD" || name == "TARGET_PASSWORD" {
		return secret
	}
	return ""
}

func nothing(string) string { return "" }

func TestOwnCheck(t *testing.T) {
	t.Parallel()
	const source, target = "postgres://migrator@db.corp.example:5433/orders", "postgresql://m%40x@10.0.0.5?sslmode=verify-full"
	c, settings, err := ownCheck(source, target, passwords)
	if err != nil {
		t.Fatal(err)
	}
	if c.Depth != request.DepthPrerequisites || c.Source.Port != 5433 || c.Source.Databases[0] != "orders" ||
		c.Target.User != "m@x" || c.Target.Databases[0] != "postgres" || c.Target.TLS.Mode != request.TLSVerifyFull {
		t.Errorf("%+v", c)
	}
	if strings.Contains(string(c.JSON()), secret) || settings["SOURCE_PASSWORD"] != secret {
		t.Errorf("the password stands in the message, or not in the settings: %s", c.JSON())
	}
	if settings["ALLOWED_TARGETS"] != "db.corp.example,10.0.0.5/32" || settings["ALLOWED_PORTS"] != "5433,5432" {
		t.Errorf("settings %v", settings)
	}
	if c, _, err = ownCheck(source, target, nothing); err != nil || c.Depth != request.DepthTLS {
		t.Errorf("without passwords: %v %s", err, c.Depth)
	}
}

// Nothing is started for what cannot be checked, and no password of a command line is repeated.
func TestOwnCheckRefuses(t *testing.T) {
	t.Parallel()
	const good = "postgres://migrator@db.corp.example/orders"
	for url, want := range map[string]string{
		"db.corp.example":                            "postgres://user@host",
		"mysql://u@h/d":                              "postgres://user@host",
		"postgres://u:" + secret + "@h/d":            "SOURCE_PASSWORD",
		"postgres://u@h/d?sslmode=prefer":            "tries twice",
		"postgres://u@h/d?sslmode=secure":            "source.tls.mode",
		"postgres://u@h/d?sslrootcert=/no/such/file": "sslrootcert",
		"postgres://u@h:0/d":                         "source.port",
	} {
		_, _, err := ownCheck(url, good, passwords)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
