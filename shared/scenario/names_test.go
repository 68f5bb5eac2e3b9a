package scenario

import (
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

func TestHostNames(t *testing.T) {
	t.Parallel()
	const none = request.Access("")
	for _, c := range []struct {
		host             string
		form             string
		kind             request.Kind
		atSource, target request.Access
	}{
		{"db1.c0ffee123456.eu-west-1.rds.amazonaws.com", "rds", request.AmazonRDS, none, none},
		{"DB1.C0FFEE123456.EU-WEST-1.RDS.AMAZONAWS.COM.", "rds", request.AmazonRDS, none, none},
		{"db1.c0ffee123456.rds.cn-north-1.amazonaws.com.cn", "rds", request.AmazonRDS, none, none},
		{"db1.c0ffee123456.us-gov-west-1.rds.amazonaws.com", "rds", request.AmazonRDS, none, none},
		{"pool.proxy-c0ffee123456.eu-west-1.rds.amazonaws.com", "aurora", request.AmazonRDS, none, none},
		{"orders.cluster-c0ffee123456.eu-west-1.rds.amazonaws.com", "aurora", request.AmazonAurora, none, none},
		{"orders.cluster-ro-c0ffee123456.eu-west-1.rds.amazonaws.com", "aurora", request.AmazonAurora, none, none},
		{"mine.cluster-custom-c0ffee123456.rds.cn-north-1.amazonaws.com.cn", "aurora", request.AmazonAurora, none, none},
		{"orders.global-c0ffee123456.global.rds.amazonaws.com", "aurora", request.AmazonAurora, none, none},
		{"orders.shardgrp-c0ffee123456.eu-west-1.rds.amazonaws.com", "aurora", request.AmazonAurora, none, none},
		{"1a23b4.9f8e7d.us-central1.sql.goog", "cloud_sql", request.GoogleCloudSQL, none, none},
		{"1a23b4.9f8e7d.us-central1.sql-psa.goog.", "cloud_sql", request.GoogleCloudSQL, request.Private, none},
		{"1a23b4.9f8e7d.us-central1.alloydb.goog", "alloydb", request.GoogleAlloyDB, none, none},
		{"1a23b4.9f8e7d.us-central1.alloydb-psa.goog", "alloydb", request.GoogleAlloyDB, request.Private, none},
		{"1a23b4.9f8e7d.us-central1.alloydb-psc.goog.", "alloydb", request.GoogleAlloyDB, request.Private, none},
		{"ec2-54-1-2-3.compute-1.amazonaws.com", "", request.Heroku, none, none},
		{"ec2-54-1-2-3.eu-west-1.compute.amazonaws.com", "", request.Heroku, none, none},
		{"p-nqxst6p48l.zijplqw3xxpr7nxv.biganimal.io", "", request.EDB, none, none},
		{"pg1.westeurope.cloudapp.azure.com", "", request.AzureVM, none, none},
		{"pg1.usgovvirginia.cloudapp.usgovcloudapi.net", "", request.AzureVM, none, none},
		{"pg1.chinaeast2.cloudapp.chinacloudapi.cn", "", request.AzureVM, none, none},
		{"pg1.abcdef.ax.internal.cloudapp.net", "", request.AzureVM, request.Private, none},
		{"orders.postgres.database.azure.com", "azure", request.AzureSingleServer, none, none},
		{"orders.postgres.database.usgovcloudapi.net", "azure", request.AzureSingleServer, none, none},
		{"orders.postgres.database.chinacloudapi.cn", "azure", request.AzureSingleServer, none, none},
		{"orders.privatelink.postgres.database.azure.com", "azure_private_link", request.AzureSingleServer,
			request.PrivateEndpoint, request.PrivateEndpoint},
		{"orders.privatelink.postgres.database.chinacloudapi.cn", "azure_private_link", request.AzureSingleServer,
			request.PrivateEndpoint, request.PrivateEndpoint},
		{"orders.rs-abcdefghijklmno.postgres.database.azure.com", "azure", request.Other, request.Public, request.Public},
		{"orders.private.postgres.database.azure.com", "azure_private_zone", request.Other, request.Private,
			request.VNetIntegrated},
		{"orders.corp.postgres.database.azure.com", "azure_private_zone", request.Other, request.Private,
			request.VNetIntegrated},
		{"0a1b2c3d.orders.private.postgres.database.usgovcloudapi.net", "azure_private_zone", request.Other,
			request.Private, request.VNetIntegrated},
		{"10.1.2.3", "address", "", request.Private, none},
		{"100.64.1.2", "address", "", request.Private, none},
		{"20.50.1.2", "address", "", request.Public, request.Public},
		{"fd00::7", "address", "", request.Private, none},
		{"127.0.0.1", "address", "", none, none},
		{"169.254.1.1", "address", "", none, none},
		{"203.0.113.9", "address", "", none, none},
		{"db.corp.example", "", "", none, none},
		{"postgres.database.azure.com", "", "", none, none},
		{"notpostgres.database.azure.com", "", "", none, none},
		{"rds.amazonaws.com.evil.example", "", "", none, none},
		{"", "", "", none, none},
	} {
		if got := HostForm(c.host); got != c.form {
			t.Errorf("%s: form %q, want %q", c.host, got, c.form)
		}
		if got := KindOf(c.host); got != c.kind {
			t.Errorf("%s: kind %q, want %q", c.host, got, c.kind)
		}
		if got := accessByName(source, request.Endpoint{Host: c.host}, ""); got != c.atSource {
			t.Errorf("%s: access of a source %q, want %q", c.host, got, c.atSource)
		}
		if got := accessByName(target, request.Endpoint{Host: c.host}, ""); got != c.target {
			t.Errorf("%s: access of a target %q, want %q", c.host, got, c.target)
		}
	}
}

func TestDeclaredBeatsInferred(t *testing.T) {
	t.Parallel()
	c := declared(request.EDB, request.Private, request.VNetIntegrated)
	c.Source.Host, c.Target.Host = "db1.c0ffee.eu-west-1.rds.amazonaws.com", "new.privatelink.postgres.database.azure.com"
	p := Place(c)
	if p.SourceKind != request.EDB || p.TargetAccess != request.VNetIntegrated || len(p.Inferred) != 0 {
		t.Errorf("%+v", p)
	}
	c.Scenario = request.Scenario{}
	p = Place(c)
	if p.Inferred["source.kind"] != "amazon_rds" || p.Inferred["target.access"] != "private_endpoint" ||
		len(p.Declared) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestCustomAddressIsWhatCounts(t *testing.T) {
	t.Parallel()
	c := request.Check{Source: request.Endpoint{Host: "db.corp.example", Address: "10.1.2.3"},
		Target: request.Endpoint{Host: "new.postgres.database.azure.com", Address: "20.50.1.2"}}
	if p := Place(c); p.Row != 12 || p.Support != No {
		t.Errorf("%+v", p)
	}
}

func TestSingleServerByPrivateAddress(t *testing.T) {
	t.Parallel()
	c := declared(request.AzureSingleServer, "", request.VNetIntegrated)
	c.Source.Host = "10.1.2.3"
	if p := Place(c); p.SourceAccess != request.PrivateEndpoint || p.Row != 9 {
		t.Errorf("%+v", p)
	}
}
