package explain

import (
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/probe/login"
)

// piece is one error of a text: what a server said, or what a client or a tool wrote around it.
type piece struct {
	text string
	// server holds the fields of a server's error; nil for anything else.
	server *login.ServerError
	// quoted says that a PostgreSQL client's own words or an SQLSTATE stand before it, so that even an unknown message is
	// a server's.
	quoted bool
	// entry counts the log entries, depth the causes within one.
	entry, depth int
	conn         connection
}

// severities are PostgreSQL's words for FATAL, PANIC and ERROR in the languages that its messages come in.
var severities = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"FATAL": "FATAL", "PANIC": "FATAL", "FATALE": "FATAL", "FATALT": "FATAL", "ВАЖНО": "FATAL", "ФАТАЛЬНО": "FATAL",
		"치명적오류": "FATAL",
		"致命错误":  "FATAL", "嚴重錯誤": "FATAL", "致命的エラー": "FATAL", "KATASTROFALNY": "FATAL", "ÖLÜMCÜL": "FATAL",
		"SCHWERWIEGEND": "FATAL",
		"ფატალური":      "FATAL",
		"ERROR":         "ERROR", "FEHLER": "ERROR", "ERREUR": "ERROR", "ERRORE": "ERROR", "ERRO": "ERROR",
		"ОШИБКА":  "ERROR",
		"ПОМИЛКА": "ERROR",
		"エラー":     "ERROR", "错误": "ERROR", "錯誤": "ERROR", "오류": "ERROR", "FEL": "ERROR", "BŁĄD": "ERROR", "HATA": "ERROR",
		"CHYBA":   "ERROR",
		"შეცდომა": "ERROR",
	}
})

func severityOf(word string) string { return severities()[word] }

var (
	// opening is where a server's error begins: a severity, an SQLSTATE, or both.
	opening = lazyregexp.New(`(?:^|` +
		`[\s"'(\[:>=,` + "`" + `])(?:(` + alternatives(severities()) + `)[ ]?[::][ ]*(?:([0-9A-Z]{5}):[ ]+)?|` +
		`([0-9A-Z]{5}):[ ]+)`)
	// ofTLS stands before "error" where libpq speaks of TLS and not a server of itself.
	ofTLS = lazyregexp.New(`SSL(?: SYSCALL)?$`)
	// unwrapping are the words between an error and its cause.
	unwrapping = lazyregexp.New(`(?:^|\s)(?:--->|Caused by:|\(Inner Exception #\d+\)|[Ii]nner ?[Ee]xception:?|` +
		`; nested exception is)\s*`)
	// newEntry begins a log entry, or a command's output.
	newEntry = lazyregexp.New(`^\[?\d{4}[-/]\d\d[-/]\d\d[ T]|^psql: |^pg_\w+: |^Traceback `)
	logField = lazyregexp.New(`^\[?\d{4}-\d\d-\d\d .{0,200}?\s((?:DETAIL|HINT|STATEMENT|CONTEXT):\s.*)$`)
	// asked are the client's words before a server's message.
	asked = lazyregexp.New(`(?i)psql|pg_\w+:|libpq|postgres|connection to server|server error|sqlstate|` +
		`sql error|pq:|db error|pgbouncer`)
)

func alternatives(words map[string]string) string {
	all := make([]string, 0, len(words))
	for word := range words {
		all = append(all, word)
	}
	return strings.Join(all, "|")
}

// reader turns lines into pieces.
type reader struct {
	pieces       []piece
	entry, depth int
	now          connection
}

// goesOn is the rest of a sentence, not the beginning of a client's.
var goesOn = lazyregexp.New(`^\s*\p{Ll}[^:]*$`)

// goesOnInFrench is what follows the line breaks within PostgreSQL's French messages.
var goesOnInFrench = lazyregexp.New(`^\s*(?:max_wal_senders|superutilisateur)\b`)

// maxPieces bounds what is looked at.
const maxPieces = 200

// read splits lines into pieces, and says what the text tells about the connection as a whole.
func read(lines []string) ([]piece, connection) {
	var r reader
	for i := 0; i < len(lines) && len(r.pieces) < maxPieces; i++ {
		line := lines[i]
		for i+1 < len(lines) && broken(line, lines[i+1]) && len(line) < maxLine {
			i++
			line = strings.TrimRight(line, " ") + " " + strings.TrimSpace(lines[i])
		}
		r.line(line)
	}
	return r.pieces, r.now
}

