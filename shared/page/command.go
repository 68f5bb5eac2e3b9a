package page

import (
	"strings"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// commandText is what is copied from the page: without control characters, its line breaks kept.
type commandText string

func commandOf(text string) commandText {
	if text == "" {
		return ""
	}
	return commandText(strings.Join(digest.Lines(text), "\n"))
}

// piece is a part of a command. A whole one is not to be broken over two lines: browsers break after a hyphen, and half
// an option is hard to read.
type piece struct {
	Text  string
	Whole bool
}

// wholeMost is how many letters the narrowest screen has room for.
const wholeMost = 26

// Pieces are the command in parts that follow one another without anything between.
func (c commandText) Pieces() []piece {
	var out []piece
	loose := ""
	for word := range strings.SplitAfterSeq(string(c), " ") {
		bare := strings.TrimSuffix(word, " ")
		if !strings.Contains(bare, "-") || strings.Contains(bare, "\n") || utf8.RuneCountInString(bare) > wholeMost {
			loose += word
			continue
		}
		if loose != "" {
			out = append(out, piece{Text: loose})
		}
		out, loose = append(out, piece{Text: bare, Whole: true}), word[len(bare):]
	}
	if loose != "" {
		out = append(out, piece{Text: loose})
	}
	return out
}

// remedyView is something to do, with its command.
type remedyView struct {
	Text    string
	Command commandText
}

func remediesOf(remedies []report.Remedy) []remedyView {
	out := make([]remedyView, 0, len(remedies))
	for _, remedy := range remedies {
		out = append(out, remedyView{Text: remedy.Text, Command: commandOf(remedy.Command)})
	}
	return out
}

// commandsOf are a finding's commands, to be copied at once.
func commandsOf(f report.Finding) commandText {
	var out commandText
	for _, remedy := range f.Remedy {
		if remedy.Command != "" {
			out += commandOf(remedy.Command) + "\n"
		}
	}
	return out
}
