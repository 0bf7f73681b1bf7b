package adapter

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

var (
	quoted  = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)"$`)
	escape  = regexp.MustCompile(`\\(.)`)
	percent = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`)
)

// decodeHeaders decodes attributes in place (HTTP binding, section 3.1.3.2), which the SDK does not. Lenient: also what
// was sent unencoded is read, and a "%" that begins no UTF-8 stays as it is. Returns one that is there more than once.
func decodeHeaders(header http.Header) (repeated string) {
	// Data is the body: a header of this name would hide it.
	header.Del("Ce-Data")
	for name, values := range header {
		if !strings.HasPrefix(name, "Ce-") {
			continue
		}
		if len(values) > 1 {
			repeated = strings.ToLower(name)
		}
		for index, value := range values {
			values[index] = decoded(value)
		}
		if values[0] == "" {
			// An attribute without a value counts as missing.
			header.Del(name)
		}
	}
	return repeated
}

func decoded(value string) string {
	if inner := quoted.FindStringSubmatch(value); inner != nil {
		value = escape.ReplaceAllString(inner[1], "$1")
	}
	return percent.ReplaceAllStringFunc(value, func(run string) string {
		raw := make([]byte, 0, len(run)/3)
		for at := 0; at < len(run); at += 3 {
			raw = append(raw, hexDigit(run[at+1])<<4|hexDigit(run[at+2]))
		}
		if !utf8.Valid(raw) {
			return run
		}
		return string(raw)
	})
}

func hexDigit(digit byte) byte {
	switch {
	case digit >= 'a':
		return digit - 'a' + 10
	case digit >= 'A':
		return digit - 'A' + 10
	}
	return digit - '0'
}

// identified is an event of which the SDK takes not all, by what an answer needs. Nil where it is no CloudEvent at all.
func identified(header http.Header, body []byte) *cloudevents.Event {
	attributes := map[string]any{}
	if strings.HasPrefix(header.Get("Content-Type"), "application/cloudevents") {
		_ = json.Unmarshal(body, &attributes)
	} else {
		for name := range header {
			if key, isAttribute := strings.CutPrefix(strings.ToLower(name), "ce-"); isAttribute {
				attributes[key] = header.Get(name)
			}
		}
	}
	text := func(name string) string { value, _ := attributes[name].(string); return value }
	if version := text("specversion"); version != "1.0" && version != "0.3" || text("id") == "" || text("source") == "" || text("type") == "" {
		return nil
	}
	event := cloudevents.NewEvent()
	event.SetID(text("id"))
	event.SetSource(text("source"))
	event.SetType(text("type"))
	event.SetSubject(text("subject"))
	for _, name := range []string{"correlationid", "traceparent"} {
		if text(name) != "" {
			event.SetExtension(name, text(name))
		}
	}
	return &event
}
