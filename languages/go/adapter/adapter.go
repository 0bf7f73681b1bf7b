// Package adapter runs the user's function as a CloudEvents server: the program of every Go function.
package adapter

import (
	"bytes"
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
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// Above the contract's 1 MiB of an event, so that the platform's limit is the one that counts.
const maxEventBytes = 8 << 20

// Deeper JSON is refused in every language.
const maxDepth = 200

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
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEventBytes))
		if err != nil {
			refuse(w, err)
			return
		}
		decodeHeaders(r.Header)
		r.Body = io.NopCloser(bytes.NewReader(body))
		event, err := read(r)
		if err != nil {
			if event = identified(r.Header, body); event == nil {
				refuse(w, err)
				return
			}
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

func read(r *http.Request) (*cloudevents.Event, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents-batch") {
		return nil, errors.New("batches are not supported: send one event a request")
	}
	message := cehttp.NewMessageFromHttpRequest(r)
	if message.ReadEncoding() == binding.EncodingUnknown {
		return nil, errors.New(`this is no CloudEvent: it has neither "ce-" headers nor content type application/cloudevents+json`)
	}
	event, err := binding.ToEvent(r.Context(), message)
	if err != nil {
		return nil, fmt.Errorf("this is no valid CloudEvent: %w", err)
	}
	if err := event.Validate(); err != nil {
		return nil, fmt.Errorf("this is no valid CloudEvent: %w", err)
	}
	return event, nil
}

// invoke turns an error or a panic into the outcome that tells of it. Not a crash: other events are in flight in this
// process.
func invoke(ctx context.Context, call handler, event cloudevents.Event) (outcome outcome) {
	defer func() {
		if reason := recover(); reason != nil {
			log("the handler panicked", event.ID(), string(debug.Stack()))
			outcome = failed("panic", fmt.Sprint(reason))
		}
	}()
	if problem := problemOfData(event); problem != nil {
		return failed("BadData", problem.Error())
	}
	result, err := call(ctx, event)
	if err != nil {
		log("the handler failed", event.ID(), err.Error())
		return failed(fmt.Sprintf("%T", err), err.Error())
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		log("the handler's result is not serializable", event.ID(), err.Error())
		return failed("ResultNotSerializable", fmt.Sprintf("the handler's result can't be written as JSON (%v): return structs, maps with string keys, slices, strings, numbers, booleans or nil", err))
	}
	return succeeded(encoded)
}

func problemOfData(event cloudevents.Event) error {
	contentType := strings.TrimSpace(strings.ToLower(strings.Split(event.DataContentType(), ";")[0]))
	isJSON := contentType == "" || strings.HasSuffix(contentType, "/json") || strings.HasSuffix(contentType, "+json")
	data := event.Data()
	if !isJSON || len(data) == 0 {
		return nil
	}
	problem := ""
	var parsed json.RawMessage
	if !utf8.Valid(data) {
		problem = "is not valid UTF-8"
	} else if err := json.Unmarshal(data, &parsed); err != nil {
		problem = fmt.Sprintf("is no valid JSON: %v", err)
	} else if isTooDeep(data) {
		problem = fmt.Sprintf("is nested more than %d levels deep", maxDepth)
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("the event's data %s, against its content type %s", problem, contentType)
}

// isTooDeep is told of valid JSON.
func isTooDeep(data []byte) bool {
	depth, inText := 0, false
	for at := 0; at < len(data); at++ {
		switch sign := data[at]; {
		case inText && sign == '\\':
			at++
		case sign == '"':
			inText = !inText
		case !inText && (sign == '[' || sign == '{'):
			if depth++; depth > maxDepth {
				return true
			}
		case !inText && (sign == ']' || sign == '}'):
			depth--
		}
	}
	return false
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": err.Error()})
}

func log(message, event, stack string) {
	_ = json.NewEncoder(os.Stderr).Encode(map[string]string{"level": "error", "msg": message, "event": event, "stack": stack})
}
