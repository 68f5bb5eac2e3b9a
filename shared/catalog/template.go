package catalog

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
)

// language is what a text is written in; it decides how values are quoted.
type language int

const (
	plain language = iota
	forShell
	forSQL
	// forConfirm is prose with a command or a query in it: values are quoted for the shell unless they were for SQL.
	forConfirm
)

// templates keeps what was parsed. The texts are those of the words, so it does not grow without end.
type templates struct{ parsed sync.Map }

type templateKey struct {
	source string
	kind   language
}

func (t *templates) get(source string, kind language) (*template.Template, error) {
	key := templateKey{source, kind}
	if known, ok := t.parsed.Load(key); ok {
		if parsed, ok := known.(*template.Template); ok {
			return parsed, nil
		}
	}
	parsed, err := parseTemplate(source, kind)
	if err == nil {
		t.parsed.Store(key, parsed)
	}
	return parsed, err
}

// parseTemplate reads one text. In a shell command every value is quoted for the shell, whatever its author wrote; in
// SQL every value must pass ident or literal, which is checked here.
func parseTemplate(source string, kind language) (*template.Template, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(functions()).Parse(phrases + source)
	if err != nil {
		return nil, fmt.Errorf("parse %q: %w", source, err)
	}
	var faults []string
	walk(t.Root, func(action *parse.ActionNode) {
		switch kind {
		case forShell:
			appendCall(action.Pipe, "sh")
		case forSQL:
			if last := lastCall(action.Pipe); last != "ident" && last != "literal" {
				faults = append(faults, action.String())
			}
		case forConfirm:
			if last := lastCall(action.Pipe); last != "ident" && last != "literal" {
				appendCall(action.Pipe, "sh")
			}
		case plain:
			appendCall(action.Pipe, "show")
		}
	})
	if len(faults) > 0 {
		return nil, fmt.Errorf("parse %q: %s is neither ident nor literal", source, strings.Join(faults, ", "))
	}
	return t, nil
}

// phrases are shared by several texts. They stand before each text, so that no template outlives its call.
const phrases = `{{define "violation"}}` +
	`{{if eq .violation "scram_skipped"}}it let us in without proving that it knows the password` +
	`{{else if eq .violation "scram_server_signature"}}its proof of knowing the password is wrong` +
	`{{else if eq .violation "scram_nonce"}}its SCRAM nonce does not continue ours` +
	`{{else if eq .violation "scram_iterations"}}it asks for more password iterations than anybody needs` +
	`{{else if eq .violation "scram_server_first"}}its SCRAM message is malformed` +
	`{{else if eq .violation "row_mismatch"}}a row does not fit its own description` +
	`{{else if eq .violation "message_size"}}it announces a message larger than any server sends` +
	`{{else if eq .violation "bytes"}}it sends more than a login ever needs` +
	`{{else if eq .violation "notices"}}it floods us with notices` +
	`{{else if eq .violation "parameters"}}it floods us with parameters` +
	`{{else if eq .violation "notifications"}}it floods us with notifications` +
	`{{else if eq .violation "rows"}}it floods us with rows` +
	`{{else if eq .violation "malformed_message"}}it sends a malformed message` +
	`{{else if eq .violation "connection"}}the connection broke in a way that has no name` +
	`{{else}}it sends a message that has no place there{{end}}{{end}}` +
	`{{define "stalled"}}{{if eq (or .stage "") "startup"}}no complete answer to the startup packet` +
	`{{else if eq (or .stage "") "ready"}}no complete answer to the first query` +
	`{{else if .passwordSent}}no complete answer to the password` +
	`{{else}}authentication began and came to a halt{{end}}{{end}}` +
	`{{define "signs"}}{{range $i, $sign := .}}{{if $i}}, {{end}}` +
	`{{if eq $sign "no_backend_key"}}a session without a key to cancel it` +
	`{{else if eq $sign "server_sees_no_address"}}a server that sees no address of ours` +
	`{{else if eq $sign "backend_pid_differs"}}a process number that is not the server's` +
	`{{else if eq $sign "server_version"}}the version that it reports` +
	`{{else if eq $sign "pooler_message"}}the words of its message{{else}}{{$sign}}{{end}}{{end}}{{end}}`

