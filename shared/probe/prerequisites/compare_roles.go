package prerequisites

import (
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
