"""An interchange of a supplier as what its sets say: ship notices (856) and answers to orders (855). Pure."""

from __future__ import annotations

from entrepot.channels.x12.contract import ANSWER, NOTICE
from entrepot.channels.x12.envelope import Interchange, Set, read
from entrepot.channels.x12.order_answer import OrderAnswer, order_answer
from entrepot.channels.x12.parse import ShipNotice, notice


def documents(text: str) -> tuple[Interchange, list[tuple[str, ShipNotice | OrderAnswer]]]:
    """An interchange, and what its sets say with the control number of their group. Raises X12Error."""
    found = read(text)
    return found, [(group.control, _said(one)) for group, one in found.sets()]


def _said(one: Set) -> ShipNotice | OrderAnswer:
    if one.kind not in (NOTICE, ANSWER):
        raise one.opened.fault(1, "856, a ship notice, or 855, an answer to an order")
    return order_answer(one) if one.kind == ANSWER else notice(one)
