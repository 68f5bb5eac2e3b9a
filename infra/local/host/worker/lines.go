package worker

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// longestLine bounds what is kept of a line without an end, in bytes.
const longestLine = 64 << 10

// tail is how many lines of stderr go into the error of a crash (facts section 1, exit codes).
const tail = 3

// lines is a writer that turns the handler's output into log lines, one trace per line.
type lines struct {
	log   *slog.Logger
	level func(line string) slog.Level

	mu      sync.Mutex
	partial []byte
	recent  []string
}

func newLines(log *slog.Logger, level func(string) slog.Level) *lines {
	return &lines{log: log, level: level}
}

// Write implements io.Writer.
func (l *lines) Write(chunk []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, chunk...)
	for {
		end := bytes.IndexByte(l.partial, '\n')
		if end < 0 && len(l.partial) < longestLine {
			return len(chunk), nil
		}
		if end < 0 {
			end = len(l.partial) - 1
		}
		l.emit(string(l.partial[:end+1]))
		l.partial = append(l.partial[:0], l.partial[end+1:]...)
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.emit(string(l.partial))
	l.partial = nil
}

func (l *lines) emit(line string) {
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return
	}
	l.recent = append(l.recent[max(0, len(l.recent)-tail+1):], line)
	l.log.Log(context.Background(), l.level(line), line, "category", "Host.Function.Console")
}

func (l *lines) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.recent...)
}

// stderrLevel judges a line on stderr by its words (facts section 5, logging). Where stderr is for errors only,
// whatever is no warning is an error.
func stderrLevel(errorsOnly bool) func(string) slog.Level {
	return func(line string) slog.Level {
		lower := strings.ToLower(line)
		isError := strings.Contains(lower, "error") || strings.Contains(lower, "fail") || strings.Contains(lower, "severe")
		switch {
		case strings.Contains(lower, "warn"):
			return slog.LevelWarn
		case errorsOnly || isError:
			return slog.LevelError
		default:
			return slog.LevelInfo
		}
	}
}
