package prerequisites

import "github.com/pgpreflight/pgpreflight/shared/finding"

func replicationRole(s subject) []verdict {
	r := s.Server.Roles
	if r == nil || r.Superuser || r.Replication {
		return nil
	}
	if member, _ := s.member("rds_replication"); member {
		return nil
	}
	return one(finding.Args{"role": string(r.Name)})
}

func databaseOwner(s subject) []verdict {
	var found []verdict
	for _, d := range s.chosen() {
		if !d.Owns {
			found = append(found, verdict{args: finding.Args{"database": string(d.Name), "ownedBy": string(d.Owner)}})
		}
	}
	return found
}

// publicationRights: CREATE on the database and the rights of every table's owner, or superuser.
func publicationRights(s subject) []verdict {
	if s.Server.Roles == nil || s.Server.Roles.Superuser {
		return nil
	}
	var found []verdict
	for _, d := range s.Databases {
		args := finding.Args{"database": d.Name}
		for _, row := range s.Server.Catalog {
			if string(row.Name) == d.Name && !row.CanCreate {
				args["noCreate"] = true
			}
		}
		if tables := d.count(NotOwned); tables != nil {
			args["count"], args["first"] = tables.Count, plain(tables.First)
			if owners := d.count(OwnedBy); owners != nil {
				args["owners"] = plain(owners.First)
			}
		}
		if len(args) > 1 {
			found = append(found, verdict{args: args})
		}
	}
	return found
}

// azurePGAdmin says nothing of a server without that role: it is no flexible server, and its rules are others.
func azurePGAdmin(s subject) []verdict {
	if member, exists := s.member("azure_pg_admin"); member || !exists {
		return nil
	}
	return one(finding.Args{"role": string(s.Server.Roles.Name)})
}

func createRole(s subject) []verdict {
	r := s.Server.Roles
	if r == nil || r.Superuser || r.CreateRole {
		return nil
	}
	return one(finding.Args{"role": string(r.Name)})
}

// signalBackend matters only where a database is to be replaced, since its sessions must be ended first.
func signalBackend(s subject) []verdict {
	if member, exists := s.member("pg_signal_backend"); member || !exists {
		return nil
	}
	return milder(one(finding.Args{"role": string(s.Server.Roles.Name)}), len(s.chosen()) == 0)
}

// databaseExists: the service replaces the database unless it was told not to.
func databaseExists(s subject) []verdict { return s.existing(true) }

func databaseDrop(s subject) []verdict { return s.existing(false) }

func (s subject) existing(owned bool) []verdict {
	var found []verdict
	for _, d := range s.chosen() {
		if d.Owns == owned {
			found = append(found, verdict{args: finding.Args{"database": string(d.Name), "ownedBy": string(d.Owner)}})
		}
	}
	return found
}
