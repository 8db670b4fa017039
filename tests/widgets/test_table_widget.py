"""`TableWidget` in a real kernel: its state is small, and its pages come over the comm from the stored Parquet."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from kernelkit import Kernel

VIEW = "application/vnd.jupyter.widget-view+json"


class Line:
    """What a view has: a comm to the widget of the last cell."""

    def __init__(self, kernel, made):
        self.kernel = kernel
        client = kernel.client
        message = client.session.msg(
            "execute_request",
            {
                "code": made,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        client.shell_channel.send(message)
        self.opened, self.outputs, self.state_bytes = [], [], 0
        while True:
            found = client.get_iopub_msg(timeout=60)
            if found["msg_type"] == "comm_open" and found["content"]["data"]["state"].get("_view") in {"table", "progress"}:
                self.opened.append(found["content"])
            elif found["msg_type"] in {"display_data", "execute_result"}:
                self.outputs.append(found["content"]["data"])
            elif found["msg_type"] == "error":
                pytest.fail("\n".join(found["content"]["traceback"]))
            elif (
                found["msg_type"] == "status"
                and found["content"]["execution_state"] == "idle"
                and found["parent_header"]["msg_id"] == message["header"]["msg_id"]
            ):
                break
        self.id = self.opened[-1]["comm_id"]
        self.state = self.opened[-1]["data"]["state"]
        self.sent = 0

    def send(self, kind, **params):
        self.sent += 1
        content = {"id": self.sent, "kind": kind, "params": params}
        client = self.kernel.client
        client.shell_channel.send(
            client.session.msg("comm_msg", {"comm_id": self.id, "data": {"method": "custom", "content": content}})
        )
        return self.sent

    def answer(self, id):
        while True:
            found = self.kernel.client.get_iopub_msg(timeout=60)
            if found["msg_type"] == "comm_msg" and found["content"]["data"].get("content", {}).get("id") == id:
                return found["content"]["data"]["content"], [bytes(part) for part in found.get("buffers", [])]

    def ask(self, kind, **params):
        return self.answer(self.send(kind, **params))

    def changed(self):
        """The next state of the record."""
        while True:
            found = self.kernel.client.get_iopub_msg(timeout=60)
            data = found["content"].get("data", {})
            if (
                found["msg_type"] == "comm_msg"
                and found["content"]["comm_id"] == self.id
                and "_record" in data.get("state", {})
            ):
                return data["state"]["_record"]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    place = tmp_path_factory.mktemp("widgets")
    kernel = Kernel(place / "home", place)
    kernel.run("import nb_artifacts as nba, pandas as pd, numpy as np\nnba.configure(display=False)")
    kernel.run(
        "frame = pd.DataFrame({'id': range(5000), 'name': [f'n{i % 7}' for i in range(5000)], 'x': np.linspace(0, 1, 5000)})"
    )
    kernel.run("kept = nba.create(frame, 'large')")
    yield kernel
    kernel.close()


def rows(buffers):
    (content,) = buffers
    return pa.ipc.open_stream(content).read_all()


@pytest.fixture(scope="module")
def line(kernel):
    return Line(kernel, "nba.widget(kept)")


def test_its_state_says_what_the_table_is_and_holds_no_rows(line):
    record = line.state["_record"]
    assert (line.state["_view"], record["key"], record["type"], record["info"]["rows"]) == ("table", "large", "table", 5000)
    assert "data" not in record
    small = {name: value for name, value in line.state.items() if name not in {"_esm", "_css"}}
    assert len(json.dumps(small)) < 4000


def test_what_is_displayed_is_a_widget_with_static_html_beside_it(line):
    (shown,) = line.outputs
    assert shown[VIEW]["model_id"] == line.id
    assert "5,000 rows" in shown["text/html"] and "large v1" in shown["text/plain"]


def test_pages_come_as_arrow_sorted_and_filtered(line):
    answer, buffers = line.ask("rows", offset=0, limit=3, sort="-id", format="arrow")
    assert (answer["ok"], answer["header"]) == (True, {"rows": 5000, "total": 5000})
    assert rows(buffers).column("id").to_pylist() == [4999, 4998, 4997]
    answer, buffers = line.ask(
        "rows", limit=2, columns='["name"]', filter='[{"column": "name", "op": "equals", "value": "n3"}]'
    )
    assert answer["header"]["total"] == 5000 and answer["header"]["rows"] == 714
    assert rows(buffers).to_pydict() == {"name": ["n3", "n3"]}


def test_a_summary_and_a_file(line):
    answer, (content,) = line.ask("summary", columns="x")
    assert answer["ok"]
    (column,) = json.loads(content)["columns"]
    assert (column["field"], column["min"], column["max"]) == ("x", 0.0, 1.0)
    answer, (content,) = line.ask("export", format="csv", q="n6", columns="id")
    assert answer["ok"] and content.decode().splitlines()[:3] == ["id", "6", "13"]


def test_what_is_asked_wrongly_is_said_and_the_next_question_answered(line):
    answer, buffers = line.ask("rows", sort="nonsense")
    assert (answer["ok"], buffers) == (False, []) and "nonsense" in answer["header"]["detail"]
    answer, _ = line.ask("rows", where="id >")
    assert not answer["ok"] and "position" in answer["header"]
    answer, _ = line.ask("rows", where="id = (SELECT 1 FROM read_csv('/etc/passwd'))")
    assert not answer["ok"]
    answer, _ = line.ask("secrets")
    assert not answer["ok"] and "'secrets' is not a request" in answer["header"]["detail"]
    assert line.ask("rows", limit=1)[0]["ok"]


def test_messages_that_are_none_are_left_alone(line):
    client = line.kernel.client
    for content in ("text", None, {"kind": "rows"}, {"id": {}, "kind": "rows"}, {"id": 7, "kind": ["rows"]}):
        client.shell_channel.send(
            client.session.msg("comm_msg", {"comm_id": line.id, "data": {"method": "custom", "content": content}})
        )
    assert line.ask("rows", limit=1)[0]["ok"]


def test_a_frame_needs_not_be_kept(kernel):
    line = Line(kernel, "held = nba.TableWidget(frame.head(10)); held")
    assert line.state["_record"]["key"] is None
    assert rows(line.ask("rows", sort="-x", limit=1)[1]).column("id").to_pylist() == [9]
    assert kernel.run("print(nba.status().keys)").stdout.strip() == "1"


def test_it_follows_a_live_table(kernel):
    line = Line(kernel, "table = nba.live_table('followed', display=False)\ntable.append(n=0)\nnba.widget('followed')")
    assert line.state["_record"]["info"]["live"]["state"] == "running"
    kernel.run("table.append(n=1); table.finish()")
    record = line.changed()
    while record["info"]["live"]["state"] != "finished":
        record = line.changed()
    assert record["info"]["rows"] == 2
    assert rows(line.ask("rows")[1]).column("n").to_pylist() == [0, 1]


def test_a_progress_is_a_bar_and_other_types_say_so(kernel):
    line = Line(kernel, "nba.create_progress_artifact(40, key='part')\nbar = nba.widget('part')")
    assert line.state["_view"] == "progress"
    assert kernel.run("print(bar.value, bar.max)").stdout == "40.0 100.0\n"
    error = kernel.run("nba.widget(nba.create('text'))", check=False).error
    assert "UnsupportedType: a markdown artifact has no widget" in error
    assert "no artifact 'absent'" in kernel.run("nba.widget('absent')", check=False).error
    assert "is not a table" in kernel.run("nba.TableWidget(nba.create('text'))", check=False).error


def test_an_artifacts_own_output_has_no_widget(kernel):
    assert VIEW not in kernel.run("nba.create(frame.head(2), display=True)").outputs[0]


def test_what_is_no_table_leaves_nothing_that_complains():
    from nb_artifacts import TableWidget

    TableWidget.close(TableWidget.__new__(TableWidget))
