"""Runs the user's handler as a CloudEvents server: the program of every Python function.

uvicorn and the CloudEvents SDK, not func-python: func-python is Hypercorn with a fixed drain of 3 s, LISTEN_ADDRESS in place of PORT, and no way to answer
a failed handler but 500 with its message. Measured here: 130 ms against 160 ms to import, 28 MB each.
"""

import asyncio
import compileall
import importlib
import importlib.util
import json
import math
import os
import py_compile
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
USUAL_NAMES = ["handler", "handle", "parse"]
MAX_BODY_BYTES = 8 * 1024 * 1024
BACKLOG = 2048

# The kernel ignores SIGTERM for process 1 unless it is handled: a pod that is stopped while it starts would wait for
# its whole grace period.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


CHECKING = "--check" in sys.argv


def fail(message):
    """Ends the process with the one line that the platform shows."""
    print(message if CHECKING else f"cannot start: {message}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    # Not exit: threads that the user's code began would go on.
    os._exit(1)


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


def load_server(app, settings):
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
    sys.path[:] = [*paths_of(settings), *others, str(HERE / "packages")]
    return server, events


def paths_of(settings):
    """The source, the folders in which pyproject.toml says that packages are, and what was installed."""
    return [str(ROOT), *(str(ROOT / path) for path in settings.get("paths", [])), str(HERE / "dependencies")]


def import_file(settings):
    """By its path: a name such as parser.v2.py is no module's, and one such as json.py is the name of another module."""
    name, path = settings["module"], ROOT / settings["file"]
    parts = Path(settings["file"]).with_suffix("").parts
    if all("." not in part for part in parts) and name not in sys.modules:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location("_".join(parts).replace(".", "_") + "_", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def place_of(error, otherwise):
    """The last line of the user's own that led to an error."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
    return f"{Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno}" if own else otherwise


def is_own(file):
    return Path(file).is_relative_to(ROOT) and not Path(file).is_relative_to(HERE)


def advice_on(error):
    if not isinstance(error, ModuleNotFoundError):
        return "Mend it"
    top = (error.name or "").split(".")[0]
    if top and ((ROOT / top).is_dir() or (ROOT / f"{top}.py").exists()):
        return f"{top} was uploaded, but has no such module: mend the import, or upload what is missing"
    folders = sorted(str(found.parent.relative_to(ROOT)) for pattern in (f"*/{top}.py", f"*/{top}/") for found in ROOT.glob(pattern) if top and is_own(found))
    if folders:
        return f"It is in {folders[0]}/, which is not on the path: import it from there ({folders[0].replace('/', '.')}.{top}), or have pyproject.toml say that {folders[0]}/ holds the packages"
    return "Add the package to requirements.txt, or to [project] dependencies in pyproject.toml"


def load_handler(settings, is_excused=lambda _: False):
    """Ends the process where there is none. None where the import failed and is excused."""
    file = settings["file"]
    try:
        module = import_file(settings)
    except BaseException as error:
        if is_excused(error):
            traceback.print_exc()
            print("left to the pod, which may have what this import misses here", file=sys.stderr, flush=True)
            return None
        fail(f"{place_of(error, file)}: {type(error).__name__}: {' '.join(calls.text_of(error).split())}. {advice_on(error)} and send build.start again")
    names = [settings["function"]] if settings["function"] else USUAL_NAMES
    for name in names:
        handler = getattr(module, name, None)
        if callable(handler):
            problem = context.signature_problem(handler, name)
            if problem:
                fail(f"{context.place_of(handler, ROOT) or file} {name} {problem}, and send build.start again")
            return handler
    there = ", ".join(name for name, value in vars(module).items() if callable(value) and not name.startswith("_")) or "no function"
    fail(f"{file} has no function {' or '.join(names)} (it has {there}). Add one, or name yours in parameters.handler, and send build.start again")


async def read_body(receive):
    """None where it is larger than any event may be: read to its end, so that its sender can read the answer."""
    body = bytearray()
    size = 0
    more = True
    while more:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY_BYTES:
            body += part
        more = message.get("more_body", False)
    return bytes(body) if size <= MAX_BODY_BYTES else None


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
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        body = await read_body(receive)
        status, headers, body = await self.respond(method, headers, body)
        await send_response(send, status, headers, body)


def bind(port):
    """On HOST, which the embedded platform sets; else on every interface, as a pod must: both IP families where there are two."""
    host = os.environ.get("HOST")
    dualstack = not host and socket.has_dualstack_ipv6()
    listener = socket.socket(socket.AF_INET6 if dualstack else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if dualstack:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host or ("::" if dualstack else "0.0.0.0"), port))
    except OSError as error:
        fail(f"port {port} can't be listened on: {error}. PORT is set by the platform: leave it alone")
    return listener


async def serve(server, listener, lifeline):
    def stop():
        asyncio.get_running_loop().remove_reader(lifeline)
        server.should_exit = True

    # uvicorn then takes no new connection, finishes what is in flight, and returns.
    asyncio.get_running_loop().add_reader(lifeline, stop)
    await server.serve(sockets=[listener])


def seconds_of_a_call():
    """Infinite where nobody says how long a call may take."""
    try:
        seconds = float(os.environ.get("FUNCTION_TIMEOUT_SECONDS") or "inf")
    except ValueError:
        return math.inf
    return seconds if seconds > 0 else math.inf


def work(settings, listener, deadlines, lifeline):
    """The child's whole life."""
    app = Application()
    server, events = load_server(app, settings)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loaded = load_once.end_late_import(lambda: never_loaded(settings, where_it_stands(), load_once.POD_SECONDS))
    handler = load_handler(settings)
    loaded()
    made = calls.calls_of(handler, loop, deadlines)
    arguments = context.arguments_of(handler, deadlines.seconds)
    app.respond = events.responder(lambda event: made.call(*arguments(event)), log)
    # Process 1 has it too, and says by the lifeline when to stop.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    listener.listen(BACKLOG)

    def serving():
        try:
            asyncio.run(serve(server, listener, lifeline))
        except BaseException:
            log("error", "the server failed", stack=traceback.format_exc())
            os._exit(1)
        made.end()

    threading.Thread(target=serving, name="server").start()
    made.run()


def check(settings):
    def load(is_excused):
        load_server(Application(), settings)
        asyncio.set_event_loop(asyncio.new_event_loop())
        load_handler(settings, is_excused)

    where = load_once.load_once(load, ROOT, is_own)
    fail(never_loaded(settings, where, load_once.SECONDS))


def never_loaded(settings, where, seconds):
    return (
        f"{where or settings['file'] + ': '}the import of {settings['file']} does not end within {seconds} s: what serves, loops or waits belongs into the handler, "
        'or below `if __name__ == "__main__":`. Mend it and send build.start again'
    )


def where_it_stands():
    """The user's innermost line that the main thread is in, as `file:line: `."""
    stack = traceback.walk_stack(sys._current_frames()[threading.main_thread().ident])
    own = (f"{os.path.relpath(frame.f_code.co_filename, ROOT)}:{line}: " for frame, line in stack if is_own(frame.f_code.co_filename))
    return next(own, "")


def main():
    settings = json.loads((HERE / "function.json").read_text())
    if CHECKING:
        compile_source(settings)
        return check(settings)
    # Bound, but not listened at before the handler is loaded. It outlives the children.
    listener = bind(int(os.environ.get("PORT") or 8080))
    supervisor.supervise(lambda *pipes: work(settings, listener, *pipes), seconds_of_a_call())


if __name__ == "__main__":
    # Not at the top: multiprocessing imports this file again, where the path is the user's.
    import calls
    import context
    import load_once
    import supervisor

    main()
