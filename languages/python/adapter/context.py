"""What a handler is called with: the event, and a context where it takes one.

One that was written for another platform would take the one for the other, silently: it is refused by its parameters.
"""

import inspect
import json
import math
import os
import re
import sys
import time
from datetime import datetime, timezone

CONTEXT = re.compile(r"_*(?:context|ctx)", re.IGNORECASE)
HERE = "Here it is called with (event, context)"


class Log:
    """Lines of JSON on stderr, with the event's id, the correlation's and the trace's."""

    def __init__(self, about):
        self._about = about

    def debug(self, message, /, **fields):
        self._write("debug", message, fields)

    def info(self, message, /, **fields):
        self._write("info", message, fields)

    def warning(self, message, /, **fields):
        self._write("warn", message, fields)

    def error(self, message, /, **fields):
        self._write("error", message, fields)

    def _write(self, level, message, fields):
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"level": level, "time": now, "msg": str(message)}
        try:
            text = json.dumps({**line, **fields, **line, **self._about}, default=str)
        except Exception:
            text = json.dumps({**line, **self._about, "fields": "no JSON"})
        # In one piece: other threads write as well.
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class Context:
    """docs/functions.md describes it, for every language."""

    def __init__(self, event, seconds):
        self._deadline = time.monotonic() + seconds
        self.id, self.source, self.type = event["id"], event["source"], event["type"]
        self.subject = event.get("subject")
        self.correlation_id = str(event.get("correlationid") or self.id)
        self.traceparent = event.get("traceparent")
        self.third_party_id, self.parser_id = os.environ.get("THIRD_PARTY_ID"), os.environ.get("PARSER_ID")
        trace = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", str(self.traceparent or ""))
        about = {"event": self.id, "correlation_id": self.correlation_id, "trace_id": trace and trace[1]}
        self.log = Log({name: value for name, value in about.items() if value})

    def remaining_ms(self):
        """Until the caller is told Timeout; infinite where calls have no limit."""
        left = max(0.0, self._deadline - time.monotonic())
        return left if left == math.inf else int(left * 1000)


def arguments_of(handler, seconds):
    """(event) → what the handler is called with. Its time runs from then on."""
    if takes_context(handler):
        return lambda event: (event, Context(event, seconds))
    return lambda event: (event,)


def takes_context(handler):
    """A second parameter with a default is somebody's own, unless it is called so."""
    second = parameters_of(handler)[1:2]
    return any(is_context(parameter) or is_required(parameter) for parameter in second)


def signature_problem(handler, name):
    """What is wrong with it, and what to write instead; None where nothing is."""
    if name == "lambda_handler":
        return f"is named as a handler of AWS Lambda, whose event is the data alone. {HERE}, and the data is event.data: write `def handler(event, context): return {name}(event.data, context)`, and take that one"
    first, second = [*parameters_of(handler), None, None][:2]
    if second and is_context(first):
        return f"takes {inspect.signature(handler)}, as func and Nuclio call it. {HERE}: write ({second.name}, {first.name})"
    is_other = second and is_required(second) and not is_context(second) and second.name.strip("_")
    if is_other or not can_be_called(handler, 2 if takes_context(handler) else 1):
        return f"takes {inspect.signature(handler)}. {HERE}, or with the event alone: write `def handler(event)` or `def handler(event, context)`, or give the other parameters defaults"
    return None


def place_of(handler, root):
    """Where it is written, such as `parser.py:3`."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    if code is None or not os.path.realpath(code.co_filename).startswith(f"{root}/"):
        return None
    return f"{os.path.relpath(os.path.realpath(code.co_filename), root)}:{code.co_firstlineno}"


def parameters_of(handler):
    """Those that are given by their position; none where nobody can tell."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return []
    return [parameter for parameter in parameters if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]


def can_be_called(handler, count):
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def is_context(parameter):
    return CONTEXT.fullmatch(parameter.name) is not None


def is_required(parameter):
    return parameter.default is parameter.empty
