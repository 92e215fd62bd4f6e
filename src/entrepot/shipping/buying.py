"""One attempt to buy a label of an adapter, such that however often it is made no label is bought twice."""

from __future__ import annotations

from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.shipping.live import Adapter, Asked, Bought, InDoubtError, NamesOffers, RefusedByCarrierError

NO_ACCOUNT = Said("this installation has no account with it")
VOIDED = Said("the label was voided before it was bought")
UNHEARD = Said("the answer of the adapter was not heard")


class Attempt(NamedTuple):
    """What came of it: `offer` (to be bought by the next attempt), `buy`, `fail`, or `doubt`."""

    outcome: str
    bought: Bought | None = None
    offer: str = ""
    problem: str = ""


def attempt(
    adapter: Adapter | None, asked: Asked | None, name: str, offer: str, *, is_again: bool
) -> Attempt:
    """Buy a label by the adapter's name of the service. `asked` is None where the label is not wanted any more; `offer`
    is what it is bought by, where an attempt before this found one; `is_again`: an attempt before this may have bought
    it, and nobody heard."""
    try:
        if adapter is None:
            return Attempt("doubt" if is_again or offer else "fail", problem=NO_ACCOUNT)
        if isinstance(adapter, NamesOffers):
            return _by_offer(adapter, asked, name, offer)
        if is_again:
            raise InDoubtError(UNHEARD)
        if asked is None:
            raise RefusedByCarrierError(VOIDED)
        return Attempt("buy", adapter.buy(asked, name))
    except RefusedByCarrierError as error:
        return Attempt("fail", problem=str(error))
    except InDoubtError as error:
        return Attempt("doubt", problem=str(error))


def _by_offer(adapter: NamesOffers, asked: Asked | None, name: str, offer: str) -> Attempt:
    """The offer's name is kept before it is paid, so that the next attempt asks what became of it."""
    if offer and asked is not None:
        return Attempt("buy", adapter.buy_offer(offer, name))
    bought = adapter.bought(offer) if offer else None
    if bought:
        return Attempt("buy", bought)
    if asked is None:
        raise RefusedByCarrierError(VOIDED)
    return Attempt("offer", offer=adapter.offer(asked))
