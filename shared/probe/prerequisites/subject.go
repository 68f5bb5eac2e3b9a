package prerequisites

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// subject is one server before its judge.
type subject struct {
	Observation
	e Expect
}

// pair is both servers before their judge.
type pair struct{ source, target subject }

func (s subject) version() int {
	if s.Server.Version == nil {
		return 0
	}
	return s.Server.Version.Num
}

// setting gives a setting's value; ok is false where the server does not have it or does not show it to us.
func (s subject) setting(name Text) (string, bool) {
	value, ok := s.Server.Settings[name]
	return string(value), ok
}

func (s subject) number(name Text) (int, bool) {
	value, ok := s.setting(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	return n, err == nil
}

// managed is a server that somebody else runs with tools that no remedy names: Heroku's, and a flexible server, which is
// no documented source. The commands for Azure at a source are Single Server's, which ended with PostgreSQL 11.
const (
	managed           = "managed"
	afterSingleServer = 120000
)

// platform names who runs the server, so that words can name the right command. What was declared or inferred wins over
// the roles that only a provider makes.
func (s subject) platform() string {
	if s.Side == SideTarget {
		return "azure"
	}
	switch s.e.Kind {
	case request.AmazonRDS:
		return "rds"
	case request.AmazonAurora:
		return "aurora"
	case request.GoogleCloudSQL:
		return "cloudSQL"
	case request.GoogleAlloyDB:
		return "alloyDB"
	case request.AzureSingleServer:
		return "azure"
	case request.Heroku:
		return managed
	}
	for _, mark := range []struct{ role, platform string }{{"rds_superuser", "rds"}, {"alloydbsuperuser", "alloyDB"},
		{"cloudsqlsuperuser", "cloudSQL"}, {"azure_pg_admin", "azure"}} {
		_, there := s.member(mark.role)
		switch {
		case there && mark.platform == "azure" && s.version() >= afterSingleServer:
			return managed
		case there:
			return mark.platform
		}
	}
	return "selfHosted"
}

// member tells whether the logged-in role is a member of another, and whether that one exists.
func (s subject) member(role string) (is, exists bool) {
	if s.Server.Roles == nil {
		return false, false
	}
	is, exists = s.Server.Roles.Member[Text(role)]
	return is, exists
}

// dotted writes server_version_num as people do: 15, 9.6.
func dotted(version int) string {
	if version >= 100000 {
		return strconv.Itoa(version / 10000)
	}
	return fmt.Sprintf("%d.%d", version/10000, version/100%100)
}

// chosen gives the rows of the chosen databases, in the request's order.
func (s subject) chosen() []CatalogRow {
	var rows []CatalogRow
	for _, name := range s.e.Databases {
		if i := at(s.Server.Catalog, name); i >= 0 {
			rows = append(rows, s.Server.Catalog[i])
		}
	}
	return rows
}

// Has tells whether a database is among the rows.
func Has(catalog []CatalogRow, name string) bool { return at(catalog, name) >= 0 }

func at(catalog []CatalogRow, name string) int {
	return slices.IndexFunc(catalog, func(r CatalogRow) bool { return r.Name == Text(clean(maxText, name)) })
}
