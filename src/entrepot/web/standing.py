"""An order told to who is asked about it: where it is, in sentences, and what can still be done, or why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from django.utils.translation import gettext, ngettext

from entrepot.access.rules import ROLES
from entrepot.web import format as fmt
from entrepot.web import words

IN_HOUSE = ("released", "picked", "packed")


class Sent(Protocol):
    """What is told of a shipment."""

    @property
    def units(self) -> int: ...
    @property
    def carrier(self) -> str: ...
    @property
    def tracking(self) -> str: ...
    @property
    def promised_at(self) -> datetime | None: ...
    @property
    def shipped_at(self) -> datetime: ...
    @property
    def delivered_at(self) -> datetime | None: ...


def where(
    units: Mapping[str, int],
    sent: Sequence[Sent],
    holds: Sequence[str],
    expected_on: date | None,
    ships_on: date | None = None,
) -> list[str]:
    """Where an order is: units of goods by place, its shipments, the types of its open holds, when the last of what
    waits for stock is expected, and from when what is promised of goods that are sold ahead may leave."""
    found = [
        gettext("It is held, and goes no further until somebody releases it: %(hold)s.")
        % {"hold": words.word(one)}
        for one in dict.fromkeys(holds)
    ]
    found += [_sent(one) for one in sorted(sent, key=lambda one: one.shipped_at)]
    if n := sum(units.get(place, 0) for place in IN_HOUSE):
        parts = ", ".join(
            f"{fmt.number(units[place])} {words.word(place)}" for place in IN_HOUSE if units.get(place)
        )
        told = ngettext(
            "%(n)s unit is in the warehouse: %(parts)s.", "%(n)s units are in the warehouse: %(parts)s.", n
        )
        found.append(told % {"n": fmt.number(n), "parts": parts})
    found += [told(units[place]) for place, told in _WAITING.items() if units.get(place)]
    if ships_on:
        told = gettext("What is sold ahead of it leaves on %(day)s at the earliest.")
        found.append(told % {"day": fmt.day(ships_on)})
    if n := units.get("backordered", 0):
        found.append(_backordered(n, expected_on))
    if n := units.get("cancelled", 0):
        told = ngettext("%(n)s unit is cancelled.", "%(n)s units are cancelled.", n)
        found.append(told % {"n": fmt.number(n)})
    return found


def _sent(one: Sent) -> str:
    by = " ".join(filter(None, (one.carrier, one.tracking))) or gettext("own means")
    facts = {"n": fmt.number(one.units), "by": by}
    if one.delivered_at:
        told = ngettext(
            "%(n)s unit was delivered on %(day)s by %(by)s.",
            "%(n)s units were delivered on %(day)s by %(by)s.",
            one.units,
        )
        return told % (facts | {"day": fmt.day(one.delivered_at)})
    facts["day"] = fmt.day(one.shipped_at)
    if one.promised_at is None:
        told = ngettext(
            "%(n)s unit is on its way since %(day)s with %(by)s.",
            "%(n)s units are on their way since %(day)s with %(by)s.",
            one.units,
        )
        return told % facts
    told = ngettext(
        "%(n)s unit is on its way since %(day)s with %(by)s, promised for %(promise)s.",
        "%(n)s units are on their way since %(day)s with %(by)s, promised for %(promise)s.",
        one.units,
    )
    return told % (facts | {"promise": fmt.day(one.promised_at)})


def _promised(n: int) -> str:
    told = ngettext(
        "%(n)s unit is promised by a node and not on its floor yet.",
        "%(n)s units are promised by nodes and not on their floors yet.",
        n,
    )
    return told % {"n": fmt.number(n)}


def _with_supplier(n: int) -> str:
    told = ngettext("%(n)s unit is sent by a supplier.", "%(n)s units are sent by a supplier.", n)
    return told % {"n": fmt.number(n)}


def _open(n: int) -> str:
    told = ngettext("For %(n)s unit no node is chosen yet.", "For %(n)s units no node is chosen yet.", n)
    return told % {"n": fmt.number(n)}


_WAITING = {"allocated": _promised, "with_supplier": _with_supplier, "open": _open}


def _backordered(n: int, expected_on: date | None) -> str:
    if expected_on is None:
        told = ngettext(
            "%(n)s unit waits for stock, of which none is expected yet.",
            "%(n)s units wait for stock, of which none is expected yet.",
            n,
        )
        return told % {"n": fmt.number(n)}
    told = ngettext(
        "%(n)s unit waits for stock, expected on %(day)s.",
        "%(n)s units wait for stock, the last expected on %(day)s.",
        n,
    )
    return told % {"n": fmt.number(n), "day": fmt.day(expected_on)}


# ---- what can still be done


class Possible(NamedTuple):
    """Something that people ask for: the part of the page that does it, '' where none does, and why or how."""

    what: str
    at: str
    why: str


class Answer(NamedTuple):
    """What the policies of returns say of units of a line: `no` is why not; else until when, and why a person has to
    decide first, where one has."""

    units: int
    until: date | None = None
    asks: str = ""
    no: str = ""


class Asked(NamedTuple):
    """What decides about it. `edits`: each kind of change and why not any more, '' where it is allowed; `cancellable`:
    '' not at all, `late` with what the warehouse has of it; `may`: which of the commands the reader may give;
    `answers`: what the policies say of what may come back."""

    alive: bool
    edits: Sequence[tuple[str, str]]
    cancellable: str
    returnable: int
    gone: int
    captured: bool
    may: Mapping[str, bool]
    answers: Sequence[Answer] = ()


def possible(asked: Asked) -> list[Possible]:
    return [_change(asked), _cancel(asked), _hold(asked), _return(asked), _refund(asked)]


def _change(asked: Asked) -> Possible:
    what = gettext("Change it")
    left = [words.word(kind) for kind, why in asked.edits if not why]
    if not asked.alive or not left:
        why = next((why for _, why in asked.edits if why), "")
        told = (
            gettext("Not any more: %(why)s.") % {"why": words.told(why)} if why else gettext("It has ended.")
        )
        return Possible(what, "", told)
    return _if_may(asked, "sourcing.edit", Possible(what, "edit", ", ".join(left)))


def _cancel(asked: Asked) -> Possible:
    what = gettext("Cancel it")
    if not asked.alive or not asked.cancellable:
        told = gettext(
            "Nothing of it is left to cancel: take back what has left, and call off what a supplier sends."
        )
        return Possible(what, "", told)
    how = (
        gettext("The warehouse has some of it, and puts it back.")
        if asked.cancellable == "late"
        else gettext("What nobody has sent yet.")
    )
    return _if_may(asked, "sourcing.cancel", Possible(what, "acts", how))


def _hold(asked: Asked) -> Possible:
    what = gettext("Hold it")
    if not asked.alive:
        return Possible(what, "", gettext("It has ended: there is nothing to stop."))
    return _if_may(asked, "orders.place_hold", Possible(what, "acts", gettext("Nothing more of it moves.")))


def _return(asked: Asked) -> Possible:
    what = gettext("Take it back")
    if not asked.gone:
        return Possible(what, "", gettext("Nothing of it has left yet: cancel it instead."))
    if not asked.returnable:
        return Possible(what, "", gettext("All that left is on a return already."))
    told = " ".join(_answered(asked)) or _may_come(asked.returnable)
    return _if_may(asked, "returns.authorize", Possible(what, "returns", told))


def _answered(asked: Asked) -> list[str]:
    """What the policies say, the best first, each kind of answer once with its units."""
    sums: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], date | None] = {}
    for one in asked.answers:
        kind = (one.no, one.asks)
        # Of several lines the first day that is over is the one to tell.
        last[kind] = min((day for day in (last.get(kind), one.until) if day), default=None)
        sums[kind] = sums.get(kind, 0) + one.units
    return [_answer(units, *kind, last[kind]) for kind, units in sorted(sums.items())]


def _answer(units: int, no: str, asks: str, until: date | None) -> str:
    facts = {"n": fmt.number(units), "why": no or asks, "day": fmt.day(until) if until else ""}
    if no:
        told = ngettext(
            "%(n)s unit not by the policy, only for a reason: %(why)s",
            "%(n)s units not by the policy, only for a reason: %(why)s",
            units,
        )
    elif asks:
        told = ngettext(
            "%(n)s unit if a person agrees: %(why)s.", "%(n)s units if a person agrees: %(why)s.", units
        )
    elif until:
        told = ngettext(
            "%(n)s unit may come back, until %(day)s.", "%(n)s units may come back, until %(day)s.", units
        )
    else:
        return _may_come(units)
    return told % facts


def _may_come(units: int) -> str:
    told = ngettext("%(n)s unit may come back.", "%(n)s units may come back.", units)
    return told % {"n": fmt.number(units)}


def _refund(asked: Asked) -> Possible:
    what = gettext("Give money back")
    if not asked.captured:
        return Possible(
            what, "", gettext("Nothing is captured: what is authorized goes when it is cancelled.")
        )
    if asked.returnable:
        return _if_may(
            asked,
            "returns.authorize",
            Possible(what, "returns", gettext("By a return, also without the goods.")),
        )
    if asked.alive and asked.cancellable:
        return _if_may(
            asked, "sourcing.cancel", Possible(what, "acts", gettext("By cancelling what has not left."))
        )
    return _if_may(asked, "work.open_case", Possible(what, "case", gettext("Ask for it by a case.")))


def _if_may(asked: Asked, command: str, found: Possible) -> Possible:
    """The same, or that other roles may."""
    if asked.may.get(command):
        return found
    roles = ", ".join(sorted(words.word(role) for role, names in ROLES.items() if command in names))
    return Possible(found.what, "", gettext("Not your roles; these may: %(roles)s.") % {"roles": roles})


COMMANDS = ("sourcing.edit", "sourcing.cancel", "orders.place_hold", "returns.authorize", "work.open_case")
"""Which of the reader's rights it asks for."""
