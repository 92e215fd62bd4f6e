"""The supervisor restarts what dies and stops in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHILDREN = """
import sys
from entrepot.supervisor import Child, Supervisor
steady = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} '); time.sleep(600)"
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
sys.exit(Supervisor([
    Child("steady", [sys.executable, "-c", steady, sys.argv[1]]),
    Child("deaf", [sys.executable, "-c", deaf]),
]).run())
"""


def pids_in(file: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if file.exists() and len(found := file.read_text().split()) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    raise AssertionError(
        f"{count} starts were expected, found: {file.read_text() if file.exists() else 'none'}"
    )


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def begin(file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILDREN, str(file)], stdout=subprocess.PIPE, text=True)


def test_a_killed_child_is_started_again_and_a_signal_ends_all_within_ten_seconds(tmp_path: Path) -> None:
    house = begin(tmp_path / "pids")
    os.kill(pids_in(tmp_path / "pids", 1)[0], signal.SIGKILL)
    second = pids_in(tmp_path / "pids", 2)[1]

    asked_at = time.monotonic()
    house.send_signal(signal.SIGTERM)
    output, _ = house.communicate(timeout=20)

    assert house.returncode == 0
    assert time.monotonic() - asked_at < 10
    assert not is_alive(second)
    assert "steady ended with -9; starting it again" in output


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    house = begin(tmp_path / "pids")
    child = pids_in(tmp_path / "pids", 1)[0]

    house.kill()
    house.communicate()

    deadline = time.monotonic() + 30
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)
