"""Goods in somebody's hands at the dock: what is asked of them before `receive_scans` takes them in. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.errors import Refused
from entrepot.work import errors
from entrepot.work.scanning import ALL, YES, Keep, Scan, typed

DAMAGED, LOST = "=damaged", "=lost"
"""What the buttons say where the goods came damaged, and where they did not come and will not."""


class Load(NamedTuple):
    """Units of a SKU that came alike."""

    sku: UUID
    code: str
    units: int = 1
    lot: str = ""
    expires_on: date | None = None
    serials: tuple[str, ...] = ()
    damaged: bool = False
    note: str = ""
    lost: bool = False


class TakeIn(NamedTuple):
    """The load is to be received, or refused by the command with work for a person where it has expired; `then` is what
    was scanned after it, and begins the next."""

    load: Load
    then: str = ""


def load(tokens: Sequence[str]) -> Load | None:
    """What the remembered scans come to."""
    found: Load | None = None
    for token in tokens:
        kind, _, value = token.partition("|")
        if kind == "item":
            sku, code, units, lot, expires, serial = json.loads(value)
            day = date.fromisoformat(expires) if expires else None
            found = Load(UUID(sku), code, units, lot, day, (serial,) if serial else ())
        elif found is None:
            continue
        elif kind == "more":
            units, serial = json.loads(value)
            found = found._replace(units=found.units + units)
            found = found._replace(serials=(*found.serials, serial) if serial else found.serials)
        elif kind == "units":
            found = found._replace(units=int(value))
        elif kind == "lot":
            found = found._replace(lot=value)
        elif kind == "expires":
            found = found._replace(expires_on=date.fromisoformat(value))
        elif kind in ("damaged", "lost"):
            found = found._replace(damaged=kind == "damaged", lost=kind == "lost", note="")
        elif kind == "note":
            found = found._replace(note=value)
    return found


def ask(at_hand: Load | None, lot_policy: str) -> str:
    """What is asked for next: `item`, its `lot`, `expiry` or the `note` of its damage or loss, or `sure`: is that all
    of it?"""
    if at_hand is None:
        return "item"
    if lot_policy != "none" and not at_hand.lot:
        return "lot"
    if lot_policy == "lot_expiry" and at_hand.expires_on is None:
        return "expiry"
    return "note" if (at_hand.damaged or at_hand.lost) and not at_hand.note else "sure"


def scanned(
    tokens: Sequence[str],
    lot_policy: str,
    to_come: int,
    scan: Scan,
    today: date,
    *,
    may_be_lost: bool = False,
) -> Keep | TakeIn | Refused:
    """What a scan does to the load: something to remember, the load taken in, or why it is wrong. `to_come` units of it
    are expected still; whether more may come is for the order's tolerance to say. Goods of a transfer may be lost."""
    at_hand = load(tokens)
    step = ask(at_hand, lot_policy)
    if at_hand is None or step == "item":
        return _item(scan, today)
    if step == "lot":
        return _said(scan, "lot", "its lot, from its label")
    if step == "note":
        return _said(scan, "note", "why they do not come" if at_hand.lost else "what is damaged")
    if step == "expiry":
        return _expiry(at_hand, scan, today)
    if scan.text == YES:
        return TakeIn(at_hand)
    if scan.text == DAMAGED and not at_hand.damaged:
        return Keep("damaged")
    if scan.text == LOST and may_be_lost and not at_hand.lost:
        return Keep("lost")
    if scan.text == ALL or typed(scan) is not None:
        return _number(at_hand, to_come, scan)
    return _next(at_hand, scan, today)


def _said(scan: Scan, kind: str, wanted: str) -> Keep | Refused:
    if scan.items or scan.bin or scan.text.startswith("="):
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=wanted)
    return Keep(f"{kind}|{scan.text}")


def _expiry(at_hand: Load, scan: Scan, today: date) -> Keep | TakeIn | Refused:
    """A day as 2027-06-30, or as labels print it: 270630."""
    digits = scan.text.replace("-", "").replace(".", "")
    text = f"20{digits}" if len(digits) == 6 else digits
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return errors.ScanOutOfTurn(
            scanned=scan.shown, wanted="the day on which it expires, such as 2027-06-30"
        )
    if day < today:
        return TakeIn(at_hand._replace(expires_on=day))
    return Keep(f"expires|{day.isoformat()}")


def _number(at_hand: Load, to_come: int, scan: Scan) -> Keep | Refused:
    """How many there are; all that is to come of it, where the button says so."""
    if at_hand.serials:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="every piece: each has its own serial number")
    units = to_come if scan.text == ALL else int(scan.text)
    if units < 1:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted="how many there are, 1 or more")
    return Keep(f"units|{units}")


def _next(at_hand: Load, scan: Scan, today: date) -> Keep | TakeIn | Refused:
    """More of the load; where something else was scanned, the load is complete, and this begins the next."""
    found = _item(scan, today)
    if not isinstance(found, Keep):
        return found
    if scan.serial and scan.serial in at_hand.serials:
        return errors.ScanSerialTwice(scanned=scan.serial)
    same = scan.items[0].id == at_hand.sku and bool(scan.serial) == bool(at_hand.serials)
    if same and scan.lot in ("", at_hand.lot) and scan.expires_on in (None, at_hand.expires_on):
        return Keep(f"more|{json.dumps([1 if scan.serial else scan.units or 1, scan.serial])}")
    return TakeIn(at_hand, found.token)


def _item(scan: Scan, today: date) -> Keep | TakeIn | Refused:
    if scan.bin and not scan.items:
        return errors.ScanOutOfTurn(scanned=scan.bin.code, wanted="what came")
    if not scan.items:
        return errors.ScanUnknown(scanned=scan.text, wanted="what came")
    one = scan.items[0]
    units = 1 if scan.serial else scan.units or 1
    if scan.expires_on and scan.expires_on < today:
        serials = (scan.serial,) if scan.serial else ()
        return TakeIn(Load(one.id, one.code, units, scan.lot, scan.expires_on, serials))
    expires = scan.expires_on.isoformat() if scan.expires_on else ""
    return Keep(f"item|{json.dumps([str(one.id), one.code, units, scan.lot, expires, scan.serial])}")
