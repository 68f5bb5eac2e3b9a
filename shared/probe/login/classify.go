package login

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Tri is yes, no, or (zero value) not known.
type Tri int8

// The answers.
const (
	Unknown Tri = iota
	Yes
	No
)

// Circumstances are what is known of the attempt that met an error; the zero value, for a pasted text, knows nothing.
type Circumstances struct {
	// TLS tells whether our side of the connection was encrypted, TLSOffered whether the server offers TLS at all.
	TLS        Tri
	TLSOffered Tri
	Host       string
	Port       int
	Kind       request.Kind
	User       string
	Database   string
	// Replication is the startup parameter of that name.
	Replication string
	// Entra says that the password was an access token.
	Entra bool
}

// Classify names the cause of an error at login: by SQLSTATE, routine, message and circumstances together, since one
// SQLSTATE has many causes. Every field of e may be empty but one; what nothing explains is a SERVER_ERROR.
func Classify(e ServerError, c Circumstances) (finding.Code, finding.Args) {
	code, args := classify(e, c)
	if e.SQLState != "" {
		args["sqlstate"] = e.SQLState
	}
	if e.Routine != "" {
		args["routine"] = e.Routine
	}
	args["message"] = e.Message
	for name, value := range map[string]string{"detail": e.Detail, "hint": e.Hint} {
		if value != "" {
			args[name] = value
		}
	}
	return code, args
}

func classify(e ServerError, c Circumstances) (finding.Code, finding.Args) {
	if code, args, ok := hba(e, c); ok {
		return code, args
	}
	code, args := bySignature(e, c)
	if unexplained(code) {
		if code, args, ok := userFormat(e, c); ok {
			return code, args
		}
	}
	return code, args
}

func bySignature(e ServerError, c Circumstances) (finding.Code, finding.Args) {
	bare := quoted.ReplaceAllString(e.Message, `""`)
	for _, s := range signatures() {
		if !s.fits(e, bare, c) {
			continue
		}
		args := s.fill(e, c)
		if s.code == finding.AuthUserFormat && c.User != "" {
			args["expected"] = c.gatewayUser()
		}
		return s.code, args
	}
	return finding.ServerError, finding.Args{}
}

// unexplained are the refusals that a wrong form of the user name can be behind; any other says itself what it is about.
func unexplained(code finding.Code) bool {
	switch code {
	case finding.AuthFailed, finding.AuthRoleMissing, finding.AuthRoleCannotLogin, finding.ServerError:
		return true
	}
	return false
}

// flexible tells whether a host is an Azure flexible server, whose logins take the plain user name.
func (c Circumstances) flexible() bool {
	return c.Kind != request.AzureSingleServer && azureHost(c.Host)
}

// gatewayUser is the user name in the form that Single Server's gateway wants. An @ may have been given as %40.
func (c Circumstances) gatewayUser() string {
	user, _, _ := strings.Cut(strings.ReplaceAll(c.User, "%40", "@"), "@")
	server, _, named := strings.Cut(c.Host, ".")
	if !named {
		server = "SERVER"
	}
	return user + "@" + server
}

func azureHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, cloud := range []string{"azure.com", "usgovcloudapi.net", "chinacloudapi.cn"} {
		if strings.HasSuffix(host, ".postgres.database."+cloud) {
			return true
		}
	}
	return false
}

// userFormat finds Single Server's user@server given to a flexible server. A user name with another @ may be a person's
// Entra name and says nothing.
func userFormat(e ServerError, c Circumstances) (finding.Code, finding.Args, bool) {
	refused := e.SQLState == "28P01" || e.SQLState == "28000"
	user, server, found := strings.Cut(c.User, "@")
	name, _, _ := strings.Cut(c.Host, ".")
	if !refused || !found || c.Entra || !c.flexible() || !strings.EqualFold(server, name) {
		return "", nil, false
	}
	return finding.AuthUserFormat, finding.Args{"id": "HBA-09", "user": c.User, "expected": user}, true
}
