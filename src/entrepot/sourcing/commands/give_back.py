"""Carts give back what they hold, and the orders that wait for it are sourced again."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.sourcing.commands.serve_backorders import serve_backorders
from entrepot.stock.commands import reserve as stock
from entrepot.stock.commands.reserve import GiveBack, GivenBack


@command("sourcing.give_back")
def give_back(cause: Cause, /, *, requests: Sequence[GiveBack]) -> list[GivenBack | Refused]:
    """As `stock.give_back`; what of it orders wait for is offered to them.

    Locks, Refuses, Again: as `stock.give_back`. 1 statement more where something was given back.
    """
    answers = stock.give_back(cause, requests=requests)
    freed = {sku for answer in answers if isinstance(answer, GivenBack) for sku in answer.skus}
    if freed:
        serve_backorders(cause, freed)
    return answers
