package management

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	pg "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v5"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

const (
	// newestMigrations are kept of a target's, and of each item of their validation so many messages of that length.
	newestMigrations = 5
	mostMessages     = 8
	longestMessage   = 400
)

func getServer(ctx context.Context, c *clients, at *arm.ResourceID) (azure.Server, error) {
	client, err := pg.NewServersClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return azure.Server{}, err
	}
	answer, err := client.Get(ctx, at.ResourceGroupName, at.Name, nil)
	if err != nil {
		return azure.Server{}, err
	}
	p := of(answer.Properties)
	network := of(p.Network)
	return azure.Server{
		ID: at.String(), FQDN: of(p.FullyQualifiedDomainName), State: string(of(p.State)), Version: string(of(p.Version)),
		Location: of(answer.Location), PublicNetworkAccess: string(of(network.PublicNetworkAccess)),
		DelegatedSubnetID: of(network.DelegatedSubnetResourceID), PrivateZoneID: of(network.PrivateDNSZoneArmResourceID),
		StorageGiB: int(of(of(p.Storage).StorageSizeGB)),
	}, nil
}

func listFirewallRules(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.FirewallRule, error) {
	client, err := pg.NewFirewallRulesClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.FirewallRule
	err = pages(ctx, client.NewListByServerPager(at.ResourceGroupName, at.Name, nil),
		func(page pg.FirewallRulesClientListByServerResponse) {
			for _, rule := range all(page.Value) {
				p := of(rule.Properties)
				out = append(out, azure.FirewallRule{Name: of(rule.Name), Start: of(p.StartIPAddress), End: of(p.EndIPAddress)})
			}
		})
	return out, err
}

// ofInterest are the parameters that decide a migration's network or its replication. The others, hundreds of them, are
// left out of the report.
func ofInterest(name string) bool {
	return slices.Contains([]string{"azure.extensions", "shared_preload_libraries", "wal_level", "max_replication_slots",
		"max_wal_senders", "max_worker_processes", "require_secure_transport", "ssl_min_protocol_version",
		"pgbouncer.enabled", "azure.enable_temp_tablespaces_on_local_ssd"}, name)
}

func listParameters(ctx context.Context, c *clients, at *arm.ResourceID) (map[string]string, error) {
	client, err := pg.NewConfigurationsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	err = pages(ctx, client.NewListByServerPager(at.ResourceGroupName, at.Name, nil),
		func(page pg.ConfigurationsClientListByServerResponse) {
			for _, parameter := range all(page.Value) {
				if name := of(parameter.Name); ofInterest(name) {
					out[name] = of(of(parameter.Properties).Value)
				}
			}
		})
	return out, err
}

func listConnections(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.EndpointConnection, error) {
	client, err := pg.NewPrivateEndpointConnectionsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []azure.EndpointConnection
	err = pages(ctx, client.NewListByServerPager(at.ResourceGroupName, at.Name, nil),
		func(page pg.PrivateEndpointConnectionsClientListByServerResponse) {
			for _, connection := range all(page.Value) {
				p := of(connection.Properties)
				state := of(p.PrivateLinkServiceConnectionState)
				out = append(out, azure.EndpointConnection{ID: of(connection.ID), EndpointID: of(of(p.PrivateEndpoint).ID),
					Status: string(of(state.Status)), Description: line(of(state.Description))})
			}
		})
	return out, err
}

// listMigrations gives the newest of a target's migrations. What was validated is in the list itself.
func listMigrations(ctx context.Context, c *clients, at *arm.ResourceID) ([]azure.Migration, error) {
	client, err := pg.NewMigrationsClient(at.SubscriptionID, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	every := pg.MigrationListFilterAll
	var out []azure.Migration
	err = pages(ctx, client.NewListByTargetServerPager(at.ResourceGroupName, at.Name,
		&pg.MigrationsClientListByTargetServerOptions{MigrationListFilter: &every}),
		func(page pg.MigrationsClientListByTargetServerResponse) {
			for _, m := range all(page.Value) {
				out = append(out, migration(m))
			}
		})
	slices.SortStableFunc(out, func(a, b azure.Migration) int { return strings.Compare(b.ValidatedAt, a.ValidatedAt) })
	return out[:min(len(out), newestMigrations)], err
}

func migration(m pg.Migration) azure.Migration {
	p := of(m.Properties)
	status := of(p.CurrentStatus)
	details := of(status.CurrentSubStateDetails)
	validated := of(details.ValidationDetails)
	out := azure.Migration{Name: of(m.Name), State: string(of(status.State)), Substate: string(of(details.CurrentSubState)),
		Mode: string(of(p.MigrationMode)), Option: string(of(p.MigrationOption)),
		RuntimeID: of(p.MigrationInstanceResourceID), SourceID: of(p.SourceDbServerResourceID),
		Status: string(of(validated.Status)), ValidatedAt: moment(validated)}
	out.Validations = validations("", validated.ServerLevelValidationDetails)
	for _, database := range all(validated.DbLevelValidationDetails) {
		out.Validations = append(out.Validations, validations(of(database.DatabaseName), database.Summary)...)
	}
	return out
}

func moment(v pg.ValidationDetails) string {
	at := v.ValidationEndTimeInUTC
	if at == nil {
		at = v.ValidationStartTimeInUTC
	}
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func validations(database string, items []*pg.ValidationSummaryItem) []azure.Validation {
	var out []azure.Validation
	for _, item := range all(items) {
		v := azure.Validation{Database: database, Type: of(item.Type), State: string(of(item.State))}
		for _, message := range all(item.Messages) {
			if text := line(of(message.Message)); text != "" && len(v.Messages) < mostMessages {
				v.Messages = append(v.Messages, text)
			}
		}
		out = append(out, v)
	}
	return out
}

// line makes one line of bounded length of a text that people or services wrote.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return text
}
