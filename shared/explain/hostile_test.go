package explain

import (
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/finding"
)

const secret = "hunter2Secret"

// Nothing that anybody pastes by mistake comes back.
func TestSecretsDoNotComeBack(t *testing.T) {
	t.Parallel()
	words := catalogue(t)
	jwt := "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJvc3NyZGJtcyJ9." + secret
	for _, text := range []string{
		`failed to connect to postgres://migrator:` + secret + `@db.example.com:5432/orders: dial tcp 10.1.1.5:5432: connect: connection refused`,
		`psql "host=db.example.com user=migrator password=` + secret + `" : FATAL:  password authentication failed for user "migrator"`,
		`FATAL:  XX000: bad option password=` + secret,
		`FATAL:  XX000: bad option` + "\n" + `DETAIL:  connection string was host=h password='` + secret + `'`,
		`ERROR:  42704: could not establish connection` + "\n" + `HINT:  PGPASSWORD=` + secret,
		`FATAL:  XX000: token ` + jwt + ` is not liked`,
		`FATAL:  28P01: password authentication failed for user "` + jwt + `"`,
		`psql: error: could not translate host name "` + secret + `@db.example.com" to address: Name or service not known`,
		`lookup ` + secret + `@db.example.com: no such host`,
		`FATAL: XX000: Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=` + secret + `=`,
		`FATAL: XX000: see https://app.azurewebsites.net/api/checks?code=` + secret,
		`{"severity":"FATAL","code":"XX000","message":"x","detail":"it was password=` + secret + `"}`,
		`{"message":"FATAL: XX000: x password=` + secret + `"}`,
		`FATAL: XX000: {\"password\": \"` + secret + `\"}`,
		html.EscapeString(`FATAL: XX000: {"password": "` + secret + `"}`),
		"FATAL: XX000: pass\u200bword=" + secret,
		`Server=db.example.com;User Id=migrator;Password=` + secret + `;Database=orders: 28P01: password authentication failed for user "migrator"`,
		`jdbc:postgresql://db.example.com/orders?user=m&password=` + secret + ` FATAL: XX000: x`,
		`FATAL: XX000: ALTER ROLE migrator WITH LOGIN PASSWORD '` + secret + `' failed`,
		`ERROR:  XX000: role x has SCRAM-SHA-256$4096:` + secret + `$x:y`,
		`FATAL: XX000: az postgres flexible-server create --admin-password ` + secret + ` -n x`,
		`FATAL: XX000: Passwort=` + secret + `, pass=` + secret,
		`{"message": "<p>FATAL: XX000: x pass<b>word</b>=` + secret + `</p>"}`,
	} {
		r := Explain(text)
		answer, err := r.Answer(words)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), secret) || strings.Contains(string(raw), "eyJ") {
			t.Errorf("%s\ncame back in %s", text, raw)
		}
		if !r.Recognised {
			t.Errorf("%s: not recognised", text)
		}
	}
}

// A text means the same in whatever it is wrapped. Each text meets some of the wrappings, each wrapping many texts.
func TestWrappingsChangeNothing(t *testing.T) {
	t.Parallel()
	for i, p := range corpus(t) {
		if p.id == "-" || strings.Contains(p.from, "csvlog") {
			continue
		}
		quoted, err := json.Marshal(p.text)
		if err != nil {
			t.Fatal(err)
		}
		wrapped := []string{
			html.EscapeString(p.text),
			`{"body": {"lines": [` + string(quoted) + `]}}`,
			"> " + strings.ReplaceAll(strings.TrimSpace(p.text), "\n", "\n> "),
			"    " + strings.ReplaceAll(p.text, "\n", "\n    "),
			html.EscapeString(html.EscapeString(p.text)),
			fmt.Sprintf(`{"outer": %q}`, `{"inner": `+string(quoted)+`}`),
			strings.ReplaceAll(p.text, "\n", "\r\n"),
			"\ufeff" + p.text,
			"\x1b[31m" + p.text + "\x1b[0m",
			p.text + "\n" + p.text,
			"We tried this today:\n\n" + p.text + "\nWhat shall we do? Thank you, Ann\n",
		}
		for k := range 2 {
			text := wrapped[(i+3*k)%len(wrapped)]
			if got := codesOf(Explain(text)); !slices.Equal(got, p.codes) {
				t.Errorf("%s, %s: got %v, want %v\n%s", p.id, p.from, got, p.codes, text)
			}
		}
	}
}

