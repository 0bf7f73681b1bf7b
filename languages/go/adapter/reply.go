package adapter

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

const maxMessage = 512
const maxStack = 2000

// outcome is the data of parser.complete.
type outcome struct {
	ContextID any             `json:"context_id"`
	Succeeded bool            `json:"succeeded"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *failure        `json:"error,omitempty"`
	Duration  float64         `json:"duration_ms"`
	// Where the handler panicked. Only the door reads it, and keeps it for those who ask why.
	stack string
}

type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func succeeded(result json.RawMessage) outcome { return outcome{Succeeded: true, Result: result} }

func failed(kind, message string) outcome {
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage])
	}
	if message == "" {
		message = "it has no message"
	}
	return outcome{Error: &failure{Type: kind, Message: message}}
}

// answer replies in binary mode. The id is derived from the event, so that a redelivery yields the same reply.
func answer(w http.ResponseWriter, r *http.Request, event *cloudevents.Event, outcome outcome) {
	outcome.ContextID = contextID(event.Data())
	correlation := event.ID()
	if given, ok := event.Extensions()["correlationid"]; ok && fmt.Sprint(given) != "" {
		correlation = fmt.Sprint(given)
	}
	reply := cloudevents.NewEvent()
	reply.SetID(deriveID(event.Source(), event.ID(), "parser.complete"))
	reply.SetSource(source())
	reply.SetType("parser.complete")
	reply.SetTime(time.Now())
	if event.Subject() != "" {
		reply.SetSubject(encoded(event.Subject()))
	}
	reply.SetExtension("correlationid", encoded(correlation))
	reply.SetExtension("causationid", encoded(event.ID()))
	if trace, ok := event.Extensions()["traceparent"].(string); ok {
		reply.SetExtension("traceparent", trace)
		if parts := strings.Split(trace, "-"); len(parts) == 4 {
			w.Header().Set("X-Trace-ID", parts[1])
		}
	}
	w.Header().Set("X-Correlation-ID", encoded(correlation))
	if outcome.stack != "" {
		w.Header().Set("X-Function-Stack", encoded(outcome.stack[:min(len(outcome.stack), maxStack)]))
	}
	if err := reply.SetData(cloudevents.ApplicationJSON, outcome); err != nil {
		refuse(w, err)
		return
	}
	ctx := binding.WithForceBinary(r.Context())
	if err := cehttp.WriteResponseWriter(ctx, binding.ToMessage(&reply), http.StatusOK, w); err != nil {
		log("the reply could not be written", event.ID(), err.Error())
	}
}

// encoded is a value as a header carries it (HTTP binding, section 3.1.3.2). The SDK neither encodes nor decodes.
func encoded(value string) string {
	var header strings.Builder
	for _, b := range []byte(value) {
		if b > 0x20 && b < 0x7f && b != '"' && b != '%' {
			header.WriteByte(b)
		} else {
			fmt.Fprintf(&header, "%%%02X", b)
		}
	}
	return header.String()
}

// deriveID is a stable id: the same parts give the same 32 hex digits. Parts are length-prefixed, so no two lists
// collide by concatenation.
func deriveID(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))[:32]
}

func source() string {
	owner, parser := os.Getenv("THIRD_PARTY_ID"), os.Getenv("PARSER_ID")
	if owner == "" || parser == "" {
		return "knative-lambda/functions"
	}
	return "knative-lambda/functions/" + owner + "/" + parser
}

// contextID echoes context_id or contextId: a string or a number, as it was written.
func contextID(data []byte) any {
	var ids struct {
		Snake json.RawMessage `json:"context_id"`
		Camel json.RawMessage `json:"contextId"`
	}
	if json.Unmarshal(data, &ids) != nil {
		return nil
	}
	for _, id := range []json.RawMessage{ids.Snake, ids.Camel} {
		if len(id) > 0 && string(id) != "null" {
			if strings.ContainsAny(string(id[:1]), `"-0123456789`) {
				return id
			}
			return nil
		}
	}
	return nil
}
