package explain

import (
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
)

// fields are the names under which clients print the fields of a server's error, in lower case.
var fields = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"detail": "detail", "détail": "detail", "detalle": "detail", "dettagli": "detail", "подробности": "detail",
		"詳細": "detail",
		"描述": "detail", "详细信息": "detail", "상세정보": "detail", "detalhe": "detail", "szczegóły": "detail",
		"detalj": "detail",
		"деталі": "detail",
		"hint":   "hint", "tipp": "hint", "astuce": "hint", "sugerencia": "hint", "suggerimento": "hint",
		"подсказка": "hint",
		"ヒント":       "hint", "提示": "hint", "힌트": "hint", "dica": "hint", "підказка": "hint", "tips": "hint",
		"location": "location", "routine": "routine", "sqlstate": "sqlstate", "sql state": "sqlstate", "code": "sqlstate",
		"codes":         "sqlstate",
		"sqlstate_code": "sqlstate", "state_code": "sqlstate", "pgcode": "sqlstate", "severity": "severity",
		"invariantseverity": "severity",
		"error_severity":    "severity",
	}
})

func isField(name string) bool { _, ok := fields()[name]; return ok }

// aField is a field on a line of its own, in the manners of psql, Npgsql, node-postgres and JSON.
var aField = lazyregexp.New(`^[\s{"'*-]*([\p{L}_]+(?: [Ss]tate)?)["']?\s?[::=]\s*(.*)$`)

func fieldOf(line string) (name, value string, ok bool) {
	found := aField.FindStringSubmatch(line)
	if found == nil {
		return "", "", false
	}
	name, ok = fields()[strings.ToLower(found[1])]
	value = strings.TrimRight(found[2], ", ")
	if value != "" && strings.ContainsAny(value[:1], `"'`) {
		value = strings.TrimRight(value[1:], `"',;}`)
	}
	if !ok || (name == "sqlstate" && !isState(value)) || (name == "severity" && severityOf(value) == "") {
		return "", "", false
	}
	return name, value, true
}

func set(e *login.ServerError, name, value string) {
	switch name {
	case "detail":
		e.Detail = value
	case "hint":
		e.Hint = value
	case "location":
		// psql: "auth_failed, auth.c:326".
		if routine, _, ok := strings.Cut(value, ","); ok && !strings.Contains(routine, " ") {
			e.Routine = routine
		}
	case "routine":
		e.Routine = value
	case "sqlstate":
		e.SQLState = value
	case "severity":
		e.Severity = severityOf(value)
	}
}

var (
	// inner are the fields that stand behind a message on its own line.
	inner = lazyregexp.New(`\s\(?(DETAIL|Detail|HINT|Hint|LOCATION|CONTEXT|Where|QUERY|STATEMENT|Position|` +
		`SQLSTATE|SQLState|SQL state)[ ]?[:=]\s`)
	// trailing is the SQLSTATE behind a message: pgx, lib/pq, JDBC tools, Ruby.
	trailing = lazyregexp.New(`\s*[(\[]?(?:SQLSTATE|SQLState|sqlstate|SQL state)?[ :=]*\b([0-9A-Z]{5})[)\]]`)
	// leading is the SQLSTATE before a message: DBeaver, PDO, the migration service.
	leading = lazyregexp.New(`(?i)(?:sqlstate|sql state|sql error|exception|error code)["'=:\s\[(]*([0-9A-Z]{5})\b`)
	// ending is what a client writes behind a message.
	ending = lazyregexp.New(`(?:["'})\]]*[,;]?\s*(?:"?,\s*"[\w.-]+"\s*:.*)?|\s+at \S+\(.*|\s+\(Connection\w+.*|` +
		`\s+---.*|,Source=.*)$`)
)

// takeFields fills e from a message and the fields behind it.
func takeFields(e *login.ServerError, text string) {
	cuts := inner.FindAllStringSubmatchIndex(text, 8)
	for i, at := range cuts {
		end := len(text)
		if i+1 < len(cuts) {
			end = cuts[i+1][0]
		}
		if name, ok := fields()[strings.ToLower(group(text, at, 1))]; ok {
			value := strings.TrimSpace(text[at[1]:end])
			if name != "sqlstate" {
				set(e, name, value)
			} else if state := strings.TrimRight(value, `)]"'.,`); isState(state) {
				e.SQLState = state
			}
		}
	}
	if len(cuts) > 0 {
		text = text[:cuts[0][0]]
	}
	if at := trailing.FindStringSubmatchIndex(text); at != nil && isState(group(text, at, 1)) {
		e.SQLState = first(e.SQLState, group(text, at, 1))
		text = text[:at[0]]
	}
	e.Message = strings.TrimSpace(ending.ReplaceAllString(text, closing(text)))
}

// closing keeps the quote that closes a name at the end of a message, and the bracket that closes a remark there.
func closing(text string) string {
	end := strings.TrimRight(text, `}],; `)
	if strings.HasSuffix(end, ")") && strings.Count(end, "(") == strings.Count(end, ")") {
		return ")"
	}
	end = strings.TrimRight(end, `)}],; `)
	if strings.HasSuffix(end, `"`) && strings.Count(end, `"`)%2 == 0 {
		return `"`
	}
	return ""
}

// stateIn finds an SQLSTATE in a client's words before a message.
func stateIn(lead string) string {
	for _, found := range leading.FindAllStringSubmatch(lead, 5) {
		if isState(found[1]) {
			return found[1]
		}
	}
	return ""
}

var states = lazyregexp.New(`^(?:08P01|(?:0A|0L|0P|21|22|23|25|26|28|2B|2D|34|38|39|3D|3F|40|42|44|53|54|55|` +
	`57|58|72|F0|HV|P0|XX)[0-9A-Z]{3})$`)

// isState tells whether a word is an SQLSTATE of PostgreSQL's own. Class 08 but 08P01 is what drivers make up.
func isState(word string) bool { return states.MatchString(word) }

var typeName = lazyregexp.New(`(?:^|[\s(])(?:[\w.$]*(?:Exception|Error|Err)|error|pq|ERROR|LOG|WARNING|NOTICE|` +
	`error returned from database|db error)(?: ?\([^)]{0,60}\))?:\s+`)

// bare is a message without the exception's type before it.
func bare(text string) login.ServerError {
	if all := typeName.FindAllStringIndex(text, -1); len(all) > 0 {
		text = text[all[len(all)-1][1]:]
	}
	var e login.ServerError
	takeFields(&e, text)
	return e
}

// telling are words without one of which a line without severity and SQLSTATE is no server's message; it spares most
// lines the whole table.
func telling() []string {
	return []string{"pg_hba", "auth", "role ", "user", "database", "connections", "connection slots", "token",
		"replication",
		"certificate", "password", "the database system", "ssl ", "wal", "administrator command", "pooler",
		"server_login",
		"query_wait",
		"startup", "public network", "transactions", "ipv6", "tenant", "encryption",
		// A driver's words before a message that may be in any language.
		"sqlstate", "pq: ", "pg::", "asyncpg.exceptions", "psycopg", "npgsql.postgresexception"}
}

func naked(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range telling() {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}
