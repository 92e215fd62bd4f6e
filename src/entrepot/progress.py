"""How far a long job has come: a bar on a terminal, a line now and then in a log, on stderr.

Stands beneath the rooms so that any of them may use it.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

REDRAW_S = 0.1
LOG_LINE_S = 30.0
QUIET_S = 2.0  # what ends sooner than this shows nothing in a log
WIDTH = 30


class Progress:
    """`with Progress("Importing", total=n) as bar: bar.advance(1000)`. Without a total it counts."""

    def __init__(
        self, label: str, total: int | None = None, unit: str = "", stream: TextIO | None = None
    ) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._began = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._draw()
            self._stream.write("\n")
            self._stream.flush()
        elif time.monotonic() - self._began >= QUIET_S and kind is None:
            self._line()

    def advance(self, by: int = 1, label: str | None = None) -> None:
        self.done += by
        self.label = label or self.label
        now = time.monotonic()
        if now - self._shown >= (REDRAW_S if self._is_terminal else LOG_LINE_S):
            self._shown = now
            self._draw() if self._is_terminal else self._line()

    def _draw(self) -> None:
        bar = ""
        if self.total:
            filled = min(WIDTH, self.done * WIDTH // self.total)
            bar = f" [{'#' * filled}{'.' * (WIDTH - filled)}]"
        self._stream.write(f"\r\x1b[K{self.label}{bar} {self._count()}")
        self._stream.flush()

    def _line(self) -> None:
        self._stream.write(f"{self.label}: {self._count()}\n")
        self._stream.flush()

    def _count(self) -> str:
        of_total = f" of {self.total:,}" if self.total else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.done:,}{of_total}{unit}, {time.monotonic() - self._began:.0f} s"
