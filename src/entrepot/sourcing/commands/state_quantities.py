"""A supplier says how many units he has, and the orders that wait for them are sourced again."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
from entrepot.kernel.errors import Refused
from entrepot.parties.commands import state_quantities as parties
from entrepot.parties.commands.state_quantities import QuantityStated, StateQuantity


@command("sourcing.state_quantities")
def state_quantities(cause: Cause, /, *, requests: Sequence[StateQuantity]) -> list[QuantityStated | Refused]:
    """As `parties.state_quantities`; the orders that wait for what a supplier has are offered to him.

    Locks, Refuses, Again: as `parties.state_quantities`. 1 statement more where he has something.
    """
    answers = parties.state_quantities(cause, requests=requests)
    there = {
        one.sku
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, QuantityStated) and one.available
    }
    if there:
        offer("serve", [(sku, 5, cause.at) for sku in there])
    return answers