func functions() template.FuncMap {
	return template.FuncMap{"sh": shellWord, "ident": sqlIdentifier, "literal": sqlLiteral, "show": show,
		"sql": func(format string, values ...any) string { return fmt.Sprintf(format, values...) },
		// first is the first of a list, words the whole of one as words of a shell.
		"first": func(value any) string {
			items, _ := value.([]string)
			return strings.Join(items[:min(len(items), 1)], "")
		},
		"words": func(value any) shellText {
			items, _ := value.([]string)
			var out []string
			for _, item := range items {
				out = append(out, shellWord(item))
			}
			return shellText(strings.Join(out, " "))
		},
		"list": func(value any) string {
			items, _ := value.([]string)
			return strings.Join(items, ", ")
		},
		"seconds": func(ms any) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", number(ms)/1000), ".0") + " s" },
		"ms":      milliseconds,
		"cidr":    cidr, "hba": hbaWord,
		// said is a peer's text in the middle of ours, which ends the sentence itself.
		"said": func(text any) string { return strings.TrimRight(show(text), ". ") },
		// inside is a sentence of ours in the middle of another.
		"inside": inside,
	}
}

// inside begins with a small letter where the first word is none that is written with capitals anywhere.
func inside(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if first == "Entra" || first == "Azure" || first == "" || strings.ToLower(first[1:]) != first[1:] {
		return text
	}
	return strings.ToLower(first) + text[len(first):]
}

func milliseconds(ms any) string {
	if number(ms) < 1 {
		return "less than 1 ms"
	}
	return fmt.Sprintf("%.0f ms", number(ms))
}

func walk(node parse.Node, visit func(*parse.ActionNode)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		visit(n)
	case *parse.IfNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	case *parse.WithNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	case *parse.RangeNode:
		walk(n.List, visit)
		walk(n.ElseList, visit)
	}
}

func appendCall(pipe *parse.PipeNode, function string) {
	if len(pipe.Decl) > 0 { // an assignment prints nothing
		return
	}
	call := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pipe.Pos,
		Args: []parse.Node{parse.NewIdentifier(function).SetPos(pipe.Pos)}}
	pipe.Cmds = append(pipe.Cmds, call)
}

func lastCall(pipe *parse.PipeNode) string {
	args := pipe.Cmds[len(pipe.Cmds)-1].Args
	if id, ok := args[0].(*parse.IdentifierNode); ok {
		return id.Ident
	}
	return ""
}

// shellSafe is what a POSIX shell reads as itself.
const shellSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-"

// shellText is quoted for the shell already.
type shellText string

func shellWord(value any) string {
	if quoted, is := value.(shellText); is {
		return string(quoted)
	}
	s := show(value)
	if s != "" && strings.Trim(s, shellSafe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func sqlIdentifier(value any) string {
	return `"` + strings.ReplaceAll(show(value), `"`, `""`) + `"`
}

// sqlLiteral is right with standard_conforming_strings, the default since PostgreSQL 9.1.
func sqlLiteral(value any) string {
	return "'" + strings.ReplaceAll(show(value), "'", "''") + "'"
}

func show(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []string:
		return strings.Join(v, ", ")
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return fmt.Sprint(value)
}

func number(value any) float64 {
	switch v := value.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// hbaPlain is what pg_hba.conf reads as a name without quotes.
const hbaPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

// hbaWord is a name for pg_hba.conf: quoted where it has other characters or is one of its keywords.
func hbaWord(value any) string {
	name := show(value)
	keyword := slices.Contains([]string{"", "all", "replication", "sameuser", "samerole", "samegroup"}, name)
	if !keyword && strings.Trim(name, hbaPlain) == "" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// cidr is an address as a rule that admits it alone. A vantage that is known by its name alone has none to show.
func cidr(value any) string {
	address, err := netip.ParseAddr(show(value))
	if err != nil {
		return "ADDRESS/32"
	}
	return netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()).String()
}
