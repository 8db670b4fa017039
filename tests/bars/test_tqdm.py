"""The tqdm drop-in, beside tqdm itself, and inside libraries that are given a tqdm class."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import inspect
import io
import json
import multiprocessing
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
import tqdm as real
from waiting import until

from nb_artifacts import core
from nb_artifacts.tqdm import _ORDER, tqdm, trange


def newest():
    return core.read(core.everything()[0]).info


def test_loops(home, said):
    assert list(tqdm(range(5), "Numbers", key="loop")) == [0, 1, 2, 3, 4]
    assert sum(trange(2, 10, 3, key="loop")) == sum(range(2, 10, 3))
    assert list(reversed(tqdm(range(3), key="loop"))) == [2, 1, 0]
    for n in tqdm(range(9), key="loop"):
        if n == 4:
            break
    assert said("loop") == [("finished", 5), ("finished", 3), ("finished", 3), ("stopped", 4)]
    assert core.get("loop", 1).description == "Numbers"


def test_it_takes_every_parameter_of_tqdm_in_its_order(home):
    theirs = list(inspect.signature(real.tqdm.__init__).parameters)[1:]
    assert theirs[:4] == ["iterable", "desc", "total", "leave"]
    assert [name for name in theirs[4:] if name != "kwargs"] == [name for name in _ORDER if name in theirs]
    assert set(theirs) <= {"iterable", "desc", "total", "leave", "kwargs", *_ORDER}
    with pytest.raises(KeyError, match="Unknown argument"):
        tqdm(range(3), colr="red")
    bar = tqdm(None, "d", 10, True, None, 80, 0.1, 10.0, None, None, False, "files", False, False, 0.3, None, 4)
    assert (bar.unit, bar.n, bar.total) == ("files", 4, 10)
    bar.close()
    assert newest().unit == "files"


def test_it_has_every_public_member_of_tqdm(home):
    with tqdm(total=3) as ours, real.tqdm(total=3, file=io.StringIO()) as theirs:
        missing = {name for name in dir(theirs) if not name.startswith("_")} - set(dir(ours))
    assert missing <= {
        # tqdm's own machinery
        "dynamic_miniters", "sp", "status_printer", "format_meter",
    }  # fmt: skip


def test_what_concerns_a_terminal_can_be_read(home):
    with tqdm(total=3, ncols=80, file=io.StringIO()) as ours, real.tqdm(total=3, ncols=80, file=io.StringIO()) as theirs:
        for name in ("ncols", "nrows", "mininterval", "maxinterval", "smoothing", "colour", "unit_divisor", "gui", "delay"):
            assert getattr(ours, name) == getattr(theirs, name)
        assert ours.format_dict["ncols"] == 80
        assert ours.start_t <= ours.last_print_t


def test_open_bars_can_be_closed_by_the_known_recipe(home, said):
    bar = tqdm(total=3, key="open")
    while len(tqdm._instances):
        tqdm._instances.pop().close()
    assert said("open") == [("stopped", 0)]
    assert bar.n == 0


def test_moving_by_hand(home, said):
    with tqdm(total=10, key="hand") as bar:
        bar.update()
        bar.update(3)
        assert (bar.n, len(bar), bool(bar), bar.format_dict["n"]) == (4, 10, True, 4)
        bar.n = 7
        bar.refresh()
        bar.total = 8
        bar.update(1)
    bar.close()
    assert said("hand") == [("finished", 8)]
    bar.reset(total=2)
    bar.update(2)
    bar.close()
    bar = tqdm(total=5, key="reset")
    bar.update(4)
    bar.reset()
    assert bar.n == 0
    bar.close()
    assert said("hand")[1] == ("finished", 2)
    assert said("reset") == [("stopped", 0)]


def test_words_beside_the_bar(home, infos):
    with tqdm(total=2, desc="train: ", key="words", postfix={"a": 1}) as bar:
        until(lambda: newest().message == "a=1")
        bar.set_description("epoch 2")
        bar.set_postfix(loss=0.123456, acc=1, name="x")
        theirs = real.tqdm(total=1, file=io.StringIO())
        theirs.set_postfix(loss=0.123456, acc=1, name="x")
        assert bar.postfix == theirs.postfix
        until(lambda: core.get("words").description == "epoch 2")
        until(lambda: infos("words")[0].message == "acc=1, loss=0.123, name=x")
        assert str(bar).startswith("epoch 2: 0 % · 0 of 2")
    bar.set_description_str("done")
    assert core.get("words").description == "done"


@pytest.mark.parametrize("number", [0, 1, 12, 123456789, 0.123456, 1e-7, 1e10, 99.95, -3.5])
def test_formats_are_tqdms(number):
    assert tqdm.format_num(number) == real.tqdm.format_num(number)
    assert tqdm.format_sizeof(abs(number)) == real.tqdm.format_sizeof(abs(number))
    assert tqdm.format_interval(abs(number)) == real.tqdm.format_interval(abs(number))


def made(cls, *args, **kwargs):
    return cls(*args, **kwargs, **({"file": io.StringIO()} if cls is real.tqdm else {}))


@pytest.mark.parametrize(
    "ask",
    [
        lambda cls: bool(made(cls, (n for n in ()))),
        lambda cls: bool(made(cls, [])),
        lambda cls: bool(made(cls, total=0)),
        lambda cls: len(made(cls, (n for n in ()), total=4)),
        lambda cls: repr(made(cls, range(3)).total),
        lambda cls: repr(made(cls, total=2.5).total),
        lambda cls: made(cls, total=1, postfix={"b": 1, "a": 2}).postfix,
        lambda cls: made(cls, total=1, postfix=["a", {"value": 3}], bar_format="{postfix[0]}").postfix,
        lambda cls: list(made(cls, range(3), postfix=5)),
    ],
)
def test_it_answers_as_tqdm_does(home, ask):
    assert ask(tqdm) == ask(real.tqdm)


@pytest.mark.parametrize("cls", [tqdm, real.tqdm])
def test_a_length_that_is_not_known_is_none_at_all(home, cls):
    with pytest.raises(TypeError):
        len(made(cls, (n for n in ())))
    with cls.external_write_mode(file=io.StringIO()):
        assert list(made(cls, iter((1, 2)))) == [1, 2]


@pytest.mark.parametrize("cls", [tqdm, real.tqdm])
def test_what_tqdm_takes_stops_no_loop(home, cls):
    bar = made(cls, total=-1)
    bar.total = -1
    bar.total = float("nan")
    bar.reset(total=-1)
    bar.set_postfix_str(0.25)
    assert bar.postfix == "0.25"
    bar.set_postfix(loss=[1])
    bar.close()


def test_names_of_files_are_shown_as_far_as_they_are_text(home):
    with tqdm(total=1, desc="\udcffile", key="file") as bar:
        bar.set_postfix_str("\udcff")
        bar.set_description(b"text".decode())
    assert (newest().message, core.get("file").description) == ("?", "text")
    assert (newest().total, bar.total) == (1, 1)
    bar.reset(total=-1)
    assert bar.total is None
    bar.close()


def test_nested_bars_are_rows(home, infos):
    for _ in trange(2, key="outer"):
        for _ in tqdm(range(3), desc="inner", leave=False):
            pass
        for _ in tqdm([1], desc="kept"):
            pass
    assert [step.name for step in infos("outer")[0].steps] == ["kept", "kept"]


def test_switches_and_small_things(home, capsys):
    assert list(tqdm(range(3), disable=True)) == [0, 1, 2]
    assert core.everything() == []
    tqdm.write("a line")
    assert capsys.readouterr().out == "a line\n"
    bar = tqdm([1, 2, 3])
    assert 2 in bar and len(bar) == 3 and bar == bar and hash(bar) is not None
    with pytest.raises(TypeError):
        next(iter(tqdm(total=3)))
    data = io.BytesIO(b"x" * 100)
    with tqdm.wrapattr(data, "read", total=100) as file:
        while file.read(30):
            pass
    assert (newest().done, newest().unit, newest().state) == (100, "B", "finished")
    lock = tqdm.get_lock()
    tqdm.set_lock(lock)
    assert tqdm.get_lock() is lock


def test_asyncio(home):
    async def square(n):
        await asyncio.sleep(0)
        return n * n

    async def main():
        found = await tqdm.gather(*(square(n) for n in range(5)))
        done = [await one for one in tqdm.as_completed([square(n) for n in range(4)])]
        return found, sorted(done)

    assert asyncio.run(main()) == ([0, 1, 4, 9, 16], [0, 1, 4, 9])
    assert [core.read(record).info.state for record in core.everything()] == ["finished"] * 2


def test_pandas(home):
    tqdm.pandas(desc="rows", key="pandas")
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "g": [0, 0, 1, 1]})
    assert frame["a"].progress_apply(lambda n: n + 1).tolist() == [2, 3, 4, 5]
    assert frame["a"].progress_map(lambda n: n + 1).tolist() == [2, 3, 4, 5]
    assert frame.progress_apply(lambda row: row["a"] + row["g"], axis=1).tolist() == [1, 2, 4, 5]
    assert frame.progress_map(lambda n: n * 2)["a"].tolist() == [2, 4, 6, 8]
    assert frame.groupby("g")["a"].progress_apply(lambda part: part.sum()).tolist() == [3, 7]
    totals = [core.read(record).info.total for record in core.history("pandas")][::-1]
    assert totals == [4, 4, 4, 8, 2]
    assert frame.groupby("g").progress_aggregate(lambda part: part.sum())["a"].tolist() == [3, 7]
    wide = frame.assign(b=0, c=0).groupby("g")
    assert wide.progress_aggregate(lambda part: part.sum()).shape == (2, 3)
    assert wide.progress_transform(lambda part: part - part.mean()).shape == (4, 3)
    infos = [core.read(record).info for record in core.history("pandas")][:3][::-1]
    assert [(info.done, info.total) for info in infos] == [(2, 2), (6, 6), (2, 2)]
    assert {core.read(record).info.state for record in core.history("pandas")} == {"finished"}
    with pytest.raises(ZeroDivisionError):
        frame["a"].progress_apply(lambda n: 1 / (n - 3))
    info = core.read(core.get("pandas")).info
    assert (info.state, info.done) == ("failed", 2)


def test_tqdms_own_helpers_take_the_class(home):
    from tqdm.contrib.concurrent import thread_map

    assert thread_map(lambda n: n * n, range(20), tqdm_class=tqdm, max_workers=3) == [n * n for n in range(20)]
    assert (newest().state, newest().done) == ("finished", 20)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_tqdms_process_map_finishes_whatever_the_chunks(home, method):
    """It moves the bar once a chunk; and workers of other kinds are given the lock by pickle."""
    from tqdm.contrib.concurrent import process_map

    options = {"max_workers": 2, "chunksize": 5, "mp_context": multiprocessing.get_context(method)}
    assert process_map(abs, range(-20, 0), tqdm_class=tqdm, **options) == list(range(20, 0, -1))
    assert (newest().state, newest().done) == ("finished", 20)


FILES = {"config.json": b'{"a": 1}', "weights.bin": bytes(range(256)) * 20_000}
COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as a download needs."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/us/model/tree"):
            return self.answer(
                json.dumps([{"type": "file", "path": n, "size": len(c), "oid": "a" * 40} for n, c in FILES.items()]).encode()
            )
        if path.startswith("/api/models/us/model"):
            siblings = [{"rfilename": name, "size": len(content)} for name, content in FILES.items()]
            return self.answer(
                json.dumps({"_id": "1", "id": "us/model", "modelId": "us/model", "sha": COMMIT, "siblings": siblings}).encode()
            )
        content = FILES[path.rsplit("/", 1)[1]]
        return self.answer(content, ETag=f'"{hashlib.sha256(content).hexdigest()}"', **{"X-Repo-Commit": COMMIT})

    def answer(self, content, **headers):
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_hugging_faces_downloads_take_the_class(home, tmp_path, hub):
    from huggingface_hub import hf_hub_download, snapshot_download

    place = hf_hub_download("us/model", "weights.bin", endpoint=hub, cache_dir=tmp_path / "one", tqdm_class=tqdm)
    with open(place, "rb") as file:
        assert file.read() == FILES["weights.bin"]
    info = newest()
    assert (info.state, info.done, info.unit) == ("finished", len(FILES["weights.bin"]), "B")

    before = len(core.everything())
    snapshot_download("us/model", endpoint=hub, cache_dir=tmp_path / "two", tqdm_class=tqdm)
    made = {record.description: core.read(record).info for record in core.everything()[: len(core.everything()) - before]}
    fetched = next(info for name, info in made.items() if name.startswith("Fetching 2 files"))
    assert (fetched.state, fetched.done) == ("finished", 2)
    gc.collect()  # two of its bars it never closes
    assert {core.read(record).info.state for record in core.everything()} <= {"finished", "stopped"}
