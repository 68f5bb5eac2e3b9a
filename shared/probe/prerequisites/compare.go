package prerequisites

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

func versionTargetOlder(p pair) []verdict {
	source, target := p.source.version(), p.target.version()
	if source == 0 || target == 0 || major(target) >= major(source) {
		return nil
	}
	return one(finding.Args{"version": dotted(target), "sourceVersion": dotted(source)})
}

// major is what counts for "the same version or later": 9.6 and 10 are two.
func major(version int) int {
	if version >= 100000 {
		return version / 10000 * 100
	}
	return version / 100
}

// tableWithOIDs: PostgreSQL 12 has no such tables. A target that was not read is taken for a newer one, since no
// flexible server before 12 can be made any more.
func tableWithOIDs(p pair) []verdict {
	if v := p.target.version(); v > 0 && v < 120000 {
		return nil
	}
	return p.source.each(func(d Database) finding.Args { return some(d.WithOIDs) })
}

func targetLockTable(p pair) []verdict { return p.target.tooManyRelations(p.source.Databases) }

// storage wants a quarter more than the source takes, by the service's best practices.
func storage(p pair) []verdict {
	have, bytes := p.source.e.TargetStorageBytes, int64(0)
	for _, d := range p.source.Databases {
		if d.Size != nil {
			bytes += d.Size.Bytes
		}
	}
	want := bytes + bytes/4
	if have == 0 || have >= want {
		return nil
	}
	return one(finding.Args{"sourceGiB": gib(bytes), "value": gib(have), "needed": gib(want)})
}

func gib(bytes int64) float64 { return float64(bytes*10>>30) / 10 }

// collationMissing looks for the locales of the chosen databases and the collations of their columns among the
// target's.
func collationMissing(p pair) []verdict {
	names := p.target.Server.Collations
	if names == nil || p.target.Server.Version == nil {
		return nil
	}
	there := map[string]bool{"c": true, "posix": true, "": true}
	for _, name := range names {
		there[locale(string(name))] = true
	}
	var found []verdict
	for _, d := range p.source.chosen() {
		for _, name := range slices.Compact([]string{string(d.Collate), string(d.CType)}) {
			if !there[locale(name)] {
				found = append(found, verdict{args: finding.Args{"name": name, "database": string(d.Name)}})
			}
		}
	}
	for _, d := range p.source.Databases {
		for _, used := range d.Collated {
			if icu := used.Provider == "i"; icu && p.target.Server.Version.ICU || !icu && there[locale(string(used.Name))] {
				continue
			}
			found = append(found, verdict{args: finding.Args{"name": string(used.Name), "database": d.Name,
				"column": string(used.Column)}})
		}
	}
	return found
}

// locale brings the spellings of one locale together: en_US.UTF-8 and en_US.utf8 are the same to the C library.
func locale(name string) string {
	base, encoding, dotted := strings.Cut(strings.ToLower(name), ".")
	if !dotted {
		return base
	}
	return base + "." + strings.ReplaceAll(strings.ReplaceAll(encoding, "-", ""), "_", "")
}
