package login

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// The texts that name pg_hba.conf carry it unchanged in every language, and the refused host, user and database in
// quotes. So they are read by their shape: what is quoted, how many, and a few words outside the quotes.

// hba judges an error that names pg_hba.conf.
func hba(e ServerError, c Circumstances) (finding.Code, finding.Args, bool) {
	if !strings.Contains(e.Message, "pg_hba.conf") || (e.SQLState != "" && e.SQLState != "28000") ||
		e.Routine == "" && fromPooler(e) { // a pooler tells of its own refusal by the server behind it
		return "", nil, false
	}
	text := readHBA(e.Message)
	if e.Routine != "ClientAuthentication" && !text.refuses(e.Message) {
		return "", nil, false
	}
	args := text.args(c)
	args["id"] = text.id(c)
	switch {
	case text.replication || c.Replication != "":
		return finding.HBAReplication, args, true
	case text.rejects:
		return finding.HBARejected, args, true
	case text.encrypted(c) == No && c.TLSOffered != No:
		return finding.HBATLSRequired, args, true
	}
	return finding.HBAAddressNotAllowed, args, true
}

// hbaText is what a text that names pg_hba.conf says.
type hbaText struct {
	values      []string
	rejects     bool
	replication bool
	encryption  Tri
}

// quoted matches one value in the quotes of the languages that PostgreSQL speaks, with Latin-1's guillemets as clean
// shows them.
var quoted = lazyregexp.New(`"([^"]*)"|»([^«]*)«|«\s?([^»]*?)\s?»|“([^”]*)”|„([^“]*)“|「([^」]*)」|` +
	`\\xab(?:\\xa0| )?(.*?)(?:\\xa0| )?\\xbb|\\xbb(.*?)\\xab`)

// rejecting are the words of a reject line, replicating those of a replication login, in the languages that
// PostgreSQL's own messages come in. Chinese has none for the latter: its text for ordinary rejections speaks of
// replication too.
var (
	rejecting = lazyregexp.New(`(?i)reject|lehnt|rejette|rechaza|rifiuta|отвергает|拒否|거부|拒绝|avvisar|відхиляє|` +
		`უარყოფს|rejeita|rejeitou|odrzuca|reddediyor|odmítá`)
	replicating = lazyregexp.New(`(?i)r[eé]pli[ck]|реплик|реплік|レプリケーション|복제용|რეპლიკაცი`)
	plainWords  = lazyregexp.New(`(?i)no encryption|SSL\s?(off|aus|inactif|inactivo|inattivo|выкл|вимк|無効|av\b|중지|关闭|` +
		`關閉|wył|desab|kapalı|vypnut|mati\b)|keine Verschlüsselung|aucun chiffrement|sin cifrado|nessuna crittografia|` +
		`без шифрования|暗号化なし|암호화 안함|ingen kryptering|без шифрування|დაშიფვრის გარეშე|[没无]有?加密|sem criptografia|` +
		`bez szyfrowania`)
	tlsWords = lazyregexp.New(`(?i)SSL|GSS`)
)

func readHBA(message string) hbaText {
	bare := quoted.ReplaceAllString(message, `""`)
	t := hbaText{rejects: rejecting.MatchString(bare)}
	for _, match := range quoted.FindAllStringSubmatch(message, 4) {
		t.values = append(t.values, firstOf(match[1:]))
	}
	// An ordinary refusal quotes host, user and database (Japanese forgets to close the last quote).
	t.replication = len(t.values) == 2 && !strings.Contains(bare[strings.LastIndex(bare, `""`)+2:], `"`) ||
		replicating.MatchString(bare)
	switch {
	case plainWords.MatchString(bare):
		t.encryption = No
	case tlsWords.MatchString(bare):
		t.encryption = Yes
	}
	return t
}

// refuses tells a refusal from what else names the file: a server's log says which line a connection matched, and that
// the file cannot be read. A refusal quotes the host first, and then the user.
func (t hbaText) refuses(message string) bool {
	return refusing.MatchString(message) || len(t.values) > 1 && hostLike.MatchString(t.values[0])
}

var (
	refusing = lazyregexp.New(`no pg_hba\.conf entry|pg_hba\.conf rejects`)
	hostLike = lazyregexp.New(`^[\w.:%\[\]-]+$`)
)

func firstOf(groups []string) string {
	for _, group := range groups {
		if group != "" {
			return group
		}
	}
	return ""
}

// encrypted says whether the refused connection was encrypted. The text's own word wins: it is what the server saw,
// behind whatever ends our TLS. A text in another language than English leaves it to what we know.
func (t hbaText) encrypted(c Circumstances) Tri {
	if t.encryption != Unknown {
		return t.encryption
	}
	return c.TLS
}

func (t hbaText) args(c Circumstances) finding.Args {
	args := finding.Args{}
	for i, name := range []string{"seenAs", "user", "database"} {
		if i < len(t.values) {
			args[name] = t.values[i]
		}
	}
	if _, known := args["database"]; t.replication || !known && c.Database != "" {
		args["database"] = c.Database
	}
	if encryption := t.encrypted(c); encryption != Unknown {
		args["encrypted"] = encryption == Yes
	}
	if t.encryption == No && c.TLS == Yes {
		// Our side has TLS, the server saw none: something between us ends it.
		args["tlsEndsBefore"] = true
	}
	return args
}

func (t hbaText) id(c Circumstances) string {
	switch {
	case c.Replication == "database" && !t.replication:
		return "HBA-10"
	case t.replication || c.Replication != "":
		return "HBA-04"
	case t.rejects:
		return "HBA-03"
	case t.encrypted(c) == No && c.TLSOffered != No:
		return "HBA-01"
	}
	return "HBA-02"
}
