package tls

import "strings"

// cloud says who signs the certificates of a cloud's database names.
type cloud struct {
	suffix string
	// organizations are the beginnings of the issuer's organisation, public authorities and the cloud's own private one.
	organizations []string
}

// clouds as documented: Azure "TLS root certificates" (Microsoft and DigiCert), Amazon RDS certificate bundles and ACM,
// Cloud SQL server authorities.
func clouds() []cloud {
	azure := []string{"Microsoft", "DigiCert"}
	return []cloud{
		{".postgres.database.azure.com", azure},
		{".postgres.database.chinacloudapi.cn", azure},
		{".postgres.database.usgovcloudapi.net", azure},
		{".rds.amazonaws.com", []string{"Amazon"}},
		{".rds.amazonaws.com.cn", []string{"Amazon"}},
		{".sql.goog", []string{"Google"}},
		{".alloydb.goog", []string{"Google"}},
		{".alloydb-psa.goog", []string{"Google"}},
	}
}

// foreignIssuer says that a name belongs to a cloud which never lets these organisations sign it.
func foreignIssuer(name string, organizations []string) bool {
	name = strings.ToLower(name)
	for _, c := range clouds() {
		if !strings.HasSuffix(name, c.suffix) {
			continue
		}
		return !signedBy(organizations, c.organizations)
	}
	return false
}

func signedBy(organizations, expected []string) bool {
	for _, organization := range organizations {
		for _, want := range expected {
			if strings.HasPrefix(strings.ToLower(organization), strings.ToLower(want)) {
				return true
			}
		}
	}
	return false
}
