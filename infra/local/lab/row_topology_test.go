package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgpreflight/pgpreflight/infra/local/dnsserver"
	"github.com/pgpreflight/pgpreflight/infra/local/pki"
	"github.com/pgpreflight/pgpreflight/infra/local/postgres"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// topology is one way to place source and target that a row of the scenario table speaks of.
type topology struct {
	row          int
	name         string
	kind         request.Kind
	access       request.Access
	targetAccess request.Access
	sameNetwork  bool
	// host is the source's name or address; behind is the server there.
	host   string
	behind rowServer
	// custom is the source's and the target's custom FQDN/IP field.
	customSource, customTarget string
	// mode and depth are offline and login where they are empty.
	mode  request.Mode
	depth request.Depth
	// unprovable are steps that nothing in a lab of namespaces can undo or no probe can show, with the reason.
	unprovable map[string]string
	undone     []undoing
}

func (t topology) unsupported() bool {
	return t.targetAccess == request.Public && t.access != request.Public
}

// undoing is one step that a person has not done.
type undoing struct {
	step, how string
	arrange   func(*bench)
	request   func(*request.Check)
	code      finding.Code
	// among are the other steps that look the same from here; none means that the code names the step alone.
	among []string
}

// rowServer is the kind of real server at the source's end: each has its port and whoever signs for its names.
type rowServer struct {
	port         int
	organization string
	names        []string
}

// The names and addresses of the topologies.
const (
	auroraHost    = "orders.cluster-abc123.eu-west-1.rds.amazonaws.com"
	rdsMachine    = "ec2-20-77-3-5.eu-west-1.compute.amazonaws.com"
	machineHost   = "orders-vm.abcdefgh.bx.internal.cloudapp.net"
	singleLink    = "orders.privatelink.postgres.database.azure.com"
	singleGateway = "cr3.westeurope1-a.control.database.windows.net"
	flexibleLink  = "pg-new.privatelink.postgres.database.azure.com"
	flexibleHome  = "pg-new.rs-abcdefghijklmno.postgres.database.azure.com"
	runtimeHost   = "pg-runtime.postgres.database.azure.com"
	// runtimeAddress is the runtime server's, which stands beside the target.
	runtimeAddress = "10.77.4.6"
	singleUser     = "migrator@orders"
	rowTargetPort  = 5436
)

func premises() rowServer {
	return rowServer{port: 5436, organization: "Contoso Ltd", names: []string{sourceName}}
}
func machine() rowServer {
	return rowServer{port: 5437, organization: "Contoso Ltd", names: []string{machineHost}}
}
func single() rowServer {
	return rowServer{port: 5438, organization: microsoft, names: []string{singleHost}}
}
func cloud() rowServer {
	return rowServer{port: 5439, organization: amazon, names: []string{rdsHost, auroraHost}}
}
func cloudSQL() rowServer {
	return rowServer{port: 5440, organization: google, names: []string{publicSource, sourceAddress}}
}

// rowDatabase is a server and the root that signed its certificate.
type rowDatabase struct {
	*database
	root string
}

// build makes the topology of a healed bench and gives its request.
func (b *bench) build(top topology) request.Check {
	for name, script := range top.records() {
		b.resolver.Set(name, script)
	}
	atSource, atTarget := b.rowSource(top.behind), b.rowTarget()
	b.order.Roots[rootsSetting] += atSource.root + atTarget.root
	if top.targetAccess == request.Public {
		// A server with public access is seen by its public address, and no private one is within its reach.
		b.router.filter("forward", "ip saddr "+publicTarget+" ip daddr 10.77.3.0/24 drop")
		b.target.change("route change default via 10.77.4.1 src "+publicTarget, "route change default via 10.77.4.1")
	}
	b.target.change("addr add "+runtimeAddress+"/24 dev eth0", "addr del "+runtimeAddress+"/24 dev eth0")
	return top.check()
}

func (b *bench) rowSource(s rowServer) *rowDatabase {
	return once(b, fmt.Sprint("row source ", s.port), func() (*rowDatabase, error) {
		user := "migrator"
		if s.organization == microsoft {
			user = singleUser
		}
		rights := "login createrole createdb replication password '" + labPassword + "'"
		return b.startRow(b.source, s, postgres.Options{
			Settings: map[string]string{"wal_level": "logical", "max_replication_slots": "10", "max_wal_senders": "12",
				"wal_sender_timeout": "0"},
			Init: []string{`create role "` + user + `" ` + rights, `create database orders owner "` + user + `"`}})
	})
}

