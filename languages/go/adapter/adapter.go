// Package adapter runs the user's function as a CloudEvents server: the program of every Go function.
package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type handler = func(context.Context, cloudevents.Event) (any, error)

// Run serves until SIGTERM. It is generic so that a function may return a type of its own in place of any.
func Run[Result any](handle func(context.Context, cloudevents.Event) (Result, error)) {
	setLog()
	call := func(ctx context.Context, event cloudevents.Event) (any, error) {
		return handle(withEvent(ctx, event), event)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	// HOST is what the embedded platform sets; without it every interface, as a pod must.
	listener, err := listen(net.JoinHostPort(os.Getenv("HOST"), port))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot start: port %s can't be listened on: %v. PORT is set by the platform: leave it alone\n", port, err)
		os.Exit(1)
	}
	deadlines := &deadlines{each: timeOfACall(), listener: listener}
	server := &http.Server{Handler: routes(call, deadlines), MaxHeaderBytes: 1 << 20, ReadHeaderTimeout: 30 * time.Second}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	drained := make(chan struct{})
	go func() {
		<-stop
		deadlines.stopping.Store(true)
		// Takes no new connection and waits for what is in flight; the platform's grace period is the limit.
		_ = server.Shutdown(context.Background())
		close(drained)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintf(os.Stderr, "cannot serve: %v\n", err)
		os.Exit(1)
	}
	<-drained
}

func routes(call handler, deadlines *deadlines) http.Handler {
	mux := http.NewServeMux()
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }
	mux.HandleFunc("GET /health/liveness", healthy)
	mux.HandleFunc("GET /health/readiness", healthy)
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		event, err := readRequest(r)
		if err != nil && event == nil {
			refuse(w, err)
			return
		}
		if err != nil {
			answer(w, r, event, failed("BadData", err.Error()))
			return
		}
		started := time.Now()
		outcome := deadlines.invoke(r.Context(), call, *event)
		outcome.Duration = float64(time.Since(started).Microseconds()) / 1000
		answer(w, r, event, outcome)
	})
	return mux
}

// invoke turns an error or a panic into the outcome that tells of it. Not a crash: other events are in flight in this
// process.
func invoke(ctx context.Context, call handler, event cloudevents.Event) (outcome outcome) {
	defer func() {
		if reason := recover(); reason != nil {
			stack := string(debug.Stack())
			log("the handler panicked", event.ID(), fmt.Sprintf("panic: %v\n%s", reason, stack))
			outcome = failed("panic", fmt.Sprint(reason))
			outcome.stack = stack
		}
	}()
	result, err := call(ctx, event)
	if err != nil {
		log("the handler failed", event.ID(), err.Error())
		return failed(fmt.Sprintf("%T", err), messageOf(err))
	}
	var encoded []byte
	if _, isError := result.(error); isError {
		err = errors.New("it is an error, which is the second value that a handler returns")
	} else {
		encoded, err = json.Marshal(result)
	}
	if err != nil {
		log("the handler's result is not serializable", event.ID(), err.Error())
		return failed("ResultNotSerializable", fmt.Sprintf("the handler's result can't be written as JSON (%v): return structs, maps with string keys, slices, strings, numbers, booleans or nil", err))
	}
	return succeeded(encoded)
}

// messageOf is that of an error's cause where it has none itself. An error may be its own cause.
func messageOf(err error) string {
	for causes := 0; err != nil && causes < 5; causes++ {
		if err.Error() != "" {
			return err.Error()
		}
		err = errors.Unwrap(err)
	}
	return ""
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if refused := new(refusal); errors.As(err, refused) {
		status = refused.status
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": err.Error()})
}

func log(message, event, stack string) {
	_ = json.NewEncoder(os.Stderr).Encode(map[string]string{"level": "error", "msg": message, "event": event, "stack": stack})
}
