package adapter

import (
	"context"
	"fmt"
	stdlog "log"
	"log/slog"
	"os"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type callKey struct{}

// withEvent ties to its call what a handler logs by slog.InfoContext(ctx, …) and the like.
func withEvent(ctx context.Context, event cloudevents.Event) context.Context {
	correlation := event.ID()
	if given, ok := event.Extensions()["correlationid"]; ok && fmt.Sprint(given) != "" {
		correlation = fmt.Sprint(given)
	}
	about := []slog.Attr{slog.String("event", event.ID()), slog.String("correlation_id", correlation)}
	trace, _ := event.Extensions()["traceparent"].(string)
	if parts := strings.Split(trace, "-"); len(parts) == 4 {
		about = append(about, slog.String("trace_id", parts[1]))
	}
	return context.WithValue(ctx, callKey{}, about)
}

type callHandler struct{ slog.Handler }

func (h callHandler) Handle(ctx context.Context, record slog.Record) error {
	if about, ok := ctx.Value(callKey{}).([]slog.Attr); ok {
		record = record.Clone()
		record.AddAttrs(about...)
	}
	return h.Handler.Handle(ctx, record)
}

func (h callHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return callHandler{h.Handler.WithAttrs(attrs)}
}

func (h callHandler) WithGroup(name string) slog.Handler {
	return callHandler{h.Handler.WithGroup(name)}
}

// setLog makes slog write lines of JSON to stderr, unless the user's own init chose another handler. Package log stays
// as it is.
func setLog() {
	if fmt.Sprintf("%T", slog.Default().Handler()) != "*slog.defaultHandler" {
		return
	}
	writer, flags := stdlog.Writer(), stdlog.Flags()
	slog.SetDefault(slog.New(callHandler{slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: named})}))
	stdlog.SetOutput(writer)
	stdlog.SetFlags(flags)
}

// named writes levels as the adapters of the other languages do.
func named(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 && attr.Key == slog.LevelKey {
		return slog.String(slog.LevelKey, strings.ToLower(attr.Value.String()))
	}
	return attr
}