// rowTarget is the target and the runtime server. The migrator is a superuser there, so that dblink shows the way to
// the source up to its question for a password. It asks the lab's DNS server, not the machine's.
func (b *bench) rowTarget() *rowDatabase {
	return once(b, "row target", func() (*rowDatabase, error) {
		dir, err := os.MkdirTemp("", "lab-row")
		if err != nil {
			return nil, err
		}
		resolv := filepath.Join(dir, "resolv.conf")
		if err := os.WriteFile(resolv, []byte("nameserver "+resolverAddress+"\n"), 0o644); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		return b.startRow(b.target, rowServer{port: rowTargetPort, organization: microsoft,
			names: []string{targetName, flexibleHost, runtimeHost}}, postgres.Options{
			Prefix: append(b.target.Prefix(), "unshare", "--mount", "sh", "-c",
				`mount --bind "$0" /etc/resolv.conf && exec "$@"`, resolv),
			Init: []string{"create role migrator superuser login password '" + labPassword + "'"}})
	})
}

func (b *bench) startRow(h *host, s rowServer, o postgres.Options) (*rowDatabase, error) {
	authority, err := pki.NewAuthorityOf(s.organization, s.organization+" row root")
	if err != nil {
		return nil, err
	}
	certificate, err := authority.Issue(pki.Options{CommonName: s.names[0], Names: s.names})
	if err != nil {
		return nil, err
	}
	o.TLS, o.Port, o.Address = &certificate, s.port, "*"
	if o.Prefix == nil {
		o.Prefix = h.Prefix()
	}
	server, err := startServer(o)
	if err != nil {
		return nil, err
	}
	return &rowDatabase{database: &database{Server: server}, root: string(authority.PEM())}, nil
}

// records are what DNS says where everything is done.
func (t topology) records() map[string]dnsserver.Script {
	at := sourceAddress
	if t.access == request.Public {
		at = publicSource
	}
	all := map[string]dnsserver.Script{sourceName: addresses(at), machineHost: addresses(at), auroraHost: addresses(at),
		rdsMachine: addresses(at), rdsHost: {Alias: rdsMachine}, runtimeHost: addresses(runtimeAddress),
		singleLink: addresses(sourceAddress), singleGateway: addresses(publicSource), singleHost: {Alias: singleLink},
		flexibleLink: addresses(targetAddress), flexibleHome: addresses(publicTarget), flexibleHost: {Alias: flexibleLink}}
	if t.access == request.Public {
		all[singleHost] = dnsserver.Script{Alias: singleGateway}
	}
	if t.targetAccess == request.Public {
		all[flexibleHost] = dnsserver.Script{Alias: flexibleHome}
	}
	return all
}

// check asks the server that migrates too: only it can show what concerns its own subnet.
func (t topology) check() request.Check {
	end := func(host string, port int, database string) request.Endpoint {
		return request.Endpoint{Host: host, Port: port, Databases: []string{database}, User: "migrator",
			Credential: request.Credential{Setting: passwordSetting},
			TLS:        request.TLS{Mode: request.TLSVerifyFull, RootsSetting: rootsSetting}}
	}
	c := request.Check{Version: 1, ID: "row", Mode: request.Offline, Depth: request.DepthLogin, TimeoutSeconds: 20,
		ServerVantage: true, Scenario: request.Scenario{Source: request.SourcePlace{Kind: t.kind, Access: t.access},
			Target: request.TargetPlace{Access: t.targetAccess}, SameVirtualNetwork: t.sameNetwork},
		Source: end(t.host, t.behind.port, "orders"), Target: end(flexibleHost, rowTargetPort, "postgres")}
	change(&c.Mode, t.mode)
	change(&c.Depth, t.depth)
	c.Source.Address, c.Target.Address = t.customSource, t.customTarget
	switch t.targetAccess {
	case request.VNetIntegrated:
		c.Target.Host = targetName
	case request.PrivateEndpoint:
		runtime := end(runtimeHost, rowTargetPort, "postgres")
		c.RuntimeServer = &runtime
	}
	if t.kind == request.AzureSingleServer {
		c.Source.User = singleUser
	}
	if t.behind.organization == google {
		c.Source.TLS.Mode = request.TLSVerifyCA // by address, as the console shows it
	}
	return c
}
