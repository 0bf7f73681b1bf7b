"""Process 1 of the container: keeps the process that runs the user's code, and replaces it where a call does not end.

A handler that loops can't be ended from within: nobody can stop a thread, and a regular expression that backtracks for ever holds the interpreter's
lock, so that not even a watchdog thread runs. Another process can. The listening socket is kept meanwhile: whoever connects waits and is answered.
"""

import faulthandler
import json
import math
import mmap
import os
import select
import signal
import struct
import sys
import threading
import time

# How long after its time a call is given to end by itself, or to be answered as Timeout.
GRACE_SECONDS = 0.4
# Enough for a trace of every thread.
TRACE_BYTES = 1 << 16


class Deadlines:
    """When the oldest call under way must be over. It stands in memory that process 1 reads as well."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._oldest = mmap.mmap(-1, 8)
        self._woken, self._wake = os.pipe()
        self._lock = threading.Lock()
        # All calls have the same time, so the one that began first ends first.
        self._under_way = {}
        self._write()

    def begin(self):
        call = object()
        with self._lock:
            was_idle = not self._under_way
            self._under_way[call] = time.monotonic() + self.seconds
            self._write()
        if was_idle:
            os.write(self._wake, b".")
        return call

    def end(self, call):
        with self._lock:
            del self._under_way[call]
            self._write()

    def _write(self):
        struct.pack_into("d", self._oldest, 0, next(iter(self._under_way.values()), math.inf))

    def woken(self):
        """A pipe that can be read after a call began while none was under way."""
        return self._woken

    def oldest(self):
        return struct.unpack_from("d", self._oldest, 0)[0]

    def close(self):
        os.close(self._woken)
        os.close(self._wake)


def supervise(work, seconds):
    """Runs `work(deadlines, lifeline)` in a child, and in another one where it had to be killed. Ends this process as the child ended.

    `lifeline` can be read as soon as the child is to stop: SIGTERM came, or this process is gone.
    """
    child = Child()
    wakeup, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: child.stop())
    while True:
        deadlines = Deadlines(seconds)
        child.start(work, deadlines)
        code = watch(child, deadlines, wakeup)
        deadlines.close()
        if code is not None:
            sys.exit(code)


def watch(child, deadlines, wakeup):
    """The exit code of a child that ended; None where it had to be killed and another should follow."""
    due = math.inf
    while True:
        pause = None if due == math.inf else max(0.0, due - time.monotonic())
        ready, _, _ = select.select([deadlines.woken(), wakeup], [], [], pause)
        for pipe in ready:
            os.read(pipe, 4096)
        code = child.ended()
        if code is not None:
            return code
        due = deadlines.oldest() + GRACE_SECONDS
        if due <= time.monotonic():
            child.kill(f"a call did not end within its {deadlines.seconds:g} s: the process is replaced, and the other calls in it are made again")
            return 0 if child.stopping else None


class Child:
    def __init__(self):
        self.stopping = False
        self._pid = None
        self._lifeline = None
        self._traces = None

    def start(self, work, deadlines):
        lifeline, self._lifeline = os.pipe()
        self._traces, traces = os.pipe()
        # A signal in between would stop neither.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        self._pid = os.fork()
        if self._pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for name in (signal.SIGTERM, signal.SIGINT):
                # Until it serves there is nothing to be finished.
                signal.signal(name, lambda *_: os._exit(0))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
            os.close(self._lifeline)
            os.close(self._traces)
            # Written without the interpreter's lock, whatever holds it.
            faulthandler.register(signal.SIGUSR1, file=traces, all_threads=True)
            sys.exit(work(deadlines, lifeline))
        os.close(lifeline)
        os.close(traces)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        if self.stopping:
            self.stop()

    def stop(self):
        self.stopping = True
        if self._pid is None:
            return
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        try:
            os.kill(self._pid, signal.SIGTERM)
        except ProcessLookupError:
            pass

    def ended(self):
        """Its exit code, 128 and more where a signal ended it; None while it runs."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def kill(self, message):
        os.kill(self._pid, signal.SIGUSR1)
        trace = b""
        while select.select([self._traces], [], [], 0.1)[0] and len(trace) < TRACE_BYTES:
            part = os.read(self._traces, 4096)
            if not part:
                break
            trace += part
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._traces)
        if self._lifeline is not None:
            os.close(self._lifeline)
        self._pid = self._lifeline = None
        print(json.dumps({"level": "error", "msg": message, "stack": trace.decode("utf-8", "replace")}), file=sys.stderr, flush=True)
