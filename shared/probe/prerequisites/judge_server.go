package prerequisites

import (
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

const oldestVersion = 90500

func versionTooOld(s subject) []verdict {
	if v := s.version(); v == 0 || v >= oldestVersion {
		return nil
	}
	return one(finding.Args{"version": dotted(s.version()), "oldest": dotted(oldestVersion)})
}

func readOnly(s subject) []verdict {
	if s.Server.Version != nil && s.Server.Version.InRecovery {
		return one(finding.Args{"standby": true})
	}
	if value, _ := s.setting("default_transaction_read_only"); value == "on" {
		return one(finding.Args{"setting": "default_transaction_read_only", "value": value, "setTo": "off"})
	}
	return nil
}

// longIdleTimeout is the default of Amazon RDS, a day: only the copy of a very large database is idle for longer.
const longIdleTimeout = 86_400_000

func idleTimeout(s subject) []verdict {
	ms, known := s.number("idle_in_transaction_session_timeout")
	if !known || ms == 0 {
		return nil
	}
	return milder(one(finding.Args{"setting": "idle_in_transaction_session_timeout", "elapsedMs": ms, "setTo": "0"}),
		ms >= longIdleTimeout)
}

func walLevel(s subject) []verdict {
	value, known := s.setting("wal_level")
	if !known || value == "logical" {
		return nil
	}
	return one(finding.Args{"setting": "wal_level", "value": value})
}

func sourceSlots(s subject) []verdict {
	limit, known := s.number("max_replication_slots")
	if !known || s.Server.Slots == nil {
		return nil
	}
	found := s.shortOf(limit, s.Server.Slots.Used, "max_replication_slots")
	if len(found) > 0 {
		found[0].args["inactive"] = plain(s.Server.Slots.Inactive)
	}
	return found
}

// targetSlots counts replication origins: each database's changes are applied under one, and they take their places
// from max_replication_slots up to PostgreSQL 17.
func targetSlots(s subject) []verdict {
	setting := "max_replication_slots"
	if s.version() >= 180000 {
		setting = "max_active_replication_origins"
	}
	limit, known := s.number(Text(setting))
	if !known || s.Server.Origins == nil {
		return nil
	}
	return s.shortOf(limit, s.Server.Origins.Count, setting)
}

func (s subject) shortOf(limit, used int, setting string) []verdict {
	if limit-used >= s.e.needed() {
		return nil
	}
	return one(finding.Args{"setting": setting, "value": limit, "used": used, "free": max(limit-used, 0),
		"needed": s.e.needed(), "setTo": used + s.e.needed()})
}

func walSenders(s subject) []verdict {
	senders, known := s.number("max_wal_senders")
	slots, both := s.number("max_replication_slots")
	if !known || !both || s.Server.Slots == nil {
		return nil
	}
	used := s.Server.Slots.Senders
	if senders >= slots && senders-used >= s.e.needed() {
		return nil
	}
	return one(finding.Args{"setting": "max_wal_senders", "value": senders, "slots": slots, "used": used,
		"needed": s.e.needed(), "setTo": max(slots, used+s.e.needed())})
}

// tempTablespaces: the prerequisites of every source kind want this setting off before an online migration.
func tempTablespaces(s subject) []verdict {
	const name = "azure.enable_temp_tablespaces_on_local_ssd"
	value, _ := s.azureSetting(name)
	switch strings.ToLower(value) {
	case "on", "true", "yes", "1":
		return one(finding.Args{"setting": name, "value": value, "setTo": "off"})
	}
	return nil
}

// A walsender that hears nothing for this long is ended. The documents recommend 0; a minute is PostgreSQL's default
// and has to be said, but only less than that is worth a warning.
const (
	shortSenderTimeout  = 60_000
	enoughSenderTimeout = 300_000
)

func walSenderTimeout(s subject) []verdict {
	ms, known := s.number("wal_sender_timeout")
	if !known || ms == 0 || ms >= enoughSenderTimeout {
		return nil
	}
	args := finding.Args{"setting": "wal_sender_timeout", "elapsedMs": ms, "setTo": "0"}
	return milder(one(args), ms >= shortSenderTimeout)
}

// decoderMissing looks for test_decoding, which only a source before PostgreSQL 10 needs. A slot that uses it is proof,
// and the clouds deliver it.
func decoderMissing(s subject) []verdict {
	if s.Server.Decoder == nil || s.Server.Slots == nil || s.version() == 0 {
		return nil
	}
	if slices.Contains(s.Server.Slots.Plugins, "test_decoding") || s.platform() != "selfHosted" {
		return nil
	}
	switch there := s.Server.Decoder.TestDecoding; {
	case there == nil:
		return cannotTell("whether test_decoding is installed shows only to a superuser of PostgreSQL 9.6, " +
			"or by making a slot")
	case *there:
		return nil
	}
	return one(finding.Args{"name": "test_decoding", "version": dotted(s.version())})
}

func longTransaction(s subject) []verdict {
	t := s.Server.Transactions
	switch {
	case t == nil:
		return nil
	case t.Oldest != nil && t.Oldest.AgeSeconds >= s.e.patience():
		return one(finding.Args{"ageSeconds": t.Oldest.AgeSeconds, "pid": t.Oldest.PID, "role": string(t.Oldest.User),
			"database": string(t.Oldest.Database), "application": string(t.Oldest.Application), "count": t.Open})
	case t.Hidden > 0:
		return cannotTell("the transactions of other roles are hidden without pg_read_all_stats")
	}
	return nil
}

// preparedTransaction: one that was prepared just now belongs to a coordinator at work; an old one was forgotten, and a
// slot's creation waits for it for ever.
func preparedTransaction(s subject) []verdict {
	p := s.Server.Prepared
	if p == nil || p.Count == 0 {
		return nil
	}
	args := finding.Args{"count": p.Count, "ageSeconds": p.OldestAgeSeconds, "first": plain(p.First)}
	return milder(one(args), p.OldestAgeSeconds < s.e.patience())
}
