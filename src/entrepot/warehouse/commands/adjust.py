"""Correct stock on the floor, and give the promises that break by it back to sourcing in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.stock.commands import adjust as stock
from entrepot.warehouse.commands.missing import reopen
from entrepot.warehouse.commands.plan_counts import ask_by_trigger


@command("warehouse.adjust")
def adjust(cause: Cause, /, *, requests: Sequence[stock.Adjust]) -> list[stock.Adjusted | Refused]:
    """As `stock.adjust`; lines whose promises it displaced are open again, with a work item for each order, and what
    was found is offered to those who wait for it.

    Locks: as `stock.adjust`, then the orders displaced in id order. Refuses, Again: as `stock.adjust`.
    Where fewer units were there than were to be taken, the bin is counted, if the policy says so.
    Statements: those of `stock.adjust`; 5 where promises were displaced, 11 where a bin is to
    be counted.
    """
    answers = stock.adjust(cause, requests=requests)
    _pass_on(cause, answers)
    done = [
        (one, answer)
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, stock.Adjusted)
    ]
    less = [(one.bin, one.sku) for one, answer in done if answer.missing]
    if less:
        ask_by_trigger(cause, "negative check", less)
    return answers


@command("warehouse.approve_adjustment")
def approve_adjustment(
    cause: Cause, /, *, requests: Sequence[stock.DecideAdjustment]
) -> list[stock.Adjusted | Refused]:
    """As `stock.approve_adjustment`; lines whose promises it displaced are open again, with a work item for each order.

    Locks, Refuses, Again: as `stock.approve_adjustment`. Statements: its own, and 5 where promises were displaced.
    """
    answers = stock.approve_adjustment(cause, requests=requests)
    _pass_on(cause, answers)
    return answers


def _pass_on(cause: Cause, answers: Iterable[stock.Adjusted | Refused]) -> None:
    reopen(
        cause, [one for answer in answers if isinstance(answer, stock.Adjusted) for one in answer.displaced]
    )
