"""Runs the user's handler as a CloudEvents server: the program of every Python function.

uvicorn and the CloudEvents SDK, not func-python: func-python is Hypercorn with a fixed drain of 3 s, LISTEN_ADDRESS in place of PORT, and no way to answer
a failed handler but 500 with its message. Measured here: 130 ms against 160 ms to import, 28 MB each.
"""

import asyncio
import compileall
import importlib
import inspect
import json
import os
import py_compile
import signal
import socket
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
USUAL_NAMES = ["handler", "handle", "parse"]
# Handlers that are not async run in threads, so that health checks are answered meanwhile.
THREADS = 32
MAX_BODY_BYTES = 8 * 1024 * 1024

# The kernel ignores SIGTERM for process 1 unless it is handled: a pod that is stopped while it starts would wait for
# its whole grace period.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


def fail(message):
    """Ends the process with the one line that the platform shows."""
    print(f"cannot start: {message}", file=sys.stderr, flush=True)
    sys.exit(1)


def log(level, message, **fields):
    print(json.dumps({"level": level, "msg": message, **fields}), file=sys.stderr, flush=True)


def compile_source(settings):
    """At image build: byte code for a faster start, and the one check that needs no running of the user's code."""
    path = ROOT / settings["file"]
    try:
        compile(path.read_bytes(), settings["file"], "exec")
    except (SyntaxError, ValueError) as error:
        place = f"{settings['file']}:{getattr(error, 'lineno', None) or 1}"
        print(f"{place}: {type(error).__name__}: {getattr(error, 'msg', error)}", file=sys.stderr)
        sys.exit(1)
    # Other files may be of another Python on purpose: what does not compile is left as it is. Unchecked: an image's
    # files do not change.
    compileall.compile_dir(ROOT, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def load_server(app):
    """Imports what the adapter runs on, then forgets the names, so that the user's own versions of the same packages are loaded beside them."""
    sys.path.insert(0, str(HERE / "packages"))
    import events
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    config = uvicorn.Config(app, http=H11Protocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False)
    config.load()

    class Server(uvicorn.Server):
        def capture_signals(self):
            # uvicorn raises the signal again after its shutdown, which would end us by SIGTERM and not with code 0.
            from contextlib import nullcontext

            return nullcontext()

    server = Server(config)
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        if name != "__main__" and any(place and Path(place).is_relative_to(HERE) for place in places):
            del sys.modules[name]
    # What uvicorn imports late still has to be found, but only after everything of the user's.
    others = [path for path in sys.path if not path or not Path(path).resolve().is_relative_to(HERE)]
    sys.path[:] = [str(ROOT), str(HERE / "dependencies"), *others, str(HERE / "packages")]
    return server, events


def load_handler(settings):
    file = settings["file"]
    try:
        module = importlib.import_module(settings["module"])
    except BaseException as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if HERE not in Path(frame.filename).parents and frame.filename.startswith(str(ROOT))]
        place = f"{Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno}" if own else file
        advice = "Add the package to requirements.txt" if isinstance(error, ModuleNotFoundError) else "Mend it"
        text = " ".join(str(error).split())
        fail(f"{place}: {type(error).__name__}: {text}. {advice} and send build.start again")
    names = [settings["function"]] if settings["function"] else USUAL_NAMES
    for name in names:
        if callable(getattr(module, name, None)):
            return getattr(module, name)
    there = ", ".join(name for name, value in vars(module).items() if callable(value) and not name.startswith("_")) or "no function"
    fail(f"{file} has no function {' or '.join(names)} (it has {there}). Add one, or name yours in parameters.handler, and send build.start again")


def caller(handler, threads):
    async def call(event):
        if inspect.iscoroutinefunction(handler):
            return await handler(event)
        result = await asyncio.get_running_loop().run_in_executor(threads, handler, event)
        return await result if inspect.isawaitable(result) else result

    return call


async def read_body(receive):
    """None where it is larger than any event may be."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


async def send_response(send, status, headers, body):
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": [*encoded, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


class Application:
    """ASGI: health, and POST / for events."""

    respond = None

    async def __call__(self, scope, receive, send):
        path, method = scope["path"], scope["method"]
        if path in ("/health/liveness", "/health/readiness"):
            return await send_response(send, 200, {"content-type": "text/plain"}, b"OK")
        if path != "/":
            return await send_response(send, 404, {"content-type": "text/plain"}, b"Not Found")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await read_body(receive)
        status, headers, body = await self.respond(method, headers, body)
        await send_response(send, status, headers, body)


def listen(port):
    """On HOST, which the embedded platform sets; else on every interface, as a pod must: both IP families where there are two."""
    host = os.environ.get("HOST")
    if host:
        return listen_on((host, port), family=socket.AF_INET)
    address = ("::", port) if socket.has_dualstack_ipv6() else ("0.0.0.0", port)
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    return listen_on(address, family=family, dualstack_ipv6=family == socket.AF_INET6)


def listen_on(address, **options):
    try:
        return socket.create_server(address, backlog=2048, **options)
    except OSError as error:
        fail(f"port {address[1]} can't be listened on: {error}. PORT is set by the platform: leave it alone")


async def serve(server, port):
    def stop():
        server.should_exit = True

    # uvicorn then takes no new connection, finishes what is in flight, and returns.
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    await server.serve(sockets=[listen(port)])


def main():
    settings = json.loads((HERE / "function.json").read_text())
    if "--compile" in sys.argv:
        return compile_source(settings)
    app = Application()
    server, events = load_server(app)
    handler = load_handler(settings)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="handler") as threads:
        app.respond = events.responder(caller(handler, threads), log)
        asyncio.run(serve(server, int(os.environ.get("PORT") or 8080)))


if __name__ == "__main__":
    main()
