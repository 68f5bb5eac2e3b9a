package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/text"
)

// screen is where a person reads.
type screen struct {
	out   io.Writer
	color bool
}

// newScreen uses colours on a terminal, unless NO_COLOR is set.
func newScreen(file *os.File) screen {
	info, err := file.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return screen{out: file, color: terminal && os.Getenv("NO_COLOR") == ""}
}

// progress says what begins and, by the function it returns, how it ended.
func (s screen) progress(what string) func(error) {
	started := time.Now()
	s.print("%s … ", what)
	return func(err error) {
		if err != nil {
			s.print("failed\n")
			return
		}
		s.print("%.1f s\n", time.Since(started).Seconds())
	}
}

func (s screen) title(text string) { s.print("\n── %s\n", text) }

func (s screen) note(text string) { s.print("\n%s\n", text) }

func (s screen) report(r report.Report) error {
	s.print("\n")
	return text.Write(s.out, r, text.Options{Color: s.color})
}

func (s screen) print(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format, args...) // a closed terminal is no reason to leave servers running
}
