// Package logging writes one JSON object a line, with the invocation it belongs to and without secrets. Lines go where
// the caller says: the host files standard output as information and standard error as errors.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// Options say where lines go and what must not be in them.
type Options struct {
	Writer io.Writer
	// Level is the lowest level that is written; nil means Info.
	Level slog.Leveler
	// Secrets are known values that are taken out wherever they turn up, such as in the error of a client library.
	Secrets []secret.String
}

// New makes a logger.
func New(o Options) *slog.Logger {
	known := literals(o.Secrets)
	clean := func(text string) string { return bound(Redact(known.Replace(text))) }
	inner := slog.NewJSONHandler(o.Writer, &slog.HandlerOptions{
		Level:       o.Level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr { return replace(groups, a, clean) },
	})
	return slog.New(handler{inner})
}

// Invocation is the host's call that a line belongs to. Trace is the id of the trace that it belongs to; empty where
// there is none.
type Invocation struct{ ID, Function, Trace string }

type invocationKey struct{}

// WithInvocation marks everything that is logged with this context.
func WithInvocation(ctx context.Context, i Invocation) context.Context {
	return context.WithValue(ctx, invocationKey{}, i)
}

// InvocationOf gives the invocation of a context; empty outside of one.
func InvocationOf(ctx context.Context) Invocation {
	i, _ := ctx.Value(invocationKey{}).(Invocation)
	return i
}

// handler adds the invocation: the host does not link a line to it by itself.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, record slog.Record) error {
	if i := InvocationOf(ctx); i != (Invocation{}) {
		record = record.Clone()
		record.AddAttrs(slog.String("invocationId", i.ID), slog.String("function", i.Function))
		if i.Trace != "" {
			record.AddAttrs(slog.String("traceId", i.Trace))
		}
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

// shortestSecret keeps a short value from blanking out half of every line.
const shortestSecret = 6

func literals(secrets []secret.String) *strings.Replacer {
	var values []string
	for _, s := range secrets {
		if value := s.Reveal(); len(value) >= shortestSecret {
			values = append(values, value)
		}
	}
	// The longest first, so that a key does not break up the connection string that holds it.
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(values))
	for _, value := range values {
		pairs = append(pairs, value, redacted)
	}
	return strings.NewReplacer(pairs...)
}

// longest bounds one text: a line that is too long is cut by what collects it, in the middle of its JSON.
const longest = 16 << 10

func bound(text string) string {
	if len(text) > longest {
		cut := longest
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = fmt.Sprintf("%s… (%d bytes in all)", text[:cut], len(text))
	}
	return text
}

// escape makes visible what JSON leaves as it is and a terminal may obey: DEL and the C1 controls.
func escape(text string) string {
	if !strings.ContainsFunc(text, isUpperControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isUpperControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isUpperControl(r rune) bool { return r >= 0x7f && unicode.IsControl(r) }
