"""Sorting a cart that carries several orders to a wall of totes: what a batch and a zone need before packing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from entrepot.kernel.errors import Refused
from entrepot.work import errors
from entrepot.work.scanning import Keep, Scan


class Units(Protocol):
    """Picked units of one order on the cart; `tote` is where the order stands, '' where it has no place yet."""

    @property
    def task(self) -> UUID: ...
    @property
    def sku(self) -> UUID: ...
    @property
    def sku_code(self) -> str: ...
    @property
    def tote(self) -> str: ...


U = TypeVar("U", bound=Units)


class Sorted(NamedTuple):
    """The units of a stop stand in this tote."""

    task: UUID
    tote: str


def chosen(rows: Sequence[U], tokens: Sequence[str]) -> U | None:
    """The units in the hand: those that the last scan chose."""
    last = tokens[-1] if tokens else ""
    return next((one for one in rows if last == f"stop|{one.task}"), None)


def scanned(rows: Sequence[U], tokens: Sequence[str], scan: Scan) -> Keep | Sorted | Refused:
    """What a scan does: an item chooses units, a tote takes them. Orders that have a place already come first, so that
    as few places as can be are in use."""
    one = chosen(rows, tokens)
    named = {item.id for item in scan.items}
    if one is None:
        found = sorted((row for row in rows if row.sku in named), key=lambda row: not row.tote)
        if found:
            return Keep(f"stop|{found[0].task}")
        told = errors.ScanWrongItem if scan.items else errors.ScanUnknown
        return told(scanned=scan.shown, wanted="something that lies on the cart")
    if scan.items or scan.bin:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=one.tote or "an empty tote or place")
    tote = scan.text.upper()
    if one.tote and tote != one.tote:
        return errors.ScanWrongTote(scanned=tote, wanted=one.tote)
    return Sorted(one.task, tote)
