"""The last step of the image's build: imports the user's code once, so that what fails at import fails the build, with its own words.

It runs in a process of its own, as the user that the pod will have. What depends on the pod, such as variables and addresses that only it has, is left
to the pod.
"""

import faulthandler
import os
import re
import shutil
import sys
import tempfile
import threading

# A pod whose import takes longer does not become ready.
SECONDS = 100
# In the pod: Knative gives a revision two minutes, of which some pass before the import begins.
POD_SECONDS = 80
# The user in the image (languages/generated-files.ts).
POD_USER = 65532


def load_once(load, root, is_own):
    """Runs `load(is_of_the_pod)`, and returns why it did not end; None where it did. Ends this process as `load` ended it."""
    traces, writable = os.pipe()
    temporary = tempfile.mkdtemp()
    os.chmod(temporary, 0o777)
    pid = os.fork()
    if pid == 0:
        os.close(traces)
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=writable)
        become_pod_user(root)
        os.environ.update(TMPDIR=temporary, PORT=os.environ.get("PORT") or "8080")
        sys.dont_write_bytecode = True
        missed = note_missing_variables(is_own)
        load(lambda error: depends_on_pod(error, missed))
        sys.stdout.flush()
        sys.stderr.flush()
        # Not exit: threads that were begun at import would go on.
        os._exit(0)
    os.close(writable)
    with open(traces, encoding="utf-8", errors="replace") as file:
        trace = file.read()
    _, status = os.waitpid(pid, 0)
    shutil.rmtree(temporary, ignore_errors=True)
    if not trace:
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)
    # The thread that imports comes last.
    lines = re.findall(r'File "([^"]+)", line (\d+)', trace[trace.rfind("hread 0x") :])
    own = [f"{os.path.relpath(file, root)}:{line}" for file, line in lines if is_own(file)]
    return f"{own[0]}: " if own else ""


def end_late_import(message):
    """In the pod: ends this process where the import takes too long. Call what it returns when the import has ended."""

    def end():
        print(message(), file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(POD_SECONDS, end)
    timer.daemon = True
    timer.start()
    # Needs no lock of the interpreter, which the import may hold for ever.
    faulthandler.dump_traceback_later(POD_SECONDS + 2, exit=True)

    def ended():
        timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    return ended


def become_pod_user(root):
    # In a container alone: on a laptop the files belong to whoever runs it.
    if os.getuid() == 0 and str(root) == "/app":
        try:
            os.setgroups([])
            os.setgid(POD_USER)
            os.setuid(POD_USER)
            os.environ["HOME"] = "/"
        except OSError as error:
            print(f"imported as root, since another user is not allowed here: {error}", file=sys.stderr)


def note_missing_variables(is_own):
    """The names of variables that the user's own code asks for from now on and that are not set."""
    missed = set()

    class Noting(type(os.environ)):
        def __getitem__(self, name):
            try:
                return super().__getitem__(name)
            except KeyError:
                frame = sys._getframe(1)
                # os.environ.get and os.getenv lie between.
                for _ in range(4):
                    if frame is not None and is_own(frame.f_code.co_filename):
                        missed.add(name)
                    frame = frame and frame.f_back
                raise

    os.environ.__class__ = Noting
    return missed


def depends_on_pod(error, missed):
    if isinstance(error, (ImportError, SyntaxError, NameError)):
        return False
    if isinstance(error, FileNotFoundError):
        # What was not uploaded is not in the pod either.
        return os.path.isabs(str(error.filename or "/"))
    # A library's own error tells of a service or a setting that it misses.
    return bool(missed) or isinstance(error, OSError) or type(error).__module__ != "builtins"
