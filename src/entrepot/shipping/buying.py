"""One attempt to buy a label of an adapter, such that however often it is made no label is bought twice."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from entrepot.kernel.errors import Said, Unavailable
from entrepot.shipping.live import Adapter, Asked, Bought, InDoubtError, NamesOffers, RefusedByCarrierError

NO_ACCOUNT = Said("this installation has no account with it")
VOIDED = Said("the label was voided before it was bought")
UNHEARD = Said("the answer of the adapter was not heard")
RUNNING = Said("it was asked for a moment ago, and may be sold still")
SETTLED_AFTER = timedelta(minutes=5)
"""When a purchase whose answer was not heard has come to its end: before, that nothing was sold tells nothing."""


class Attempt(NamedTuple):
    """What came of it: `offer` (to be bought by the next attempt), `buy`, `fail`, or `doubt`."""

    outcome: str
    bought: Bought | None = None
    offer: str = ""
    problem: str = ""


def attempt(
    adapter: Adapter | None,
    asked: Asked | None,
    name: str,
    offer: str,
    unheard_for: timedelta | None,
    *,
    is_last: bool,
) -> Attempt:
    """Buy a label by the adapter's name of the service. `asked` is None where the label is not wanted any more; `offer`
    is what it is bought by, where an attempt before this found one; `unheard_for`: how long ago an attempt was begun
    that may have bought it, and nobody heard. After the `is_last` one no label is waited for."""
    unknown = "doubt" if offer or unheard_for is not None else "fail"
    try:
        if adapter is None:
            return Attempt(unknown, problem=NO_ACCOUNT)
        if unheard_for is not None and not offer:
            raise InDoubtError(UNHEARD)
        if isinstance(adapter, NamesOffers):
            is_settled = unheard_for is None or unheard_for >= SETTLED_AFTER
            return _by_offer(adapter, asked, name, offer, is_settled=is_settled)
        if asked is None:
            raise RefusedByCarrierError(VOIDED)
        return Attempt("buy", adapter.buy(asked, name))
    except RefusedByCarrierError as error:
        return Attempt("fail", problem=str(error))
    except InDoubtError as error:
        return Attempt("doubt", problem=str(error))
    except Unavailable as error:
        if not is_last:
            raise
        return Attempt(unknown, problem=str(error))


def _by_offer(
    adapter: NamesOffers, asked: Asked | None, name: str, offer: str, *, is_settled: bool
) -> Attempt:
    """The offer's name is kept before it is paid, so that the next attempt asks what became of it."""
    if offer and (asked is None or not is_settled):
        bought = adapter.bought(offer)
        if bought:
            return Attempt("buy", bought)
        if not is_settled:
            raise Unavailable(RUNNING)
    if asked is None:
        raise RefusedByCarrierError(VOIDED)
    if not offer:
        return Attempt("offer", offer=adapter.offer(asked))
    return Attempt("buy", adapter.buy_offer(offer, name))
