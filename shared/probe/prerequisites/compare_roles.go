package prerequisites

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// passwordEncryption: the service copies roles from Single Server only, whose passwords are kept as md5; "on" is the
// word for it before PostgreSQL 10. Other sources' roles are made anew, with passwords of the target's kind.
func passwordEncryption(p pair) []verdict {
	const name = "password_encryption"
	if p.source.e.Kind != request.AzureSingleServer {
		return nil
	}
	value, known := p.target.setting(name)
	kept, seen := p.source.setting(name)
	if !known || value == "md5" || !seen || kept != "md5" && kept != "on" {
		return nil
	}
	return one(finding.Args{"setting": name, "value": value, "setTo": "md5"})
}

// maxRoleNames is how many names of a target's roles are read.
const maxRoleNames = 2000

// roleMissing: ordinary roles are the service's to create, those of Entra have to be there. With other clouds an @
// stands for a principal of their own directory.
func roleMissing(p pair) []verdict {
	there := p.target.Server.RoleNames
	if there == nil || !slices.Contains([]string{"azure", managed, "selfHosted"}, p.source.platform()) {
		return nil
	}
	missing := slices.DeleteFunc(slices.Clone(p.source.Server.EntraRoles), func(name Text) bool {
		return slices.Contains(there, name)
	})
	switch {
	case len(missing) == 0:
		return nil
	case len(there) >= maxRoleNames:
		return cannotTell("the target has more roles than are read")
	}
	return one(finding.Args{"count": len(missing), "first": plain(missing[:min(len(missing), 10)]),
		"name": string(missing[0])})
}
