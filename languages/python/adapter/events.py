"""From an HTTP request to the user's handler and back: CloudEvents in, parser.complete out."""

import base64
import hashlib
import json
import math
import os
import re
import time
import traceback
from datetime import date, datetime, timezone
from urllib.parse import quote, unquote_to_bytes

from calls import text_of
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

MAX_MESSAGE = 512
LONGEST_STACK = 2000
# None where an event lacks them, so that a handler need not ask first.
OPTIONAL = {"subject", "time", "datacontenttype", "dataschema"}
TITLES = {400: "Not a CloudEvent", 405: "Method Not Allowed", 413: "Content Too Large", 415: "Unsupported Media Type"}
TOO_LARGE = "has more than 8388608 bytes"


class Event(dict):
    """The CloudEvents attributes and the parsed `data`: `event.data["x"]` and `event["data"]["x"]` are the same."""

    def __getattr__(self, name):
        try:
            return self.get(name) if name in OPTIONAL else self[name]
        except KeyError:
            raise AttributeError(f"the event has no attribute {name!r}: it has {', '.join(self)}") from None

    def __missing__(self, name):
        """AWS Lambda's event is the data alone."""
        if isinstance(self.get("data"), dict) and name in self["data"]:
            raise KeyError(f"{name}: it is in the event's data, event.data[{name!r}]")
        raise KeyError(name)


class NotAnEvent(Exception):
    """Told to the caller as a 4xx: no broker sends such a request."""

    def __init__(self, message, status=400):
        super().__init__(message)
        self.status = status


class BadData(Exception):
    """An event whose data is not what its content type says."""


class ResultNotSerializable(Exception):
    """What the handler returned has no JSON form."""


def responder(call, log):
    """(method, pairs of headers, body or None where it is too large) → (status, headers, body). `call` runs the user's handler and returns (result, error)."""

    async def respond(method, headers, body):
        if method != "POST":
            return problem(405, f"{method} is not for this address: POST a CloudEvent to it", {"allow": "POST"})
        try:
            event, bad_data = read_event(headers, body)
        except NotAnEvent as error:
            return problem(error.status, str(error))
        started = time.perf_counter()
        result, error = (None, bad_data) if bad_data else await call(event)
        outcome = outcome_of(result, error)
        stack = None
        if not outcome["succeeded"]:
            stack = stack_of(error, outcome["error"])
            log("error", "the handler failed", event=event["id"], stack=stack)
        outcome["duration_ms"] = round((time.perf_counter() - started) * 1000, 3)
        return reply(event, outcome, stack)

    return respond


def outcome_of(result, error):
    if error is None:
        try:
            return {"succeeded": True, "result": json.loads(json_of(result))}
        except BaseException as problem:
            error = problem
    return {"succeeded": False, "error": {"type": type(error).__name__, "message": well_formed(text_of(error))[:MAX_MESSAGE]}}


def stack_of(error, told):
    if error is None:
        return f"{told['type']}: {told['message']}"
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except BaseException:
        return f"{told['type']}: {told['message']}"


def read_event(pairs, body):
    """The event, and what is wrong with it (which its sender learns by the reply, not by a 400 that a broker would swallow)."""
    headers = dict(pairs)
    media_type = media_type_of(headers.get("content-type", ""))
    if media_type.startswith("application/cloudevents-batch"):
        raise NotAnEvent("batches are not supported: send one event a request", 415)
    if media_type.startswith("application/cloudevents"):
        if media_type != "application/cloudevents+json":
            raise NotAnEvent(f"the event format {media_type} is not supported: use application/cloudevents+json", 415)
        attributes, data, bad_data = structured(body)
    elif "ce-specversion" in headers or "ce-id" in headers:
        attributes, data, bad_data = binary(headers, body)
        names = [name for name, _ in pairs if name.startswith("ce-")]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            bad_data = BadData(f"the event has the header {repeated} more than once")
    else:
        raise NotAnEvent('this is no CloudEvent: it has neither "ce-" headers nor content type application/cloudevents+json')
    if attributes["specversion"] != "1.0":
        bad_data = BadData(f"the event's specversion is {attributes['specversion']!r}: send the event in version 1.0")
    return Event({**attributes, "data": data}), bad_data


def binary(headers, body):
    attributes = {name[3:]: decode_header(value) for name, value in headers.items() if name.startswith("ce-")}
    # An optional attribute without a value counts as missing.
    attributes = {name: value for name, value in attributes.items() if value}
    require(attributes)
    if headers.get("content-type"):
        attributes["datacontenttype"] = headers["content-type"]
    # Data is the body: a header of this name would hide it.
    attributes.pop("data", None)
    if body is None:
        return attributes, None, BadData(f"the event's data {TOO_LARGE}")
    return attributes, *decode_data(body or None, attributes.get("datacontenttype"))


