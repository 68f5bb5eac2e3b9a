package scenario

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// zone is the part of Azure's name space that a name of a PostgreSQL server stands in.
type zone string

// The zones.
const (
	// notAzure is any name outside of it.
	notAzure zone = ""
	// plain is <server>.postgres.database.azure.com: every Single Server, and the name of every flexible server.
	plain zone = "plain"
	// privateLink is <server>.privatelink.…, the name behind a private endpoint.
	privateLink zone = "private_link"
	// region is <server>.rs-<15 characters>.…, where a flexible server with public access ends.
	region zone = "region"
	// privateZone is <server>.<name>.…, the zone of VNet-integrated servers.
	privateZone zone = "private_zone"
)

// azureSuffixes are the name spaces of the public cloud, of the one for US Government and of the one in China.
func azureSuffixes() []string {
	return []string{".postgres.database.azure.com", ".postgres.database.usgovcloudapi.net",
		".postgres.database.chinacloudapi.cn"}
}

func zoneOf(host string) zone {
	host = normal(host)
	for _, suffix := range azureSuffixes() {
		rest, is := strings.CutSuffix(host, suffix)
		if !is {
			continue
		}
		dot := strings.LastIndexByte(rest, '.')
		switch last := rest[dot+1:]; {
		case dot < 0:
			return plain
		case last == "privatelink":
			return privateLink
		case strings.HasPrefix(last, "rs-"):
			return region
		}
		return privateZone
	}
	return notAzure
}

func normal(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// HostForm names the form of a host name, where it says who runs the server: "azure", "azure_private_link",
// "azure_private_zone", "rds", "aurora", "cloud_sql", "alloydb", "address", or "" for any other name.
func HostForm(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return "address"
	}
	switch zoneOf(host) {
	case privateLink:
		return "azure_private_link"
	case privateZone:
		return "azure_private_zone"
	case plain, region:
		return "azure"
	}
	return operatorOf(normal(host)).form
}

// operator is who runs a server, as far as its name tells.
type operator struct {
	form string
	// kinds are those that the name fits; the first is the one to infer.
	kinds []request.Kind
	// access is what the name alone settles.
	access request.Access
}

func operatorOf(host string) operator {
	labels := strings.Split(host, ".")
	amazon := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
	switch {
	// In China the region follows the service: db.c0ffee.rds.cn-north-1.amazonaws.com.cn.
	case amazon && slices.Contains(labels, "rds"):
		return amazonOperator(host)
	// A rented machine of Amazon's. Heroku Postgres hands out such names; a server of one's own can have one too.
	case amazon && strings.HasPrefix(host, "ec2-") && strings.Contains(host, ".compute"):
		return operator{kinds: []request.Kind{request.Heroku, request.OnPremises, request.EDB}}
	case strings.HasSuffix(host, ".sql-psa.goog"):
		return operator{form: "cloud_sql", kinds: []request.Kind{request.GoogleCloudSQL}, access: request.Private}
	case strings.HasSuffix(host, ".sql.goog"):
		return operator{form: "cloud_sql", kinds: []request.Kind{request.GoogleCloudSQL}}
	case strings.HasSuffix(host, ".alloydb-psa.goog"), strings.HasSuffix(host, ".alloydb-psc.goog"):
		return operator{form: "alloydb", kinds: []request.Kind{request.GoogleAlloyDB}, access: request.Private}
	case strings.HasSuffix(host, ".alloydb.goog"):
		return operator{form: "alloydb", kinds: []request.Kind{request.GoogleAlloyDB}}
	case strings.HasSuffix(host, ".biganimal.io"):
		return operator{kinds: []request.Kind{request.EDB}}
	case strings.HasSuffix(host, ".cloudapp.azure.com"), strings.HasSuffix(host, ".cloudapp.usgovcloudapi.net"),
		strings.HasSuffix(host, ".cloudapp.chinacloudapi.cn"):
		return operator{kinds: []request.Kind{request.AzureVM, request.EDB}}
	case strings.HasSuffix(host, ".internal.cloudapp.net"):
		return operator{kinds: []request.Kind{request.AzureVM, request.EDB}, access: request.Private}
	}
	return operator{}
}

// amazonOperator tells a cluster endpoint from the rest. An instance endpoint of Aurora looks like one of RDS, the
// endpoints of a Multi-AZ DB cluster of RDS look like Aurora's, and RDS Proxy stands before either, so those names fit
// both. Only Aurora has custom endpoints, global databases and shard groups.
func amazonOperator(host string) operator {
	has := func(part string) bool { return strings.Contains(host, part) }
	switch {
	case has(".cluster-custom-"), has(".global-"), has(".shardgrp-"):
		return operator{form: "aurora", kinds: []request.Kind{request.AmazonAurora}}
	case has(".cluster-"):
		return operator{form: "aurora", kinds: []request.Kind{request.AmazonAurora, request.AmazonRDS, request.Heroku}}
	}
	kinds := []request.Kind{request.AmazonRDS, request.AmazonAurora, request.Heroku}
	if strings.Contains(host, ".proxy-") {
		return operator{form: "aurora", kinds: kinds}
	}
	return operator{form: "rds", kinds: kinds}
}

// kindsOf lists the kinds of source that a host name fits, the one to infer first; none where the name does not tell.
// A flexible server is no documented source, hence "other".
func kindsOf(host string) []request.Kind {
	switch zoneOf(host) {
	case region, privateZone:
		return []request.Kind{request.Other}
	case plain, privateLink:
		return []request.Kind{request.AzureSingleServer}
	}
	return operatorOf(normal(host)).kinds
}

// KindOf infers the kind of a source from its host name; empty where the name does not tell. A plain name under
// postgres.database.azure.com is taken for Single Server until a CNAME shows a flexible server.
func KindOf(host string) request.Kind {
	if fits := kindsOf(host); len(fits) > 0 {
		return fits[0]
	}
	return ""
}
