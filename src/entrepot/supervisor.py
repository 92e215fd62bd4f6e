"""Keeps the processes of a running house alive: starts them, restarts what dies, stops all of them in order.

Knows no room: a child is a name and a command line.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

from entrepot import Problem
from entrepot.postgres import Server, die_with_parent, inherited_server

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.5, 30.0
STEADY_S = 60.0  # a child that lived this long begins again with the first backoff
STOP_S = 5.0  # for the children; the database has the rest of the ten seconds
POLL_S = 0.1
WORKERS = 2  # web processes


@dataclass(slots=True)
class Child:
    """One process and its history."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    backoff_s: float = BACKOFF_FIRST_S


@dataclass(slots=True)
class Supervisor:
    """`run` blocks until a signal asks it to end. Must run in the main thread."""

    children: list[Child]
    server: Server | None = None
    address: tuple[str, int] | None = None
    guest: bool = False  # the database is another process's, and ours once that has ended
    _ending: threading.Event = field(default_factory=threading.Event)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> int:
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            self._watch()
        finally:
            self._stop_children()
            if self.server:
                self.server.stop(timeout_s=3)
            for number, handler in before.items():
                signal.signal(number, handler)
        self.say("entrepot", "stopped")
        return 0

    def say(self, name: str, line: str) -> None:
        with self._writing:
            sys.stdout.write(f"{name:<8} | {line.rstrip()}\n")
            sys.stdout.flush()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._ending.set()

    def _watch(self) -> None:
        announced = False
        while not self._ending.is_set():
            self._keep_database()
            for child in self.children:
                self._tend(child)
            if self.address and not announced and _is_open(self.address):
                announced = True
                self.say(
                    "entrepot",
                    f"the console is at http://{self.address[0]}:{self.address[1]}/ (Ctrl-C stops)",
                )
            self._ending.wait(POLL_S)

    def _keep_database(self) -> None:
        if self.server and not self.server.is_running():
            self.say("entrepot", "the database ended; starting it again")
            self.server.start()
        elif self.guest and not self.server and (server := inherited_server()):
            self.server = server
            self.say("entrepot", "the process that ran the database has ended; it runs here now")

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.process and child.process.poll() is not None:
            _signal_group(child.process, signal.SIGKILL)  # what it had started and left behind
            lived_s = now - child.started_at
            child.backoff_s = (
                BACKOFF_FIRST_S if lived_s > STEADY_S else min(child.backoff_s * 2, BACKOFF_MAX_S)
            )
            child.next_start_at = now + child.backoff_s
            code = child.process.returncode
            self.say(
                "entrepot", f"{child.name} ended with {code}; starting it again in {child.backoff_s:.0f} s"
            )
            child.process = None
        if child.process is None and now >= child.next_start_at:
            self._start(child, now)

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C reaches only us, and a group can be ended as one
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only calls prctl
        )
        child.started_at = now
        threading.Thread(target=self._copy_output, args=(child.name, child.process), daemon=True).start()

    def _copy_output(self, name: str, process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in process.stdout or ():
                self.say(name, line)

    def _stop_children(self) -> None:
        running = [child.process for child in self.children if child.process]
        for process in running:
            _signal_process(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
        for process in running:
            _signal_group(process, signal.SIGKILL)
            process.wait()


def serve(
    host: str = "127.0.0.1", port: int = 8000, *, workers: int = WORKERS, server: Server | None = None
) -> int:
    """Run web, worker, jobs and relay on a migrated database until a signal. Answers the exit code."""
    _check_free(host, port)
    this = (sys.executable, "-m", "entrepot")
    children = [
        *(Child(f"web {n}", (sys.executable, *web_arguments(host, port))) for n in range(1, workers + 1)),
        Child("worker", (*this, "worker")),
        Child("jobs", (*this, "manage", "procrastinate", "worker", "--shutdown-graceful-timeout", "4")),
        Child("relay", (*this, "relay")),
    ]
    return Supervisor(children, server, (host, port), guest=server is None).run()


def web_arguments(host: str, port: int) -> tuple[str, ...]:
    """What Python is started with to answer requests. Each web process listens for itself, so that the kernel deals
    connections out among them: where they share a listener, one of them takes nearly all (granian's issue 849)."""
    return (
        *("-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "5", "--log-level", "warning"),
        *("--workers-kill-timeout", "4", "--respawn-failed-workers", "entrepot.web.wsgi:application"),
    )


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Problem(
                f"Can't listen on {host}:{port} ({error.strerror}): choose another with --port."
            ) from error


def _is_open(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=0.2):
        return True
    return False


def _signal_process(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    # Its process id names the group as well: it was started in a session of its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
