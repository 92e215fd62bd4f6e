"""Orders cancelled: many only after it was told what that does, and what of them can't be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from entrepot.kernel.errors import Refused
from entrepot.orders import rules
from entrepot.orders.commands.cancel import CancelOrder, Foreseen, foresee
from entrepot.sourcing.commands.cancel import cancel
from entrepot.warehouse.commands.withdraw import withdraw
from entrepot.web import format as fmt
from entrepot.web import words
from entrepot.web.edge import Request, back, came_from, clean, give, is_many, page
from entrepot.web.refusals import named

SHOWN = 50
"""Orders, and refusals, that the question lists."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Orders of one currency together."""

    currency: str
    orders: int
    units: int
    on_floor: int
    minor: int
    refunded_minor: int
    by_return_minor: int


def may_withdraw(request: Request) -> bool:
    return request.reader.actor.may("warehouse.withdraw")


def may_cancel(request: Request) -> bool:
    return may_withdraw(request) or request.reader.actor.may("sourcing.cancel")


def cancelled(request: Request, wanted: Sequence[CancelOrder], *, in_part: bool = False) -> list[Any]:
    """Whoever may withdraw from the warehouse cancels late as well."""

    def done(n: int) -> str:
        if in_part:
            units = sum(units for one in wanted for _, units in one.lines or ())
            return ngettext(
                "%(n)s unit is cancelled, and what is left of the order stays.",
                "%(n)s units are cancelled, and what is left of the order stays.",
                units,
            ) % {"n": fmt.number(units)}
        return ngettext("%(n)s order was cancelled.", "%(n)s orders were cancelled.", n) % {"n": n}

    return give(request, withdraw if may_withdraw(request) else cancel, wanted, done)


def cancel_many(request: Request, which: Sequence[UUID]) -> HttpResponse:
    """Those that can be are cancelled as it was told; before that, and where it is another sum by now, it is told."""
    note, code = clean(request.POST.get("reason")), clean(request.POST.get("code")) or "other"
    reason = rules.why_cancelled(code, note)
    wanted = [CancelOrder(one, reason, code=code) for one in dict.fromkeys(which)]
    if not wanted or not may_cancel(request):
        return back(request, reverse("orders"), cancelled(request, wanted))
    # What can be cancelled does not depend on why; without a reason the command refuses all of them.
    asked = [CancelOrder(one.order, reason or "-") for one in wanted]
    foreseen = foresee(asked, from_floor=may_withdraw(request))
    can = {one.order: one for one in foreseen if isinstance(one, Foreseen)}
    sums = _sums(list(can.values()))
    told = sha256(repr(list(can.values())).encode()).hexdigest()
    if not can or not reason or request.POST.get("told") != told:
        return _question(request, wanted, foreseen, sums, told, note)
    results = cancelled(request, [one for one in wanted if one.order in can])
    if not is_many(len(can)):
        done = [one for one in results if not isinstance(one, Refused)]
        _say_sums(
            request, _sums([replace(can[one.order], refunded_minor=one.refunded_minor) for one in done])
        )
    return back(request, reverse("orders"), results)


def _question(
    request: Request, wanted: Sequence[CancelOrder], foreseen: Sequence[Foreseen | Refused],
    sums: Sequence[Sum], told: str, note: str,
) -> HttpResponse:  # fmt: skip
    can = [one for one in foreseen if isinstance(one, Foreseen)]
    refused = [one for one in foreseen if isinstance(one, Refused)]
    shown = named(request.reader.company.id, refused[:SHOWN])
    context = {
        "wanted": len(wanted), "can": len(can), "rows": can[:SHOWN], "more": max(0, len(can) - SHOWN),
        "sums": sums, "told": told, "again": "told" in request.POST,
        "refused": len(refused), "why_not": [words.refusal(one) for one in shown],
        "more_refused": max(0, len(refused) - SHOWN),
        "all": request.POST.get("all", ""), "chosen": [] if request.POST.get("all") else [one.order for one in wanted],
        "reason": wanted[0].reason, "note": note, "code": wanted[0].code, "codes": rules.CANCEL_REASONS,
        "target": came_from(request, reverse("orders")), "to_worker": is_many(len(can)),
    }  # fmt: skip
    return page(request, "web/orders_cancel.html", context, area="orders")


def _sums(found: Sequence[Foreseen]) -> list[Sum]:
    by: dict[str, list[Foreseen]] = {}
    for one in found:
        by.setdefault(one.currency, []).append(one)
    return [
        Sum(
            currency, len(ones), sum(one.units for one in ones), sum(one.on_floor for one in ones),
            sum(one.minor for one in ones), sum(one.refunded_minor for one in ones),
            sum(one.by_return_minor for one in ones),
        )
        for currency, ones in sorted(by.items())
    ]  # fmt: skip


def _say_sums(request: Request, sums: Sequence[Sum]) -> None:
    for one in sums:
        facts = {
            "units": fmt.number(one.units), "amount": fmt.money(one.minor, one.currency),
            "back": fmt.money(one.refunded_minor, one.currency),
        }  # fmt: skip
        told = ngettext(
            "That is %(units)s unit for %(amount)s.", "That is %(units)s units for %(amount)s.", one.units
        )
        messages.info(request, told % facts)
        if one.refunded_minor:
            messages.info(
                request, gettext("%(amount)s of what was captured is given back.") % {"amount": facts["back"]}
            )
