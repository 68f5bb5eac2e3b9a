package prerequisites

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

// Question is one statement. Its answer has one column with a JSON value in each row, of less than 4 KiB and without a
// line break; the statement itself limits how many.
type Question struct {
	ID    string
	Scope Scope
	// Sides are those it is asked on; none means both.
	Sides []Side
	// Mode is the migration mode it is asked for; empty means both.
	Mode request.Mode
	SQL  string
	keep func(rows []string, o *Observation) error
}

// Questions lists what will be asked, in order. The same text works on PostgreSQL 9.5 to 18, because it leaves together
// with the login, when the version is not known yet: a column that only some versions have is taken out of the row as
// JSON, and what only old versions have is skipped by a one-time filter.
func Questions(t Target) []Question {
	all := databaseQuestions()
	if !t.DatabaseOnly {
		all = append(serverQuestions(t), all...)
	}
	return slices.DeleteFunc(all, func(q Question) bool {
		wrongSide := len(q.Sides) > 0 && !slices.Contains(q.Sides, t.Side)
		return wrongSide || q.Mode != "" && q.Mode != t.Mode
	})
}

var simpleName = regexp.MustCompile(`^[A-Za-z0-9_ .-]*$`)

// literals writes names as SQL. Other than simple ones travel as hexadecimal digits: a session may have turned
// standard_conforming_strings off, and then a backslash in a literal is no longer a backslash.
func literals(names []string) string {
	if len(names) == 0 {
		return "null"
	}
	list := make([]string, 0, len(names))
	for _, name := range names[:min(len(names), maxDatabases)] {
		if simpleName.MatchString(name) {
			list = append(list, "'"+name+"'")
			continue
		}
		list = append(list, "convert_from(decode('"+hex.EncodeToString([]byte(name))+"','hex'),'UTF8')")
	}
	return strings.Join(list, ",")
}