// broken tells whether a server's message goes on in the next line: terminals and mail programs break long ones.
func broken(line, next string) bool {
	switch {
	case goesOnInFrench.MatchString(next):
		return true
	case !strings.Contains(line, "pg_hba.conf") && !opening.MatchString(line):
		return false
	}
	open := strings.Count(line, `"`)%2 == 1 || strings.HasSuffix(line, ",") ||
		strings.HasSuffix(line, " host") || strings.HasSuffix(line, " user") || strings.HasSuffix(line, " database") ||
		strings.Contains(line, "pg_hba.conf") && goesOn.MatchString(next)
	_, _, field := fieldOf(next)
	return open && !field && !opening.MatchString(next) && !unwrapping.MatchString(next) && !newEntry.MatchString(next)
}

func (r *reader) line(line string) {
	if found := logField.FindStringSubmatch(line); found != nil {
		// A line of its own in a server's log, and a part of the entry before it.
		line = found[1]
	}
	if newEntry.MatchString(line) {
		r.entry, r.depth = r.entry+1, 0
	}
	r.now.learn(line)
	if name, value, ok := fieldOf(line); ok {
		attached := r.attach(name, value)
		if name == "detail" && !logged.MatchString(value) {
			r.add(piece{text: value})
		}
		if attached || name == "detail" {
			return
		}
	}
	from := 0
	for _, at := range unwrapping.FindAllStringIndex(line, 20) {
		r.segment(line[from:at[0]])
		r.depth++
		from = at[1]
	}
	r.segment(line[from:])
}

// segment splits at the beginnings of servers' errors.
func (r *reader) segment(text string) {
	openings := opening.FindAllStringSubmatchIndex(text, 20)
	end := len(text)
	var found []piece
	for i := len(openings) - 1; i >= 0; i-- {
		at := openings[i]
		e := login.ServerError{Severity: severityOf(group(text, at, 1)), SQLState: first(group(text, at, 2), group(text,
			at, 3))}
		if e.SQLState != "" && !isState(e.SQLState) {
			if e.Severity == "" {
				continue
			}
			e.SQLState = ""
		}
		lead := text[:at[0]]
		if ofTLS.MatchString(lead) {
			continue
		}
		message := text[at[1]:end]
		if i > 0 {
			// PgBouncer quotes its server's error within its own.
			message = strings.TrimSuffix(message, " (server_login_retry)")
		}
		found = append(found, piece{text: message, server: &e, quoted: e.SQLState != "" || asked.MatchString(lead)})
		end = at[0]
	}
	lead := text[:end]
	if strings.TrimSpace(lead) != "" {
		r.add(piece{text: lead})
	}
	state := stateIn(lead)
	for i := len(found) - 1; i >= 0; i-- {
		p := found[i]
		p.server.SQLState = first(p.server.SQLState, state)
		takeFields(p.server, p.text)
		p.quoted = p.quoted || p.server.SQLState != ""
		r.add(p)
	}
}

func (r *reader) add(p piece) {
	p.entry, p.depth, p.conn = r.entry, r.depth, r.now
	r.pieces = append(r.pieces, p)
}

// attach gives a field that stands on its own line to the last server's error before it.
func (r *reader) attach(name, value string) bool {
	recent := r.pieces[max(0, len(r.pieces)-40):]
	last := func(fits func(piece) bool) int {
		for i := len(recent) - 1; i >= 0 && recent[i].entry == r.entry; i-- {
			if fits(recent[i]) {
				return i
			}
		}
		return -1
	}
	i := last(func(p piece) bool { return p.server != nil })
	if i < 0 && name != "detail" {
		i = last(func(p piece) bool { return naked(p.text) })
	}
	if i < 0 {
		return false
	}
	p := &recent[i]
	if p.server == nil {
		e := bare(p.text)
		p.server = &e
	}
	set(p.server, name, value)
	p.quoted = p.quoted || p.server.SQLState != ""
	return true
}

func group(text string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return text[at[2*n]:at[2*n+1]]
}
