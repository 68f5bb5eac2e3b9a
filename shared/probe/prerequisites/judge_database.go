package prerequisites

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// each judges every database whose facts were read; judge returns nil for nothing to say.
func (s subject) each(judge func(Database) finding.Args) []verdict {
	var found []verdict
	for _, d := range s.Databases {
		if args := judge(d); args != nil {
			args["database"] = d.Name
			found = append(found, verdict{args: args})
		}
	}
	return found
}

func some(c *Counted) finding.Args {
	if c == nil || c.Count == 0 {
		return nil
	}
	return finding.Args{"count": c.Count, "first": plain(c.First)}
}

func tableWithoutKey(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.count(Keyless)) })
}

func unloggedTable(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.count(Unlogged)) })
}

func userCollation(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.UserCollations) })
}

func userCast(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.Casts) })
}

func baseType(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.BaseTypes) })
}

// notCarried is one finding for each database. Large objects come over with the copy, and are only lost to changes after
// it; a tablespace becomes the default one, and a superuser an ordinary role.
func notCarried(s subject) []verdict {
	found := s.each(func(d Database) finding.Args {
		args := finding.Args{}
		for _, c := range d.NotCarried {
			switch {
			case c.Kind == LargeObjects && s.e.Mode == request.Online:
				args["largeObjects"] = c.Count
			case c.Kind == TextSearch && c.Count > 0, ofServer(c.Kind) && c.Count > 0 && d.Name == s.Databases[0].Name:
				args[string(c.Kind)] = plain(c.First)
			}
		}
		if len(args) == 0 {
			return nil
		}
		return args
	})
	for i := range found {
		found[i].advisory = found[i].args["largeObjects"] == nil && found[i].args["textSearch"] == nil
	}
	return found
}

// ofServer tells what is the same in every database, and said of the first one only.
func ofServer(kind Text) bool { return kind == Superusers || kind == Tablespaces }

func catalogGrant(s subject) []verdict {
	return s.each(func(d Database) finding.Args { return some(d.Grants) })
}

// lockTable is how many locks the server's shared table is made for.
func (s subject) lockTable() (int, bool) {
	each, known := s.number("max_locks_per_transaction")
	connections, both := s.number("max_connections")
	return each * connections, known && both
}

func lockTableSize(s subject) []verdict { return s.tooManyRelations(s.Databases) }

func (s subject) tooManyRelations(databases []Database) []verdict {
	locks, known := s.lockTable()
	if !known {
		return nil
	}
	var found []verdict
	for _, d := range databases {
		relations := d.count(Relations)
		if relations == nil || locks > relations.Count {
			continue
		}
		connections, _ := s.number("max_connections")
		found = append(found, verdict{args: finding.Args{"database": d.Name, "count": relations.Count, "locks": locks,
			"setting": "max_locks_per_transaction", "setTo": relations.Count/max(connections, 1) + 1}})
	}
	return found
}

func extensionSchema(s subject) []verdict {
	return s.each(func(d Database) finding.Args {
		var names []string
		for _, x := range d.Extensions {
			if x.Schema == "pg_catalog" && !slices.Contains(catalogExtensions(), string(x.Name)) {
				names = append(names, string(x.Name))
			}
		}
		if names == nil {
			return nil
		}
		return finding.Args{"names": names, "name": names[0]}
	})
}

func languageUnsupported(s subject) []verdict {
	return s.each(func(d Database) finding.Args {
		names := unsupportedLanguages(d)
		if names == nil {
			return nil
		}
		return finding.Args{"names": names, "name": names[0]}
	})
}

func unsupportedLanguages(d Database) []string {
	var names []string
	for _, name := range d.Languages {
		if !slices.Contains(azureLanguages(), string(name)) {
			names = append(names, string(name))
		}
	}
	return names
}
