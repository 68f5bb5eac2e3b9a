package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/explain"
	"github.com/pgpreflight/pgpreflight/shared/report/text"
)

// exitUnknown says that a text was not recognised.
const exitUnknown = 1

// explainText explains the text of standard input on standard output.
func explainText(p process) int {
	raw, err := io.ReadAll(io.LimitReader(p.stdin, explain.MaxText+1))
	if err != nil {
		return p.misused(fmt.Errorf("read standard input: %w", err))
	}
	if len(raw) > explain.MaxText {
		return p.misused(fmt.Errorf("the text has more than %d bytes", explain.MaxText))
	}
	if strings.TrimSpace(string(raw)) == "" {
		return p.misused(errors.New("there is no text on standard input"))
	}
	words, err := catalog.Load()
	if err != nil {
		return p.misused(err)
	}
	answer, err := explain.Explain(string(raw)).Answer(words)
	if err != nil {
		return p.misused(err)
	}
	if err := printAnswer(p.stdout, answer); err != nil {
		return p.misused(err)
	}
	if !answer.Recognised {
		return exitUnknown
	}
	return 0
}

func (p process) misused(err error) int {
	_ = p.fail(err)
	return exitUsage
}

func printAnswer(out io.Writer, answer explain.Answer) error {
	if err := text.WriteFindings(out, answer.Findings, text.Options{}); err != nil {
		return err
	}
	verdict := ""
	switch {
	case !answer.Recognised:
		verdict = "This text is not known here.\n"
	case len(answer.Findings) == 0:
		verdict = "This text is known, and says nothing about the way to the server.\n"
	}
	if _, err := io.WriteString(out, verdict); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	return text.WriteQuestions(out, "What would tell more:", answer.Ask, text.Options{})
}
