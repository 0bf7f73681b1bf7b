"""Where the user's handler runs: as in a script, in the main thread, which also imported it.

What was made at import (a SQLite connection, an event loop, a signal handler) belongs to that thread. The server has a thread of its own, so that health
checks are answered whatever the handler does. Handlers that are not async and are called while another call is under way run in further threads.
"""

import asyncio
import inspect
import math
import queue
import threading
from concurrent.futures import Future
from contextlib import contextmanager

THREADS = 32


# An error may be its own cause.
MAX_CAUSES = 5


def text_of(error, causes=MAX_CAUSES):
    """Its message, whatever its own str() does."""
    try:
        text = str(error)
    except BaseException as problem:
        return f"its message can't be read: {type(problem).__name__} in str()"
    cause = error.__cause__ or error.__context__
    if text or cause is None or causes == 0:
        return text or "it has no message"
    return f"caused by {type(cause).__name__}: {text_of(cause, causes - 1)}"


class Timeout(Exception):
    """A call that is over its timeout_seconds."""


def calls_of(handler, loop, deadlines):
    """`loop` is the one that was set in the main thread when it imported the handler."""
    return (AsyncCalls if is_async(handler) else ThreadedCalls)(handler, loop, deadlines)


def is_async(handler):
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))


async def outcome_of(future, deadlines):
    """(result, error) of a call. An error is returned and not raised: StopIteration can't be raised in a coroutine, and CancelledError would cancel it."""
    seconds = deadlines.seconds
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), None if seconds == math.inf else seconds)
    except asyncio.TimeoutError:
        return None, Timeout(
            f"the function did not answer within its {seconds:g} s: make it faster, or raise parameters.timeout_seconds"
        )


@contextmanager
def tracked(deadlines):
    """A call under way, for whoever replaces the process when one does not end."""
    call = deadlines.begin()
    try:
        yield
    finally:
        deadlines.end(call)


class AsyncCalls:
    """All in the main thread's event loop, as many at once as are called."""

    def __init__(self, handler, loop, deadlines):
        self._handler, self._loop, self._deadlines = handler, loop, deadlines
        self._ended = False

    async def call(self, *arguments):
        return await outcome_of(asyncio.run_coroutine_threadsafe(self._outcome(arguments), self._loop), self._deadlines)

    async def _outcome(self, arguments):
        with tracked(self._deadlines):
            try:
                return await self._handler(*arguments), None
            except BaseException as error:
                # Python makes a RuntimeError of it where a coroutine raises it.
                return None, error.__cause__ if isinstance(error.__cause__, StopIteration) else error

    def run(self):
        """In the main thread, until `end`."""
        # An import that used asyncio.run took it away.
        asyncio.set_event_loop(self._loop)
        while not self._ended:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                # Of a task that a handler began: asyncio passes these on to whoever runs the loop.
                continue

    def end(self):
        self._ended = True
        self._loop.call_soon_threadsafe(self._loop.stop)


class ThreadedCalls:
    """The first in the main thread, others meanwhile in threads of their own."""

    def __init__(self, handler, loop, deadlines):
        self._handler, self._loop, self._deadlines = handler, loop, deadlines
        self._queue = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads, self._under_way = 1, 0

    async def call(self, *arguments):
        server = asyncio.get_running_loop()
        future = Future()
        with self._lock:
            self._under_way += 1
            if self._under_way > self._threads and self._threads < THREADS:
                self._threads += 1
                threading.Thread(target=self._run, name=f"handler-{self._threads}", daemon=True).start()
        self._queue.put((arguments, future, server))
        return await outcome_of(future, self._deadlines)

    def run(self):
        """In the main thread, until `end`."""
        self._run(self._loop)

    def _run(self, loop=None):
        while True:
            task = self._queue.get()
            if task is None:
                # For the next thread, since the main one may not have got it.
                self._queue.put(None)
                return
            arguments, future, server = task
            # asyncio.get_event_loop() works in a script, and goes on to work after a call that closed the loop, or used
            # asyncio.run, which takes it away.
            if loop is None or loop.is_closed():
                loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
            outcome = self._outcome(arguments, server) if future.set_running_or_notify_cancel() else None
            # Before the answer, so that the next call finds this thread free: where one call follows the other
            # there is no other thread.
            with self._lock:
                self._under_way -= 1
            if outcome:
                future.set_result(outcome)

    def _outcome(self, arguments, server):
        with tracked(self._deadlines):
            try:
                result = self._handler(*arguments)
                if inspect.isawaitable(result):
                    return asyncio.run_coroutine_threadsafe(awaited(result), server).result()
                return result, None
            except BaseException as error:
                return None, error

    def end(self):
        self._queue.put(None)


async def awaited(result):
    try:
        return await result, None
    except BaseException as error:
        return None, error
