// Command handler is pgpreflight's custom handler for Azure Functions: the host starts it and sends it every
// invocation.
//
// Exit codes of serving: 2 for a command line that it does not know; 1 where a setting is wrong, the port cannot be
// had, or serving breaks; 128 and the signal's number where a signal stopped it (143 for SIGTERM, 130 for SIGINT). It
// never exits with 0 while serving: the host takes 0 for a worker that is done, does not start another one, and every
// later invocation fails. A host that is going down itself does not look at the code.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/diagnosis"
	"github.com/pgpreflight/pgpreflight/shared/logging"
)

const usage = `usage: handler [serve]
       handler check [-format text|json|html|md|wiki|junit] FILE
       handler judge [-json] REPORT
       handler explain < ERROR_TEXT

serve     answer the Functions host on 127.0.0.1:$FUNCTIONS_CUSTOMHANDLER_PORT; the default
check     run the request in FILE (- for standard input) from here and write its report; exits 0 ready, 1 not ready or
          unsupported, 2 inconclusive, 3 rejected
judge     judge the observations of the stored report in REPORT again with today's rules; exits as check does
explain   say what a pasted error text means; exits 0 where it is known, 1 where it is not
`

// The exit codes that are no signal's.
const (
	exitFailed = 1
	exitUsage  = 2
)

// process is what a command has of the operating system.
type process struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	// progress is told of the layers of a check that somebody watches; nil where nobody does.
	progress func(ctx context.Context, leg string, layer diagnosis.Layer)
}

func main() {
	p := process{getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, now: time.Now}
	os.Exit(run(os.Args[1:], p))
}

// run chooses the command and returns the exit code.
func run(args []string, p process) int {
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch {
	case command == "serve" && len(args) == 0:
		return serve(p)
	case command == "check":
		return checkOnce(args, p)
	case command == "judge":
		return judgeAgain(args, p)
	case command == "explain" && len(args) == 0:
		return explainText(p)
	case command == "help", command == "-h", command == "--help":
		_, _ = fmt.Fprint(p.stdout, usage)
		return 0
	}
	_, _ = fmt.Fprintf(p.stderr, "handler: cannot do %q\n%s", append([]string{command}, args...), usage)
	return exitUsage
}

// fail writes one line to standard error: the host shows the last lines of it when a handler dies. A wrong setting is
// quoted there, and people paste connection strings where they do not belong.
func (p process) fail(err error) int {
	_, _ = fmt.Fprintf(p.stderr, "handler: %s\n", logging.Redact(err.Error()))
	return exitFailed
}
