package prerequisites

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// wanted are the extensions of one database that the target must have. Languages are judged by a rule of their own.
func wanted(d Database) []Extension {
	languages := unsupportedLanguages(d)
	return slices.DeleteFunc(slices.Clone(d.Extensions), func(x Extension) bool {
		return x.Name == "plpgsql" || slices.Contains(languages, string(x.Name))
	})
}

func extensionUnsupported(p pair) []verdict {
	var found []verdict
	for _, d := range p.source.Databases {
		for _, x := range wanted(d) {
			if reason, args := p.unsupported(x); reason != "" {
				args["reason"], args["name"], args["version"] = reason, string(x.Name), string(x.Version)
				args["database"] = d.Name
				_, unsure := args["unsure"]
				found = append(found, verdict{args: args, advisory: unsure})
			}
		}
	}
	return found
}

// unsupported says why the service cannot bring an extension over, in the words of a reason code. Source of the limits:
// "Extension migration using the Migration service" (concepts-migration-extensions, 03/28/2025).
func (p pair) unsupported(x Extension) (string, finding.Args) {
	offered, there := p.target.Server.Available[x.Name]
	switch {
	case p.target.Server.Available == nil && !slices.Contains(azureExtensions(), string(x.Name)):
		return "not_documented", finding.Args{"listed": extensionsDocumented}
	case p.target.Server.Available != nil && !there:
		return "not_available", finding.Args{}
	case x.Name == "timescaledb" && p.source.e.Mode == request.Online:
		return "offline_only", finding.Args{"offlineOnly": true}
	case x.Name == "pg_partman" && strings.HasPrefix(string(x.Version), "4.") && strings.HasPrefix(string(offered), "5."):
		return "breaking_version", finding.Args{"targetVersion": string(offered)}
	case x.Name == "postgres_fdw" && p.source.version() >= 160000:
		return "source_version", finding.Args{"sourceVersion": dotted(p.source.version())}
	case x.Name == "postgres_fdw" && p.source.e.Kind == "":
		return "source_kind", finding.Args{"unsure": true}
	case x.Name == "postgres_fdw" && p.source.e.Kind != request.AzureSingleServer:
		return "source_kind", finding.Args{}
	}
	return "", nil
}

// judged are the extensions that the target could have at all: for others allowing or loading is no help.
func (p pair) judged() []string {
	var names []string
	for _, d := range p.source.Databases {
		for _, x := range wanted(d) {
			if reason, args := p.unsupported(x); reason == "" || args["unsure"] != nil {
				names = append(names, string(x.Name))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func extensionNotAllowed(p pair) []verdict {
	list, known := p.target.azureSetting("azure.extensions")
	names := p.judged()
	if len(names) == 0 {
		return nil
	}
	if !known {
		if _, azure := p.target.member("azure_pg_admin"); azure {
			return cannotTell("azure.extensions is not shown to this role")
		}
		return nil
	}
	allowed := items(list)
	missing := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(allowed, strings.ToLower(name)) })
	if len(missing) == 0 {
		return nil
	}
	return one(finding.Args{"names": missing, "setting": "azure.extensions", "value": list,
		"setTo": joined(list, missing)})
}

func extensionNotPreloaded(p pair) []verdict {
	var missing, optional []string
	list, known := p.target.setting("shared_preload_libraries")
	loaded := items(list)
	for _, name := range p.judged() {
		lib, wants := preloads()[name]
		switch {
		case !wants || slices.Contains(loaded, lib.name):
		case !known:
			return cannotTell(fmt.Sprintf("%s wants %s in shared_preload_libraries, which only members of "+
				"pg_read_all_settings may see", name, lib.name))
		case lib.optional:
			optional = append(optional, lib.name)
		default:
			missing = append(missing, lib.name)
		}
	}
	all := slices.Concat(missing, optional)
	if len(all) == 0 {
		return nil
	}
	args := finding.Args{"names": all, "setting": "shared_preload_libraries", "value": list, "setTo": joined(list, all)}
	return milder(one(args), len(missing) == 0)
}

// azureSetting looks in the settings that everybody has, and then among those that only Azure has.
func (s subject) azureSetting(name Text) (string, bool) {
	if value, ok := s.setting(name); ok {
		return value, true
	}
	if value := s.Server.Azure[name]; value != nil {
		return string(*value), true
	}
	return "", false
}

// items reads a list as PostgreSQL and Azure write it: any case, blanks, quotes and library paths.
func items(list string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		item = strings.ToLower(strings.Trim(strings.TrimSpace(item), `"'`))
		if item = strings.TrimPrefix(item, "$libdir/"); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// joined is the list with what is missing: a parameter is set as a whole.
func joined(list string, more []string) string {
	return strings.Join(append(items(list), more...), ",")
}
