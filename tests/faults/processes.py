"""Child processes for fault tests: forked, so that they start fast; what they return or raise comes back."""

import os
import pickle
import signal
import traceback

_running = set()


def end_all():
    """Kill the children that nobody waited for."""
    for child in list(_running):
        child.kill()
        child.wait()


class Child:
    """Runs `work(send)` in a forked process. `send` hands over a value at once, in one write."""

    def __init__(self, work, *arguments):
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(read)
                work(lambda value: os.write(write, pickle.dumps(value)), *arguments)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        self._read = os.fdopen(read, "rb")
        self.code = None
        _running.add(self)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def interrupt(self):
        os.kill(self.pid, signal.SIGINT)

    def receive(self):
        """The next value sent; None at the end."""
        try:
            return pickle.load(self._read)
        except (EOFError, pickle.UnpicklingError):
            return None

    def wait(self):
        """All values not yet received, the first time; `code` tells how it ended."""
        values = []
        if self.code is not None:
            return values
        while (value := self.receive()) is not None:
            values.append(value)
        self._read.close()
        _running.discard(self)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return values


def run_all(count, work, *arguments):
    """`count` children at once, each `work(send, n, *arguments)`; all must end well. Their values, in one list."""
    children = [Child(work, n, *arguments) for n in range(count)]
    values = [value for child in children for value in child.wait()]
    assert [child.code for child in children] == [0] * count
    return values
