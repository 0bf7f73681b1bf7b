"""From an HTTP request to the user's handler and back: CloudEvents in, parser.complete out."""

import base64
import hashlib
import json
import os
import time
import traceback
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, to_binary_event
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent
from dateutil.parser import isoparse

MAX_MESSAGE = 512
# None where an event lacks them, so that a handler need not ask first.
OPTIONAL = {"subject", "time", "datacontenttype", "dataschema"}
TITLES = {400: "Not a CloudEvent", 405: "Method Not Allowed", 413: "Content Too Large"}


class Event(dict):
    """The CloudEvents attributes and the parsed `data`: `event.data["x"]` and `event["data"]["x"]` are the same."""

    def __getattr__(self, name):
        try:
            return self.get(name) if name in OPTIONAL else self[name]
        except KeyError:
            raise AttributeError(f"the event has no attribute {name!r}: it has {', '.join(self)}") from None


class NotAnEvent(Exception):
    """Told to the caller as 400: no broker sends such a request."""


class BadData(Exception):
    """An event whose data is not what its content type says."""


class ResultNotSerializable(Exception):
    """What the handler returned has no JSON form."""


def responder(call, log):
    """(method, headers, body) → (status, headers, body). `call` runs the user's handler."""

    async def respond(method, headers, body):
        if method != "POST":
            return problem(405, f"{method} is not for this address: POST a CloudEvent to it", {"allow": "POST"})
        if body is None:
            return problem(413, "the event is larger than 8 MiB")
        try:
            event, bad_data = read_event(headers, body)
        except NotAnEvent as error:
            return problem(400, str(error))
        started = time.perf_counter()
        outcome = {}
        try:
            if bad_data:
                raise bad_data
            result = await call(event)
            outcome = {"succeeded": True, "result": json.loads(json_of(result))}
        except (Exception, SystemExit) as error:
            outcome = {"succeeded": False, "error": {"type": type(error).__name__, "message": str(error)[:MAX_MESSAGE]}}
            log("error", "the handler failed", event=event["id"], stack=traceback.format_exc())
        outcome["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        return reply(event, outcome)

    return respond


def read_event(headers, body):
    """The event, and what is wrong with its data (which its sender learns by the reply, not by a 400 that a broker would swallow)."""
    media_type = media_type_of(headers.get("content-type", ""))
    try:
        if media_type.startswith("application/cloudevents-batch"):
            raise NotAnEvent("batches are not supported: send one event a request")
        if media_type.startswith("application/cloudevents"):
            attributes, data, bad_data = structured(body)
        elif "ce-specversion" in headers or "ce-id" in headers:
            attributes, data, bad_data = binary(headers, body)
        else:
            raise NotAnEvent('this is no CloudEvent: it has neither "ce-" headers nor content type application/cloudevents+json')
    except (CloudEventValidationError, ValueError) as error:
        raise NotAnEvent(f"this is no valid CloudEvent: {' '.join(str(error).split())}") from error
    if isinstance(attributes.get("time"), datetime):
        attributes["time"] = attributes["time"].isoformat().replace("+00:00", "Z")
    return Event({**attributes, "data": data}), bad_data


def binary(headers, body):
    require({name: headers.get(f"ce-{name}") for name in REQUIRED})
    # The body apart: the SDK takes JSON that it can't parse for text.
    attributes = from_binary_event(HTTPMessage(headers=headers, body=b"")).get_attributes()
    declared = media_type_of(str(attributes.get("datacontenttype") or "application/json"))
    if not body:
        return attributes, None, None
    if declared.endswith(("/json", "+json")):
        try:
            return attributes, json.loads(body), None
        except ValueError as error:
            return attributes, None, BadData(f"the event's data is not the JSON that its content type {declared} says: {error}")
    return attributes, body.decode() if declared.startswith("text/") else body, None


def structured(body):
    document = json.loads(body)
    if not isinstance(document, dict):
        raise NotAnEvent("this is no valid CloudEvent: the body is no JSON object")
    require(document)
    data, encoded = document.pop("data", None), document.pop("data_base64", None)
    if encoded is not None:
        data = base64.b64decode(encoded, validate=True)
        if media_type_of(str(document.get("datacontenttype") or "")).endswith(("/json", "+json")):
            data = json.loads(data)
    if "time" in document:
        document["time"] = isoparse(document["time"])
    return CloudEvent({name: value for name, value in document.items() if value is not None}, None).get_attributes(), data, None


REQUIRED = ["specversion", "id", "source", "type"]


def require(attributes):
    """The SDK makes up an id and a version where they are missing: two deliveries of one event would be two events."""
    missing = [name for name in REQUIRED if not (isinstance(attributes.get(name), str) and attributes[name])]
    if missing:
        raise NotAnEvent(f"this is no valid CloudEvent: {', '.join(missing)} missing or no text")
    if attributes["specversion"] != "1.0":
        raise NotAnEvent(f"specversion {attributes['specversion']!r} is not supported: send 1.0")


def media_type_of(content_type):
    return content_type.split(";")[0].strip().lower()


def json_of(result):
    try:
        # Not NaN: it is in no JSON that others read. Encoded, since a lone surrogate has no UTF-8 form.
        return json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultNotSerializable(
            f"the handler's result can't be written as JSON ({error}): return dicts, lists, strings, numbers, booleans or None"
        ) from None


def derive_id(*parts):
    """A stable id: the same parts give the same 32 hex digits, so a redelivery yields the same event again."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return digest.hexdigest()[:32]


def source():
    owner, parser = os.environ.get("THIRD_PARTY_ID"), os.environ.get("PARSER_ID")
    return f"knative-lambda/functions/{owner}/{parser}" if owner and parser else "knative-lambda/functions"


def context_id(data):
    value = None
    if isinstance(data, dict):
        value = data.get("context_id") if data.get("context_id") is not None else data.get("contextId")
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def reply(event, outcome):
    attributes = {
        "specversion": "1.0",
        "id": derive_id(event["source"], event["id"], "parser.complete"),
        "source": source(),
        "type": "parser.complete",
        "time": datetime.now(timezone.utc),
        "datacontenttype": "application/json",
        "correlationid": str(event.get("correlationid") or event["id"]),
        "causationid": event["id"],
    }
    for name in ("subject", "traceparent"):
        if event.get(name):
            attributes[name] = str(event[name])
    data = json_of({"context_id": context_id(event["data"]), **outcome})
    message = to_binary_event(CloudEvent(attributes, data))
    headers = {**message.headers, "x-correlation-id": message.headers["ce-correlationid"]}
    trace = str(event.get("traceparent") or "").split("-")
    if len(trace) == 4:
        headers["x-trace-id"] = trace[1]
    return 200, headers, message.body


def problem(status, detail, headers=None):
    body = json.dumps({"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail})
    return status, {"content-type": "application/problem+json", **(headers or {})}, body.encode()
