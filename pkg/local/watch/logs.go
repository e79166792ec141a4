package watch

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Line is a line of the log.
type Line struct {
	At         time.Duration // since the request began
	Level      slog.Level
	Message    string
	Attributes []Attribute
}

// Attribute is a name and a value of a line. Names in groups have a dot.
type Attribute struct{ Name, Value string }

// Logs notes the lines that are logged in the context of a watched request, and
// hands all to next.
func Logs(next slog.Handler) slog.Handler { return logs{next: next} }

type logs struct {
	next  slog.Handler
	group string
	given []Attribute
}

func (l logs) Enabled(ctx context.Context, level slog.Level) bool { return l.next.Enabled(ctx, level) }

func (l logs) Handle(ctx context.Context, record slog.Record) error {
	if n := noteOf(ctx); n != nil {
		line := Line{At: n.since(), Level: record.Level, Message: cut(record.Message), Attributes: slices.Clone(l.given)}
		record.Attrs(func(a slog.Attr) bool {
			line.Attributes = flatten(line.Attributes, l.group, a)
			return true
		})
		n.line(line)
	}
	return l.next.Handle(ctx, record)
}

func (l logs) WithAttrs(attributes []slog.Attr) slog.Handler {
	given := slices.Clone(l.given)
	for _, a := range attributes {
		given = flatten(given, l.group, a)
	}
	return logs{l.next.WithAttrs(attributes), l.group, given}
}

func (l logs) WithGroup(name string) slog.Handler {
	return logs{l.next.WithGroup(name), l.group + name + ".", l.given}
}

func flatten(list []Attribute, group string, a slog.Attr) []Attribute {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(list, Attribute{group + a.Key, cut(value.String())})
	}
	if a.Key != "" {
		group += a.Key + "."
	}
	for _, inner := range value.Group() {
		list = flatten(list, group, inner)
	}
	return list
}
