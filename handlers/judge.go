package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/pgpreflight/pgpreflight/shared/catalog"
	"github.com/pgpreflight/pgpreflight/shared/rejudge"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/text"
)

const judgeUsage = `usage: handler judge [-json] REPORT
Judges the observations of the stored report in REPORT (- for standard input) again with today's rules, without probing,
and writes the new report and what differs. Exits as check does: 0 ready, 1 not ready or unsupported, 2 inconclusive (or
it cannot be judged again), 3 rejected (or no report to read).
`

// maxReport is more than the largest report that tables can keep.
const maxReport = 16 << 20

// judged is the answer as JSON.
type judged struct {
	Report report.Report `json:"report"`
	// CannotJudge says what could not be judged again; those layers are inconclusive.
	CannotJudge []string        `json:"cannotJudge,omitempty"`
	Changes     rejudge.Changes `json:"changes"`
}

// judgeAgain is the command judge.
func judgeAgain(args []string, p process) int {
	asJSON, file, err := judgeArguments(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(p.stdout, judgeUsage)
		return exitReady
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "handler: %v\n%s", err, judgeUsage)
		return exitRejected
	}
	raw, err := readFile(file, maxReport, p)
	if err != nil {
		_ = p.fail(fmt.Errorf("read report: %w", err))
		return exitRejected
	}
	words, err := catalog.Load()
	if err != nil {
		_ = p.fail(err)
		return exitInconclusive
	}
	again, err := rejudge.Judge(words, raw)
	if _, cannot := errors.AsType[*rejudge.Cannot](err); cannot {
		_ = p.fail(err)
		return exitInconclusive
	}
	if err != nil {
		_ = p.fail(err)
		return exitRejected
	}
	if err := writeJudged(again, asJSON, p); err != nil {
		_ = p.fail(err)
		return exitInconclusive
	}
	return exitOf(again.New.Verdict)
}

func judgeArguments(args []string) (bool, string, error) {
	flags := flag.NewFlagSet("judge", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	wanted := flags.Bool("json", false, "")
	if err := flags.Parse(args); err != nil {
		return false, "", err
	}
	if flags.NArg() != 1 {
		return false, "", errors.New("one REPORT is needed")
	}
	return *wanted, flags.Arg(0), nil
}

func writeJudged(again rejudge.Result, asJSON bool, p process) error {
	if asJSON {
		encoder := json.NewEncoder(p.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(judged{Report: again.New, CannotJudge: again.Unjudged, Changes: again.Changes()})
	}
	colored := isTerminal(p.stdout) && p.getenv("NO_COLOR") == ""
	if err := text.Write(p.stdout, again.New, text.Options{Color: colored}); err != nil {
		return err
	}
	if _, err := io.WriteString(p.stdout, "\n"); err != nil {
		return err
	}
	return again.WriteChanges(p.stdout)
}

// readFile reads a file, or standard input for "-", up to a limit in bytes.
func readFile(file string, limit int64, p process) ([]byte, error) {
	in := p.stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		in = opened
	}
	raw, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", file, limit)
	}
	return raw, err
}
