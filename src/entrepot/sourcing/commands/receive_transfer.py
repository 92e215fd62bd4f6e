"""Goods of a transfer arrive, and the orders that wait for them are sourced again."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.sourcing.commands.serve_backorders import serve_backorders
from entrepot.stock.commands import transfer as stock
from entrepot.stock.commands.transfer import ReceiveTransfer, TransferReceived


@command("sourcing.receive_transfer")
def receive_transfer(
    cause: Cause, /, *, requests: Sequence[ReceiveTransfer]
) -> list[TransferReceived | Refused]:
    """Take goods off a transfer; what of them orders wait for is offered to them.

    Locks: as `stock.receive_transfer`. Refuses: as it does. Again: by key. 1 statement more than it.
    """
    answers = stock.receive_transfer(cause, requests=requests)
    arrived = {sku for answer in answers if isinstance(answer, TransferReceived) for sku in answer.skus}
    serve_backorders(cause, arrived)
    return answers
