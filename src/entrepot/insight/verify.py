"""`entrepot verify`: every room recomputes what it can, and says what differs."""

from __future__ import annotations

import importlib
import time
from collections.abc import Collection, Iterator, Sequence
from importlib.util import find_spec
from types import ModuleType
from typing import TextIO

from django.conf import settings

from entrepot.kernel import seal, sql

SHOWN_MAX = 20
"""Discrepancies printed of one room; the rest are counted."""


def discrepancies(rooms: Collection[str] = ()) -> list[str]:
    """Everything that any room, or one of those named, finds amiss; [] where all sums are in order."""
    with sql.whole_tables():
        return [
            sentence
            for room, queries in self_checking()
            if not rooms or room in rooms
            for sentence in queries.discrepancies()
        ]


def run(out: TextIO, heads: Sequence[seal.Head] = ()) -> bool:
    """Say per room what was checked, how many rows, and what differs. True where nothing does.

    `heads` were exported before, and must be links of the chains still.
    """
    began = time.perf_counter()
    found = rows = 0
    for room, queries in self_checking():
        with sql.whole_tables():
            sentences = queries.discrepancies()
            checked = looked_at(room, queries)
        rows += sum(checked.values())
        found += len(sentences)
        _report(out, room, checked, sentences)
    if heads:
        anew = seal.written_anew(list(heads))
        found += len(anew)
        _report(out, "heads", {"heads kept elsewhere": len(heads)}, anew)
    took = f"{rows:,} rows checked in {time.perf_counter() - began:.1f} s"
    if found:
        out.write(f"\nNOT IN ORDER: {found:,} {'discrepancy' if found == 1 else 'discrepancies'}. {took}.\n")
    else:
        out.write(f"\nAll in order: {took}.\n")
    return not found


def self_checking() -> Iterator[tuple[str, ModuleType]]:
    """The rooms that can check themselves, lowest first."""
    for room in settings.ROOMS:
        if find_spec(f"entrepot.{room}.queries"):
            queries = importlib.import_module(f"entrepot.{room}.queries")
            if hasattr(queries, "discrepancies"):
                yield room, queries


def looked_at(room: str, queries: ModuleType) -> dict[str, int]:
    """Rows that the room's `discrepancies` looked at, by what they are."""
    counts: dict[str, int] = queries.checked() if hasattr(queries, "checked") else {}
    return counts | _chain() if room == "kernel" else counts


def _chain() -> dict[str, int]:
    """How long the audit chains are that the kernel has just walked, and what no link holds yet."""
    walk = seal.lengths()
    return {
        "rows of the audit chains": walk.rows,
        "links": walk.links,
        "rows not sealed yet": walk.unsealed,
    }


def _report(out: TextIO, room: str, checked: dict[str, int], sentences: list[str]) -> None:
    what = ", ".join(f"{count:,} {name}" for name, count in checked.items()) or "no rows to count"
    out.write(f"{'ok ' if not sentences else 'OFF'}  {room:<12} {what}\n")
    out.writelines(f"       {sentence}\n" for sentence in sentences[:SHOWN_MAX])
    if len(sentences) > SHOWN_MAX:
        out.write(f"       … and {len(sentences) - SHOWN_MAX:,} more\n")
    out.flush()
