package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/page"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
	"github.com/pgpreflight/pgpreflight/shared/report/junit"
	"github.com/pgpreflight/pgpreflight/shared/report/markdown"
	"github.com/pgpreflight/pgpreflight/shared/report/text"
	"github.com/pgpreflight/pgpreflight/shared/report/wiki"
	"github.com/pgpreflight/pgpreflight/shared/request"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

const checkUsage = `usage: handler check [-format text|json|html|md|wiki|junit] FILE

Runs the check request in FILE (- for standard input) from here, without a queue, and writes its report. Passwords,
roots, RESOLVERS, ALLOWED_TARGETS and ALLOWED_PORTS come from the environment, as in the function app.
Exits 0 ready, 1 not ready or unsupported, 2 inconclusive (or trouble of our own), 3 rejected (or no request to read).
`

// The exit codes of check.
const (
	exitReady        = 0
	exitNotReady     = 1
	exitInconclusive = 2
	exitRejected     = 3
)

// maxRequest is far more than a request needs, and less than what a mistaken file would fill the memory with.
const maxRequest = 1 << 20

// checkOnce is the command check.
func checkOnce(args []string, p process) int {
	write, file, err := checkArguments(args, p)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(p.stdout, checkUsage)
		return exitReady
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "handler: %v\n%s", err, checkUsage)
		return exitRejected
	}
	raw, err := readFile(file, maxRequest, p)
	if err != nil {
		_ = p.fail(fmt.Errorf("read request: %w", err))
		return exitRejected
	}
	s, err := settings.Parse(p.getenv)
	if err != nil {
		_ = p.fail(err)
		return exitInconclusive
	}
	p.progress = progress(p.stderr)
	found, err := runOnce(raw, s, p)
	if err != nil {
		_ = p.fail(err)
		return exitInconclusive
	}
	if err := write(p.stdout, found); err != nil {
		_ = p.fail(err)
		return exitInconclusive
	}
	return exitOf(found.Verdict)
}

// runOnce gives the report, that on a rejected request too. An interrupt ends the check and not the report.
func runOnce(raw []byte, s settings.Settings, p process) (report.Report, error) {
	made, err := open(s, p)
	if err != nil {
		return report.Report{}, err
	}
	check, err := request.Decode(raw, newID())
	if problem, bad := errors.AsType[*request.Problem](err); bad {
		return made.words.Rejected(problem, problem.ID, p.now())
	}
	if err != nil {
		return report.Report{}, fmt.Errorf("read check request: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return made.checker.Run(ctx, check)
}

// writer writes a report in one format.
type writer func(io.Writer, report.Report) error

func checkArguments(args []string, p process) (writer, string, error) {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	format := flags.String("format", "text", "")
	if err := flags.Parse(args); err != nil {
		return nil, "", err
	}
	if flags.NArg() != 1 {
		return nil, "", errors.New("one FILE is needed")
	}
	write, known := writers(p)[*format]
	if !known {
		return nil, "", fmt.Errorf("there is no format %q", *format)
	}
	return write, flags.Arg(0), nil
}

func writers(p process) map[string]writer {
	return map[string]writer{
		"text": func(out io.Writer, r report.Report) error {
			return text.Write(out, r, text.Options{Color: isTerminal(out) && p.getenv("NO_COLOR") == ""})
		},
		"json": func(out io.Writer, r report.Report) error {
			encoder := json.NewEncoder(out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(r)
		},
		"html": func(out io.Writer, r report.Report) error {
			p, err := page.New().Report(page.ReportInput{Report: r})
			if err != nil {
				return err
			}
			return writeString(out, string(p.HTML))
		},
		"md":   func(out io.Writer, r report.Report) error { return writeString(out, markdown.Long(r, "")) },
		"wiki": func(out io.Writer, r report.Report) error { return writeString(out, wiki.Long(r, "")) },
		"junit": func(out io.Writer, r report.Report) error {
			raw, err := junit.Encode(r)
			if err != nil {
				return err
			}
			return writeString(out, string(raw))
		},
	}
}

func writeString(out io.Writer, text string) error {
	_, err := io.WriteString(out, text)
	return err
}

// isTerminal knows a file that is a character device; a pipe or a file gets no colours.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progress writes a line for every layer that has ended. Legs run side by side, so the lines of two legs mix.
func progress(out io.Writer) func(context.Context, string, diagnosis.Layer) {
	var mu sync.Mutex
	return func(_ context.Context, leg string, l diagnosis.Layer) {
		took := ""
		if l.BlockedBy == "" && l.Skip == "" {
			took = digest.Duration(float64(l.Elapsed.Microseconds()) / 1000)
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(out, "%-8s %-13s %9s  %s\n", leg, l.Layer, took, digest.Clean(ended(l)))
	}
}

// ended is how a layer ended, before it is judged with the others: the codes of what was found.
func ended(l diagnosis.Layer) string {
	switch {
	case l.BlockedBy != "":
		return "not run: blocked by " + string(l.BlockedBy)
	case l.Skip != "":
		return "not run: " + l.Skip
	case l.Inconclusive != "":
		return "inconclusive: " + l.Inconclusive
	case len(l.Findings) == 0:
		return "ok"
	}
	codes := make([]finding.Code, 0, len(l.Findings))
	for _, f := range l.Findings {
		codes = append(codes, f.Code)
	}
	return strings.Trim(fmt.Sprint(slices.Compact(codes)), "[]")
}

func exitOf(v report.Verdict) int {
	switch v {
	case report.Ready, report.ReadyWithWarnings:
		return exitReady
	case report.NotReady, report.Unsupported:
		return exitNotReady
	case report.Rejected:
		return exitRejected
	}
	return exitInconclusive
}
