import dataclasses
import subprocess
import sys
import time

from faults.processes import Child

from nb_artifacts.process import is_dead, this_process


def test_this_process_lives():
    assert not is_dead(this_process())


def test_one_of_another_host_or_an_unknown_state_is_not_called_dead():
    assert not is_dead(dataclasses.replace(this_process(), host="another", pid=1 << 30))


def test_an_earlier_boot_a_missing_pid_and_a_reused_pid_are_dead():
    me = this_process()
    assert is_dead(dataclasses.replace(me, boot_id="before"))
    assert is_dead(dataclasses.replace(me, started=me.started - 3600))
    assert is_dead(dataclasses.replace(me, pid=1 << 22, started=1.0))


def test_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    import psutil

    started = psutil.Process(child.pid).create_time()
    writer = dataclasses.replace(this_process(), pid=child.pid, started=started)
    assert not is_dead(writer)
    child.kill()
    deadline = time.monotonic() + 30
    while not is_dead(writer) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_dead(writer), "killed, not yet waited for"
    child.wait()
    assert is_dead(writer)


def test_a_fork_is_another_writer():
    before = this_process()
    child = Child(lambda send: send(this_process().pid))
    assert child.wait() == [child.pid]
    assert child.pid != before.pid
