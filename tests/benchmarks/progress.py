"""What a bar costs a loop, in a real kernel: ours, tqdm, tqdm.auto (its notebook bar), rich and ipywidgets.

Run: ``python tests/benchmarks/progress.py [rounds] [iterations]``. Rounds are interleaved in one kernel; figures are
medians. Overhead is nanoseconds of processor time (of all threads of the kernel) an iteration, over the plain loop of the
same round; messages and bytes are what the kernel sent on IOPub, headers and all, a second.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kernelkit import Kernel

SETUP = """
import array, io, sys, threading, time
import nb_artifacts as nba
import rich.progress, tqdm, tqdm.auto, ipywidgets
from uuid import UUID

N = {iterations}
numbers = list(range(N))
def generated():
    for n in numbers: yield n
class Loader:
    def __len__(self): return N
    def __iter__(self): return iter(numbers)
sources = {{"range": lambda: range(N), "list": lambda: numbers, "tuple": lambda t=tuple(numbers): t,
           "dict": lambda d=dict.fromkeys(numbers): d, "array": lambda a=array.array("q", numbers): a,
           "generator": generated, "loader": Loader}}
bars = {{
    "plain": lambda it: it,
    "nb_artifacts": lambda it: nba.track(it, total=N),
    "tqdm": lambda it: tqdm.tqdm(it, total=N),
    "tqdm.auto": lambda it: tqdm.auto.tqdm(it, total=N),
    "rich": lambda it: rich.progress.track(it, total=N),
}}
def run(bar, source):
    it = bars[bar](sources[source]())
    begun = time.process_time()
    for _ in it: pass
    return (time.process_time() - begun) / N * 1e9

def calls(make, many):
    call = make()
    begun = time.process_time()
    for n in range(many): call(n)
    return (time.process_time() - begun) / many * 1e9

class Bare:
    n = 0
    def update(self, n=1): self.n += n
def ours():
    bar = nba.progress(10**9, display=False)
    return lambda n: bar.update()
def bare():
    one = Bare()
    return lambda n: one.update()
def theirs():
    bar = tqdm.tqdm(total=10**9, file=io.StringIO())
    return lambda n: bar.update()
def rich_advance():
    bar = rich.progress.Progress(console=rich.console.Console(file=io.StringIO()))
    task = bar.add_task("x", total=10**9)
    return lambda n: bar.advance(task)
def by_id():
    id = nba.create_progress_artifact(0, display=False)
    return lambda n: nba.update_progress_artifact(id, n % 99)
def widget():
    made = ipywidgets.IntProgress(max=10**9)
    return lambda n: setattr(made, "value", n)
def empty():
    return lambda n: None
setters = {{"an empty call": (empty, 10**6), "a bare method": (bare, 10**6), "nba bar.update": (ours, 10**6), "tqdm.update": (theirs, 10**6),
           "rich advance": (rich_advance, 10**5), "nba update_progress_artifact": (by_id, 10**6), "ipywidgets value": (widget, 2000)}}
"""


class Listening(Kernel):
    """A kernel whose traffic on IOPub is counted."""

    def cell(self, code):
        """What a cell printed; messages and bytes of its outputs."""
        id = self.client.execute(code)
        text, messages, size, error = "", 0, 0, None
        while True:
            message = self.client.get_iopub_msg(timeout=600)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") == id and kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "stream" and content["name"] == "stdout" and content["text"].startswith("RESULT"):
                text += content["text"].removeprefix("RESULT")
            elif kind == "error":
                error = "\n".join(content["traceback"])
            elif kind not in {"status", "execute_input"}:
                messages += 1
                size += sum(
                    len(json.dumps(message[part], default=str)) for part in ("header", "parent_header", "metadata", "content")
                )
        if error:
            sys.exit(error)
        return (json.loads(text) if text else None), messages, size


def overheads(kernel, rounds, sources, bars):
    """Nanoseconds an iteration above the plain loop, by source and bar."""
    taken = {}
    for _ in range(rounds):
        for source in sources:
            for bar in bars:
                found, _, _ = kernel.cell(f"import json; print('RESULT' + json.dumps(run({bar!r}, {source!r})), flush=True)")
                taken.setdefault((source, bar), []).append(found)
    result = {}
    for source in sources:
        plain = taken[source, "plain"]
        for bar in bars:
            above = [one - base for one, base in zip(taken[source, bar], plain, strict=True)]
            result[source, bar] = statistics.median(plain if bar == "plain" else above)
    return result


def traffic(kernel, bars, seconds=15):
    """Messages and bytes a second on IOPub, by bar, of a loop that takes some seconds."""
    result = {}
    for bar in bars:
        begun = time.monotonic()
        code = f"end = time.monotonic() + {seconds}\ndef until():\n    while time.monotonic() < end: yield 1\n"
        _, messages, size = kernel.cell(code + f"for _ in bars[{bar!r}](until()): pass")
        passed = time.monotonic() - begun
        result[bar] = round(messages / passed, 1), round(size / passed)
    return result


def table(rows, head):
    """Aligned columns."""
    lines = [head, *rows]
    widths = [max(len(str(line[n])) for line in lines) for n in range(len(head))]
    for line in lines:
        print(
            "  ".join(
                str(cell).rjust(width) if n else str(cell).ljust(width)
                for n, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
        )
    print()


def main(rounds, iterations):
    with tempfile.TemporaryDirectory() as folder:
        kernel = Listening(Path(folder) / "home", Path(folder))
        try:
            kernel.cell(SETUP.format(iterations=iterations))
            sources = ["range", "list", "tuple", "dict", "array", "generator", "loader"]
            bars = ["plain", "nb_artifacts", "tqdm", "tqdm.auto", "rich"]
            found = overheads(kernel, rounds, sources, bars)
            rows = []
            for source in sources:
                ours = max(found[source, "nb_artifacts"], 0.1)
                ratios = [f"{found[source, bar]:.0f} (x {found[source, bar] / ours:.0f})" for bar in bars[2:]]
                rows.append([source, f"{found[source, 'plain']:.1f}", f"{found[source, 'nb_artifacts']:.1f}", *ratios])
            table(rows, ["overhead, ns", "plain loop", *bars[1:]])

            names = [
                "an empty call",
                "a bare method",
                "nba bar.update",
                "tqdm.update",
                "rich advance",
                "nba update_progress_artifact",
                "ipywidgets value",
            ]
            spent = {name: [] for name in names}
            for _ in range(rounds):
                for name in names:
                    code = f"import json; print('RESULT' + json.dumps(calls(*setters[{name!r}])), flush=True)"
                    spent[name].append(kernel.cell(code)[0])
            base = statistics.median(spent["an empty call"])
            table([[name, f"{statistics.median(spent[name]) - base:.0f}"] for name in names[1:]], ["setting a value", "ns"])

            sent = traffic(kernel, bars[1:])
            table([[bar, *sent[bar]] for bar in bars[1:]], ["IOPub, a second", "messages", "bytes"])
            for what in ("moving", "quiet"):
                step = "bar.update(); time.sleep(0.01)" if what == "moving" else "time.sleep(1)"
                code = (
                    "import json\nwith nba.progress(10**6) as bar:\n    begun, cpu = time.monotonic(), time.process_time()\n"
                    f"    while time.monotonic() - begun < 5: {step}\n    part = (time.process_time() - cpu) / (time.monotonic() - begun)\n"
                    "print('RESULT' + json.dumps(part), flush=True)"
                )
                print(f"CPU of the kernel beside a {what} bar: {100 * kernel.cell(code)[0]:.1f} %")
        finally:
            kernel.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000)
