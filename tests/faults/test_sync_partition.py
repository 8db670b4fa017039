"""R-13: a cable is pulled between two network namespaces, and what is there afterwards is slow and loses packets.

Only `make soak` runs it, since it takes a minute and needs the rights of root.
"""

import json
import os
import subprocess
import sys
import time
import warnings

import pytest
from api.conftest import ROOT, stop_server
from faults.elsewhere import content
from faults.machines import SOAK
from server.conftest import start
from waiting import until

from nb_artifacts.store import open_store
from nb_artifacts.store.remotes import Remotes

HERE, THERE, SPACE, LINK = "10.203.77.1", "10.203.77.2", "nba-partition", "nba-cable"

CREATES = """
import json, sys, time, nb_artifacts as nba
times, end, n = [], time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    begun = time.monotonic()
    nba.create_markdown_artifact(f"text {n}", key=f"k{n % 7}")
    times.append(time.monotonic() - begun)
    n += 1
    time.sleep(0.02)
print(json.dumps(times), flush=True)
sys.stdin.readline()
"""


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


def cable():
    """The link between the two, or why there can be none."""
    try:
        run("ip", "netns", "add", SPACE)
        run("ip", "link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", SPACE)
        run("ip", "address", "add", f"{HERE}/24", "dev", LINK)
        run("ip", "link", "set", LINK, "up")
        for words in (
            ("address", "add", f"{THERE}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            run("ip", "-n", SPACE, *words)
    except (OSError, subprocess.CalledProcessError) as error:
        pull_out()
        pytest.skip(f"no network namespaces here, so R-13 was NOT tested: {getattr(error, 'stderr', error)}")


def slow_down():
    """5 % of the packets are lost and all are late, where the kernel can do that."""
    netem = ["tc", "qdisc", "add", "dev", LINK, "root", "netem", "loss", "5%", "delay", "200ms"]
    done = subprocess.run(netem, check=False, capture_output=True, text=True)
    if done.returncode:
        warnings.warn(f"R-13 runs without losses and delay, which this kernel lacks: {done.stderr}", stacklevel=1)


def pull_out():
    for words in (("link", "del", LINK), ("netns", "del", SPACE)):
        subprocess.run(["ip", *words], check=False, capture_output=True)


if SOAK:

    @pytest.fixture
    def server(tmp_path):
        cable()
        server = start(tmp_path, "--host", "0.0.0.0", "--allow-host", HERE)
        yield server
        stop_server(server)
        pull_out()

    def test_partition(server, tmp_path):
        address = f"http://{HERE}:{server.port}/api/accounts/a/workspaces/w"
        env = {**os.environ, "NB_ARTIFACTS_HOME": str(tmp_path / "kernel"), "PYTHONPATH": str(ROOT)}
        env |= {"NB_ARTIFACTS_API_URL": address, "NB_ARTIFACTS_API_KEY": server.token}
        command = ["ip", "netns", "exec", SPACE, sys.executable, "-c", CREATES, "36"]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as kernel:
            folder = tmp_path / "kernel"
            until((folder / "store.db").exists)
            store = open_store(folder)
            remotes = Remotes(store)
            until(lambda: remotes.find(address) and remotes.state(address).last_ok)
            run("ip", "link", "set", LINK, "down")
            time.sleep(30)
            slow_down()
            run("ip", "link", "set", LINK, "up")
            up = time.monotonic()
            times = json.loads(kernel.stdout.readline())
            until(lambda: remotes.count(address) == 0, 90)
            assert time.monotonic() - up <= 60
            assert sorted(times)[len(times) * 99 // 100] <= 0.05
            there = open_store(f"http://127.0.0.1:{server.port}/api/accounts/a/workspaces/w", key=server.token)
            assert content(there) == content(store)
            there.close()
            kernel.communicate("\n", timeout=30)
