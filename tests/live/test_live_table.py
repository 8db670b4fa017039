"""Live tables: rows are cheap to append, soon on disk, exact, and never half added; how it ended is what is kept."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from waiting import until

import nb_artifacts as nba
from nb_artifacts import core, live
from nb_artifacts.errors import InvalidKey, InvalidValue, StoreFull, UnsupportedType


def stored(key):
    """What another process would see."""
    store = core.current_store()
    return store.get(core.history(key)[0].id)


def state(key):
    return stored(key).info["live"]["state"]


def test_rows_come_back_with_their_dtypes():
    with nba.live_table("training", description="A run", tags=["t"]) as table:
        for epoch in range(3):
            table.append(epoch=epoch, loss=1 / (epoch + 1), name="ä", good=epoch > 1)
        table.append({"epoch": 3, "loss": 0.25}, name="b", good=None)
        assert len(table) == 4
    found = nba.Artifact.get("training")
    expected = pd.DataFrame({"epoch": [0, 1, 2, 3], "loss": [1.0, 0.5, 1 / 3, 0.25], "name": ["ä"] * 3 + ["b"]})
    pd.testing.assert_frame_equal(found.to_pandas()[["epoch", "loss", "name"]], expected, check_dtype=False)
    assert found.to_pandas().dtypes["epoch"] == "int64" and found.to_pandas().dtypes["loss"] == "float64"
    assert (found.version, found.description, found.tags, found.type) == (1, "A run", ["t"], "table")
    assert found.payload.info.live.state == "finished" and found.payload.info.live.rows == 4


def test_the_first_row_is_on_disk_at_once_and_later_ones_within_a_second():
    table = nba.live_table("soon")
    table.append(x=1)
    assert stored("soon").info["rows"] == 1
    table.append(x=2)
    assert until(lambda: core.current_store().get(table.artifact.id).info["rows"] == 2)
    assert state("soon") == "running" and table.artifact.version == 1


def test_this_process_reads_its_own_rows():
    table = nba.live_table("own")
    for n in range(5):
        table.append(n=n)
    assert nba.Artifact.get("own").to_pandas()["n"].tolist() == [0, 1, 2, 3, 4]


def test_it_is_written_no_more_than_once_a_second():
    table = nba.live_table("rare")
    table.append(n=0)
    seq = core.current_store().get(table.artifact.id).seq
    for n in range(1000):
        table.append(n=n)
    assert core.current_store().get(table.artifact.id).seq - seq <= 1
    table.finish()
    assert stored("rare").info["rows"] == 1001


def test_writes_wait_longer_the_longer_they_take(monkeypatch):
    table = nba.live_table("large")
    table.append(n=0)
    monkeypatch.setattr(live, "BYTES", 10)
    table.append(n=1)
    table._writer.write()
    size = stored("large").blob.size
    assert table._writer._due - live.time.monotonic() > size / 10 - 1


def test_columns_may_come_later_and_widen():
    with nba.live_table("wide", columns=["b", "a"]) as table:
        table.append(a=1)
        table.append(a=2, c="x")
        table.append(a=2.5, b=None)
    frame = nba.Artifact.get("wide").to_arrow()
    assert frame.column_names == ["b", "a", "c"]
    assert frame.column("a").to_pylist() == [1.0, 2.0, 2.5]
    assert frame.column("c").to_pylist() == [None, "x", None]


def test_values_of_other_libraries_are_what_they_hold():
    with nba.live_table("numpy") as table:
        table.append(
            f=np.float32(0.5), i=np.int64(3), b=np.bool_(True), s=np.str_("x"), at=pd.Timestamp("2026-01-02"), zero=np.array(7)
        )
        table.append(f=np.float64(0.1), i=4, b=False, s="y", at=np.datetime64("2026-01-03", "ns"), zero=8)
        table.append(f=pd.NA, i=None, b=None, s=None, at=pd.NaT, zero=None)
    rows = nba.Artifact.get("numpy").to_arrow().to_pylist()
    assert rows[0] == {"f": 0.5, "i": 3, "b": True, "s": "x", "at": dt.datetime(2026, 1, 2), "zero": 7}
    assert rows[1] == {"f": 0.1, "i": 4, "b": False, "s": "y", "at": dt.datetime(2026, 1, 3), "zero": 8}
    assert set(rows[2].values()) == {None}


def test_times_bytes_and_decimals():
    zone = dt.timezone(dt.timedelta(hours=2))
    row = {
        "at": dt.datetime(2026, 1, 1, 12, tzinfo=zone), "day": dt.date(2026, 1, 1), "clock": dt.time(1, 2, 3),
        "span": dt.timedelta(seconds=1.5), "raw": b"\0\xff", "price": Decimal("1.10"),
    }  # fmt: skip
    with nba.live_table("times") as table:
        table.append(row)
        table.append(row | {"price": Decimal("1000.125")})
    first, second = nba.Artifact.get("times").to_arrow().to_pylist()
    assert first == row | {"price": Decimal("1.100")}
    assert second["price"] == Decimal("1000.125")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"n": 1, "x": object()}, "column 'x', row 1: a object cannot be kept"),
        ({"n": "one"}, "column 'n', row 1: a text, where the column has a whole number"),
        ({"n": True}, "column 'n', row 1: a truth value, where the column has a whole number"),
        ({"n": 2**63}, "column 'n', row 1: .* more than 64 bits"),
        ({"s": "\ud800"}, "column 's', row 1: has a lone surrogate"),
        ({"x": [1]}, "column 'x', row 1: a list cannot be kept"),
        ({"x": np.array([1, 2])}, "column 'x', row 1: a ndarray"),
        ({"x": pd.Timestamp(1, unit="ns")}, "column 'x', row 1: a Timestamp"),
        ({"x": Decimal("NaN")}, "column 'x', row 1: NaN is not a number"),
        ({"x": Decimal("-Infinity")}, "column 'x', row 1: -Infinity is not a number"),
        ({"x": Decimal("1e38")}, "column 'x', row 1: .* more than 38 digits"),
        ({"x": Decimal("1e-39")}, "column 'x', row 1: .* more than 38 digits"),
        ({"x": dt.timedelta.max}, "column 'x', row 1: .* longer than 64 bits"),
        ({"x": dt.time(1, tzinfo=dt.timezone.utc)}, "column 'x', row 1: .* has a time zone"),
        ({"x": dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=1)))}, "column 'x', row 1: .* years 1 and 9999"),
        ({3: 1}, "3 is not the name of a column"),
        ({"": 1}, "'' is not the name of a column"),
    ],
)
def test_a_cell_that_cannot_be_kept_is_named_and_nothing_is_added(row, words):
    table = nba.live_table("refused")
    table.append(n=1, s="a")
    with pytest.raises(InvalidValue, match=words):
        table.append({"new": 1, **row})
    assert len(table) == 1
    table.append(n=2, s="b")
    assert nba.Artifact.get("refused").to_arrow().column_names == ["n", "s"]


def test_whole_numbers_that_a_float_cannot_hold_stay_whole():
    table = nba.live_table("exact")
    table.append(n=2**53 + 1)
    with pytest.raises(InvalidValue, match=r"column 'n', row 1: .*above 2"):
        table.append(n=0.5)
    table.append(n=3)
    assert nba.Artifact.get("exact").to_arrow().column("n").to_pylist() == [2**53 + 1, 3]
    table.append(m=0.5)
    with pytest.raises(InvalidValue, match="column 'm', row 3"):
        table.append(m=2**53 + 1)
    with pytest.raises(InvalidValue, match="column 'm', row 3"):
        table.extend(pd.DataFrame({"m": [2**53 + 1]}))


def test_decimals_of_any_size_that_is_taken_fit_into_one_column():
    texts = ["1", "1e37", "1e-38", "9" * 38, "0." + "9" * 38]
    with nba.live_table("decimals") as table:
        for text in texts:
            table.append(d=Decimal(text))
    assert nba.Artifact.get("decimals").to_arrow().column("d").to_pylist() == [Decimal(text) for text in texts]


def test_extend_takes_dicts_and_frames_and_all_or_nothing():
    with nba.live_table("many") as table:
        table.extend({"n": n, "s": "a"} for n in range(2))
        table.extend(pd.DataFrame({"n": pd.array([2], dtype="int8"), "s": pd.Categorical(["b"]), "x": [0.5]}))
        table.append(n=3)
        table.extend(pl.DataFrame({"n": [4.5], "s": ["c"]}))
        with pytest.raises(InvalidValue, match="column 's', row 6"):
            table.extend([{"n": 5}, {"s": 1}])
        with pytest.raises(InvalidValue, match="column 's', row 5"):
            table.extend(pd.DataFrame({"s": [1]}))
        with pytest.raises(InvalidValue, match="column 'l': large_list"):
            table.extend(pl.DataFrame({"l": [[1]]}))
        with pytest.raises(UnsupportedType, match="append takes one"):
            table.extend({"n": 1})
        with pytest.raises(UnsupportedType, match="row 5 is a int"):
            table.extend([1])
    found = nba.Artifact.get("many").to_arrow()
    assert found.column("n").to_pylist() == [0, 1, 2, 3, 4.5]
    assert found.column("s").to_pylist() == ["a", "a", "b", None, "c"]


def test_a_row_is_kept_as_it_was_when_it_was_appended():
    row = {"n": 1}
    table = nba.live_table("copied")
    table.append(row)
    row["n"] = 2
    table.append(row)
    row["n"] = 3
    assert nba.Artifact.get("copied").to_arrow().column("n").to_pylist() == [1, 2]


def test_an_exception_leaves_it_failed_with_all_its_rows():
    with pytest.raises(ZeroDivisionError), nba.live_table("broken") as table:
        for n in range(3):
            table.append(n=n)
        1 / 0
    assert state("broken") == "failed" and stored("broken").info["rows"] == 3
    assert stored("broken").info["live"]["error"] == "ZeroDivisionError: division by zero"
    with pytest.raises(KeyboardInterrupt), nba.live_table("broken"):
        raise KeyboardInterrupt
    assert (state("broken"), stored("broken").version) == ("interrupted", 2)


def test_the_words_of_an_error_hide_secrets_and_may_be_none():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    for error in (ValueError("postgresql://u:hunter2@db refused \udcff"), Mute()):
        with pytest.raises(type(error)), nba.live_table("words") as table:
            table.append(epoch=0)
            table.append(epoch=1)
            raise error
    kept = nba.Artifact.history("words")[::-1]
    assert [one.payload.live.error for one in kept] == ["ValueError: postgresql://u:[redacted]@db refused ?", "Mute"]
    assert [(one.payload.live.state, len(one.to_pandas())) for one in kept] == [("failed", 2)] * 2


def test_after_its_end_it_takes_no_rows():
    with nba.live_table("over") as table:
        table.append(n=1)
    for add in (lambda: table.append(n=2), lambda: table.extend([{"n": 2}])):
        with pytest.raises(InvalidValue, match="the live table over has finished"):
            add()
    assert table.state == "finished" and "1 rows" in repr(table)


def test_one_that_nobody_holds_has_stopped_with_all_its_rows():
    table = nba.live_table("dropped")
    for n in range(10):
        table.append(n=n)
    del table
    assert until(lambda: state("dropped") == "stopped")
    assert stored("dropped").info["rows"] == 10


def test_threads_append_to_one_table():
    with nba.live_table("threads") as table:
        threads = [threading.Thread(target=lambda k=k: [table.append(k=k, n=n) for n in range(2000)]) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    frame = nba.Artifact.get("threads").to_pandas()
    assert len(frame) == 8000
    assert all(frame[frame["k"] == k]["n"].is_monotonic_increasing for k in range(4))


def test_a_store_that_cannot_be_written_is_warned_of_and_written_later(monkeypatch):
    table = nba.live_table("full")
    table.append(n=0)
    with monkeypatch.context() as broken:
        broken.setattr(type(core.current_store()), "patch", lambda *a, **k: (_ for _ in ()).throw(StoreFull("no space")))
        table.append(n=1)
        with pytest.warns(UserWarning, match="not kept at the moment, the work goes on: no space"):
            table.finish()
    assert until(lambda: state("full") == "finished")
    assert stored("full").info["rows"] == 2


def test_one_that_is_deleted_meanwhile_is_no_error():
    table = nba.live_table("gone")
    table.append(n=0)
    table.artifact.delete()
    table.append(n=1)
    table.finish()
    assert core.history("gone") == []


def test_how_much_of_a_long_one_stands_in_its_data_is_said():
    with nba.live_table("long") as table:
        table.append(text="x")
        table.extend([{"text": "x" * 1000} for _ in range(500)])
    found = nba.Artifact.get("long")
    assert found.metadata_["nb_artifacts.rows"].endswith(" of 501")
    assert len(found.to_arrow()) == 501


def test_old_states_leave_no_files_behind(home, monkeypatch):
    monkeypatch.setattr("nb_artifacts.store.sqlite.GRACE_SECONDS", -1)
    with nba.live_table("files") as table:
        for n in range(20):
            table.append(n=n)
            table._writer.write()
    assert len([path for path in (home / "blobs").rglob("*") if path.is_file()]) == 1


def test_what_is_asked_for_wrongly_is_refused():
    with pytest.raises(InvalidKey):
        nba.live_table("Not a key")
    with pytest.raises(InvalidValue, match="every=0 "):
        nba.live_table("x", every=0)
    with pytest.raises(InvalidValue, match="columns='abc' is one text"):
        nba.live_table("x", columns="abc")
    assert core.history("x") == []
    with nba.live_table("x") as table:
        for row in ([1, 2], 5, "text", [("a", 1)]):
            with pytest.raises(UnsupportedType, match="append takes one row"):
                table.append(row)
        for rows in (5, None, {"a": 1}, "text"):
            with pytest.raises(UnsupportedType, match="extend takes several rows"):
                table.extend(rows)
        table.append(pd.Series({"a": 1}))
    assert len(table) == 1


def run(code, home, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NB_ARTIFACTS_HOME": str(home)},
        **options,
    )


def test_a_killed_process_leaves_it_interrupted_with_what_was_written(home):
    code = (
        "import nb_artifacts as nba, time\ntable = nba.live_table('killed')\nfor n in range(3): table.append(n=n)\n"
        "while nba.core.current_store().get(table.artifact.id).info['rows'] < 3: time.sleep(0.01)\nprint('there', flush=True)\ntime.sleep(100)"
    )
    process = run(code, home)
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = nba.Artifact.get("killed")
    assert (found.payload.info.live.state, found.payload.info.live.error) == ("interrupted", "process died")
    assert found.to_pandas()["n"].tolist() == [0, 1, 2]
    assert "interrupted" in found.payload.summary()


def test_the_end_of_the_process_is_an_end(home):
    run("import nb_artifacts as nba\nt = nba.live_table('ended')\nfor n in range(3): t.append(n=n)", home).wait()
    assert (state("ended"), stored("ended").info["rows"]) == ("stopped", 3)


def test_a_forked_child_leaves_the_table_to_its_parent(home):
    code = (
        "import os, nb_artifacts as nba\nt = nba.live_table('forked'); t.append(n=0)\npid = os.fork()\n"
        "if pid == 0:\n    try: t.append(n=1)\n    except ValueError as e: print(e, flush=True)\n    print(len(t), flush=True); os._exit(0)\n"
        "os.waitpid(pid, 0); t.append(n=2); t.finish()"
    )
    said = run(code, home).communicate()[0]
    assert "belongs to the process that made it" in said
    assert nba.Artifact.get("forked").to_arrow().column("n").to_pylist() == [0, 2]


def test_static_views_show_the_last_rows():
    table = nba.live_table("shown")
    for n in range(100):
        table.append(n=n)
    table._writer.write()
    bundle = table._repr_mimebundle_()
    assert ">99<" in bundle["text/html"] and ">5<" not in bundle["text/html"]
    assert "the last 10 shown" in bundle["text/html"] and "100 rows" in bundle["text/plain"]
    assert nba.Artifact.get("shown")._repr_mimebundle_()["text/html"] == bundle["text/html"]
    table.extend({"n": n, "text": "x" * 100} for n in range(5000))
    long = nba.Artifact.get("shown")._repr_mimebundle_()["text/html"]
    assert "5,100 rows" in long and "the first 10 shown" in long and ">0<" in long
