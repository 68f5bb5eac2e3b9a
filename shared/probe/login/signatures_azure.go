package login

import "github.com/pgpreflight/pgpreflight/shared/finding"

// azureSignatures are texts of Azure's gateways. They come as FATAL 28000 after TCP, and often TLS, succeeded.
func azureSignatures() []signature {
	return []signature{
		{id: "HBA-06", code: finding.AzurePublicAccessDisabled, pattern: `public network access on this server is disabled`},
		{id: "HBA-07", code: finding.AzureServiceEndpointIPv6, pattern: `isn.?t configured to allow ipv6`},
		{id: "HBA-08", code: finding.AuthUserFormat,
			pattern: `invalid username specified|username@hostname|server name you tried cannot be found`},
		{id: "TLS-20", code: finding.HBATLSRequired, pattern: `SSL connection is required`,
			args: finding.Args{"encrypted": false}},
		{id: "HBA-02", code: finding.HBAAddressNotAllowed,
			pattern: `client from azure virtual networks is not allowed to access the server`,
			args:    finding.Args{"virtualNetworkRule": true, "gateway": true}},
		{id: "HBA-02", code: finding.HBAAddressNotAllowed, capture: "seenAs",
			pattern: `client with ip address '?([0-9a-f.:]+)'? is not allowed`, args: finding.Args{"gateway": true}},
	}
}

// entraSignatures are texts about access tokens. Azure AD is the older name of Entra ID.
func entraSignatures() []signature {
	return []signature{
		{id: "ENT-01", code: finding.EntraTokenAudience, pattern: `valid audience claim`},
		{id: "ENT-06", code: finding.EntraTokenExpired, pattern: `AAD_AUTH_EXPIRED|18456/108|token (is|has) expired`},
		{id: "ENT-06", code: finding.EntraTokenInvalid, pattern: `18456/112`, args: finding.Args{"signature": true}},
		{id: "ENT-04", code: finding.EntraGroup, pattern: `does not contain group id`},
		{id: "ENT-03", code: finding.EntraPrincipalMismatch, pattern: `AAD_AUTH_TOKENTYPE_\w+`},
		{id: "ENT-05", code: finding.EntraPrincipalMismatch,
			pattern: `could not validate .{0,40}user .{0,200} not found in the tenant`},
		{id: "ENT-04", code: finding.EntraPrincipalMismatch, pattern: `access token not valid for role`},
		{id: "ENT-02", code: finding.EntraTokenInvalid, pattern: `while validating the access token`},
		{id: "ENT-07", code: finding.EntraPooler, sqlstate: "08P01", pattern: `client sent partial pkt in startup phase`,
			when: func(c Circumstances) bool { return c.Entra || c.Host == "" }},
		{id: "ENT-07", code: finding.EntraPooler, sqlstate: "08P01", pattern: `authentication failed|auth failed`,
			when: func(c Circumstances) bool { return c.Entra }},
		{id: "ENT-07", code: finding.EntraPooler, sqlstate: "28P01",
			when: func(c Circumstances) bool { return c.Entra && c.Port == pgBouncerPort }},
		{id: "AUTH-01", code: finding.AuthFailed, sqlstate: "28P01", when: func(c Circumstances) bool { return c.Entra },
			args: finding.Args{"token": true}, oneOf: []string{"token_rejected", "role_missing", "role_not_entra"}},
	}
}

// otherClouds are texts of Amazon's proxy and of the logins by IAM, which ask for a password and mean a token.
func otherClouds() []signature {
	return []signature{
		{id: "SRV-11", code: finding.HBATLSRequired, pattern: `RDS Proxy requires TLS`,
			args: finding.Args{"encrypted": false, "pooler": true}},
		{id: "SRV-11", code: finding.ServerPooler, pattern: `\bRDS proxy\b`, args: finding.Args{"pooler": true}},
		{id: "AUTH-11", code: finding.AuthFailed, sqlstate: "28000", capture: "method", oneOf: tokenCauses(),
			pattern: `(Cloud SQL IAM [a-z ]{4,20}) authentication failed for user`},
	}
}

// tokenCauses are what a refused login by a cloud's own accounts may come from.
func tokenCauses() []string { return []string{"token_expected", "account_not_permitted"} }

// pgBouncerPort is where Azure's flexible server has its own PgBouncer.
const pgBouncerPort = 6432
