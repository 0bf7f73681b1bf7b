package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// Above the contract's 1 MiB of an event, so that the platform's limit is the one that counts.
const maxEventBytes = 8 << 20

// Deeper JSON is refused in every language.
const maxDepth = 200

// refusal is of what is no event. No Broker sends it.
type refusal struct {
	status int
	detail string
}

func (r refusal) Error() string { return r.detail }

// readRequest is an event, or an error. An event with an error can't be handed over: its sender learns why by the
// answer, since a Broker takes a 4xx for delivered.
func readRequest(r *http.Request) (*cloudevents.Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEventBytes+1))
	if err != nil {
		return nil, err
	}
	isTooLarge := len(body) > maxEventBytes
	if isTooLarge {
		// To its end, so that its sender can read the answer.
		_, _ = io.Copy(io.Discard, r.Body)
	}
	repeated := decodeHeaders(r.Header)
	r.Body = io.NopCloser(bytes.NewReader(body))
	event, err := readEvent(r)
	if isTooLarge {
		err = refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the event's data has more than %d bytes", maxEventBytes)}
	}
	if repeated != "" {
		err = fmt.Errorf("the event has the header %s more than once", repeated)
	}
	if err != nil {
		return identified(r.Header, body), err
	}
	return event, problemOf(event, body, isStructured(r.Header))
}

func readEvent(r *http.Request) (*cloudevents.Event, error) {
	switch contentType := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/cloudevents-batch"):
		return nil, refusal{http.StatusUnsupportedMediaType, "batches are not supported: send one event a request"}
	case strings.HasPrefix(contentType, "application/cloudevents") && !isStructured(r.Header):
		return nil, refusal{http.StatusUnsupportedMediaType, "the event format " + contentType + " is not supported: use " + cloudevents.ApplicationCloudEventsJSON}
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

func isStructured(header http.Header) bool {
	return strings.HasPrefix(header.Get("Content-Type"), cloudevents.ApplicationCloudEventsJSON)
}

func problemOf(event *cloudevents.Event, body []byte, isStructured bool) error {
	if event.SpecVersion() != cloudevents.VersionV1 {
		return fmt.Errorf("the event's specversion is %q: send the event in version 1.0", event.SpecVersion())
	}
	var document map[string]json.RawMessage
	if isStructured {
		_ = json.Unmarshal(body, &document)
	}
	if document["data"] != nil && document["data_base64"] != nil {
		return errors.New("the event has both data and data_base64: keep one of them")
	}
	if isJSON(event) {
		event.DataEncoded = bytes.TrimPrefix(event.DataEncoded, []byte("\ufeff"))
	}
	return problemOfData(event)
}

func isJSON(event *cloudevents.Event) bool {
	contentType := mediaType(event)
	return contentType == "" || strings.HasSuffix(contentType, "/json") || strings.HasSuffix(contentType, "+json")
}

func mediaType(event *cloudevents.Event) string {
	return strings.TrimSpace(strings.ToLower(strings.Split(event.DataContentType(), ";")[0]))
}

func problemOfData(event *cloudevents.Event) error {
	data := event.Data()
	if !isJSON(event) || len(data) == 0 {
		return nil
	}
	problem := ""
	var parsed json.RawMessage
	if !utf8.Valid(data) {
		problem = "is not valid UTF-8"
	} else if isTooDeep(data) {
		problem = fmt.Sprintf("is nested more than %d levels deep", maxDepth)
	} else if err := json.Unmarshal(data, &parsed); err != nil {
		problem = fmt.Sprintf("is no valid JSON: %v", err)
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("the event's data %s, against its content type %s", problem, mediaType(event))
}

// isTooDeep counts brackets outside of texts.
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