def structured(body):
    if body is None:
        raise NotAnEvent(f"the event {TOO_LARGE}", 413)
    try:
        document = parse_json(body)
    except ValueError as error:
        raise NotAnEvent(f"this is no valid CloudEvent: the body {error}") from error
    if not isinstance(document, dict):
        raise NotAnEvent("this is no valid CloudEvent: the body is no JSON object")
    document = {name: value for name, value in document.items() if value not in (None, "") or name == "data"}
    require(document)
    has_both = "data" in document and "data_base64" in document
    data, encoded = document.pop("data", None), document.pop("data_base64", None)
    if has_both:
        return document, None, BadData("the event has both data and data_base64: keep one of them")
    if encoded is None:
        return document, data, None
    try:
        data = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError) as error:
        return document, None, BadData(f"the event's data_base64 is no base64: {error}")
    return document, *decode_data(data, document.get("datacontenttype"))


def decode_data(body, content_type):
    """(data, what is wrong with it): JSON is parsed, text that is UTF-8 a string, all else bytes. The same in every language: see docs/functions.md."""
    media_type = media_type_of(str(content_type or ""))
    if body is None:
        return None, None
    if media_type == "" or re.fullmatch(r"[^/\s]+/([^/\s]+\+)?json", media_type):
        try:
            return parse_json(body), None
        except ValueError as error:
            return body, BadData(f"the event's data {error}, against its content type {media_type or 'application/json'}")
    if re.match(r"text/|application/([^/\s]+\+)?(xml|yaml)$", media_type):
        try:
            return body.decode(), None
        except UnicodeDecodeError:
            return body, None
    return body, None


def parse_json(body):
    """Raises ValueError with what is wrong, for UTF-8, syntax and depth alike."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not valid UTF-8") from None
    try:
        parsed = json.loads(text, parse_constant=no_constant)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(f"is no valid JSON: {error}") from None
    if is_too_deep(text):
        raise ValueError(TOO_DEEP)
    return parsed


MAX_DEPTH = 200
TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"


def no_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def is_too_deep(text):
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[][{}]', text):
        sign = token[0]
        depth += 1 if sign in "[{" else -1 if sign in "]}" else 0
        if depth > MAX_DEPTH:
            return True
    return False


def decode_header(value):
    """By section 3.1.3.2 of the HTTP binding, and lenient: what was sent unencoded is read too, and a `%` that begins no UTF-8 stays as it is."""
    try:
        value = value.encode("latin-1").decode()
    except ValueError:
        pass
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value, re.S)
    if quoted:
        value = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.S)
    return re.sub(r"(?:%[0-9a-fA-F]{2})+", decode_run, value)


def decode_run(run):
    try:
        return unquote_to_bytes(run[0]).decode()
    except UnicodeDecodeError:
        return run[0]


def well_formed(text):
    """A lone surrogate has no UTF-8 form: U+FFFD in its place."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


REQUIRED = ["specversion", "id", "source", "type"]


def require(attributes):
    """The SDK makes up an id and a version where they are missing: two deliveries of one event would be two events."""
    missing = [name for name in REQUIRED if not (isinstance(attributes.get(name), str) and attributes[name])]
    if missing:
        raise NotAnEvent(f"this is no valid CloudEvent: {', '.join(missing)} missing or no text")
    # A Broker takes events of version 0.3, and delivers them: a 4xx would be the end of the event.
    if attributes["specversion"] not in ("1.0", "0.3"):
        raise NotAnEvent(f"specversion {attributes['specversion']!r} is not supported: send 1.0")


def media_type_of(content_type):
    return content_type.split(";")[0].strip().lower()


def json_of(result):
    try:
        # Not NaN: it is in no JSON that others read.
        return dumped(result)
    except Exception as error:
        raise ResultNotSerializable(
            f"the handler's result can't be written as JSON ({error}): return dicts, lists, strings, numbers, booleans or None"
        ) from None


def dumped(value):
    options = {"allow_nan": False, "separators": (",", ":"), "default": other_json}
    try:
        return json.dumps(value, ensure_ascii=False, **options).encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form, but an escape.
        return json.dumps(value, **options).encode("utf-8")


def other_json(value):
    """Dates as the other languages write them."""
    if isinstance(value, (date, datetime)):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


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
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number or isinstance(value, str) else None


def reply(event, outcome, stack=None):
    attributes = {
        "specversion": "1.0",
        "id": derive_id(event["source"], event["id"], "parser.complete"),
        "source": source(),
        "type": "parser.complete",
        "time": datetime.now(timezone.utc),
        "datacontenttype": "application/json",
        "correlationid": well_formed(str(event.get("correlationid") or event["id"])),
        "causationid": well_formed(event["id"]),
    }
    for name in ("subject", "traceparent"):
        if event.get(name):
            attributes[name] = well_formed(str(event[name]))
    data = json_of({"context_id": context_id(event["data"]), **outcome})
    message = to_binary_event(CloudEvent(attributes, data))
    headers = {**message.headers, "x-correlation-id": message.headers["ce-correlationid"]}
    if stack is not None:
        # Only the door reads it, and keeps it for those who ask why. The end is where the error was raised.
        headers["x-function-stack"] = quote(well_formed(stack)[-LONGEST_STACK:])
    trace = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", str(event.get("traceparent") or ""))
    if trace:
        headers["x-trace-id"] = trace[1]
    return 200, headers, message.body


def problem(status, detail, headers=None):
    body = json.dumps({"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail})
    return status, {"content-type": "application/problem+json", **(headers or {})}, body.encode()