// The confusions that must never happen, as a list of pairs of texts: each pair differs in its first code, or in what it
// leaves open.
func TestConfusions(t *testing.T) {
	t.Parallel()
	const hba = `FATAL:  no pg_hba.conf entry for host "203.0.113.7", user "m", database "d", `
	const wrong = `FATAL:  password authentication failed for user "m"` + "\n"
	for _, pair := range [][2]string{
		{hba + "no encryption", hba + "SSL encryption"},
		{hba + "no encryption", wrong + hba + "no encryption"},
		{hba + "SSL off", hba + "SSL on"},
		{"dial tcp 10.1.1.5:5432: i/o timeout", "read tcp 10.1.2.4:5->10.1.1.5:5432: i/o timeout"},
		{"dial tcp 10.1.1.5:5432: i/o timeout", "server closed the connection unexpectedly"},
		{"dial tcp 10.1.1.5:5432: i/o timeout", "lookup db.example.com on 10.0.0.4:53: i/o timeout"},
		{"lookup db.example.com: no such host", "lookup db.privatelink.postgres.database.azure.com: no such host"},
		{"can't find db.example.com: NXDOMAIN", "can't find db.example.com: No answer"},
		{"can't find db.example.com: SERVFAIL", "can't find db.example.com: REFUSED"},
		{`connection to server at "h.example.com", port 5432 failed: SSL SYSCALL error: EOF detected`,
			`connection to server at "h.example.com", port 5432 failed: SSL SYSCALL error: Connection reset by peer`},
		{`connection to server at "h.example.com", port 5432 failed: SSL SYSCALL error: EOF detected`,
			"read: connection reset by peer"},
		{"FATAL:  sorry, too many clients already",
			"FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"},
		{"FATAL:  sorry, too many clients already", `FATAL:  too many connections for role "m"`},
		{`FATAL:  too many connections for role "m"`, `FATAL:  too many connections for database "d"`},
		{"FATAL:  permission denied to start WAL sender",
			`FATAL:  no pg_hba.conf entry for replication connection from host "203.0.113.7", user "m", SSL encryption`},
		{"banner: SSH-2.0-OpenSSH_9.2", "first record does not look like a TLS handshake"},
		{`ERROR:  extension "x" is not allow-listed for "azure_pg_admin" users`,
			`ERROR:  extension "x" is not available`},
		{`ERROR:  permission denied for database "d"`, `FATAL:  permission denied for database "d"`},
		{"The provided password is incorrect", wrong},
		{"The provided password is incorrect", "The provided password is incorrect ---> Connection refused"},
		{"x509: certificate has expired or is not yet valid: current time 2026-11-22T07:00:00Z is after 2026-02-03T00:00:00Z",
			"x509: certificate has expired or is not yet valid: current time 2026-11-22T07:00:00Z is before 2027-02-03T00:00:00Z"},
	} {
		a, b := Explain(pair[0]), Explain(pair[1])
		if len(a.Findings) == 0 || len(b.Findings) == 0 {
			t.Errorf("%q and %q: %v and %v", pair[0], pair[1], codesOf(a), codesOf(b))
			continue
		}
		one, other := a.Findings[0], b.Findings[0]
		if one.Code == other.Code && fmt.Sprint(one.Args["oneOf"]) == fmt.Sprint(other.Args["oneOf"]) {
			t.Errorf("%q and %q both mean %s", pair[0], pair[1], one.Code)
		}
	}
}

// What costs most: many lines, long lines, many openings, deep nesting. The bound is far above what it takes here.
func TestHostileTextsAreCheap(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"openings":    strings.Repeat(`FATAL: 28000: `, 6000),
		"quotes":      `FATAL: 28000: pg_hba.conf ` + strings.Repeat(`"`, MaxText),
		"lines":       numbered("FATAL:  password authentication failed for user \"u%d\"\n", 2000),
		"naked lines": numbered("role of the user and the database, token %d\n", 2000),
		"one line":    strings.Repeat("role user database token password ", 3000),
		"causes":      strings.Repeat("Caused by: x\n", 5000),
		"json":        strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000),
		"json list":   strings.Repeat("[", 30000) + strings.Repeat("]", 30000),
		"escapes":     strings.Repeat(`\\\\u0041\\n`, 8000),
		"entities":    strings.Repeat("&amp;amp;lt;", 8000),
		"spaces":      strings.Repeat(" ", MaxText) + "x",
		"broken":      strings.Repeat("FATAL: pg_hba.conf host \"a\",\n", 3000),
		"too long":    strings.Repeat("ä", 10*MaxText),
		"not text":    strings.Repeat("\xff\x00\x1b[31m", 20000),
		"dials":       strings.Repeat("dial tcp ", 8000),
	} {
		started := time.Now()
		Explain(text)
		if took := time.Since(started); took > 30*time.Second {
			t.Errorf("%s took %s", name, took)
		} else {
			t.Logf("%s took %s", name, took)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func FuzzExplain(f *testing.F) {
	for _, p := range corpus(f) {
		f.Add(p.text)
	}
	words, err := catalog.Load()
	if err != nil {
		f.Fatal(err)
	}
	known := map[finding.Code]bool{}
	for _, code := range finding.Codes() {
		known[code] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Explain(text)
		if len(r.Findings) > 0 && !r.Recognised || len(r.Findings) > maxHits {
			t.Errorf("recognised %v with %d findings", r.Recognised, len(r.Findings))
		}
		for _, found := range r.Findings {
			if !known[found.Code] || found.Layer == "" || found.Args == nil {
				t.Errorf("finding %+v", found)
			}
			for name, value := range found.Args {
				checkArg(t, name, value)
			}
		}
		if _, err := r.Answer(words); err != nil {
			t.Error(err)
		}
	})
}

func checkArg(t *testing.T, name string, value any) {
	t.Helper()
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) || len(v) > 2*maxLine {
			t.Errorf("args[%q] = %q", name, v)
		}
	case []string, bool, int:
	default:
		t.Errorf("args[%q] is a %T", name, value)
	}
}

// BenchmarkExplain is the whole corpus, each text once.
func BenchmarkExplain(b *testing.B) {
	all := corpus(b)
	for b.Loop() {
		for _, p := range all {
			Explain(p.text)
		}
	}
}
