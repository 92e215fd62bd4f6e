"""Proposed transfers as they are written, whoever they come from: a run that balances stock, or a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.sourcing.commands.transfers import to_send
from entrepot.work.commands.open_items import open_items

_BY_RULE = "within the limits of the policy"


class Row(NamedTuple):
    """A row of the table, as it is written."""

    id: UUID
    number: str
    company_id: int
    sku_id: UUID
    from_node_id: UUID
    to_node_id: UUID
    quantity: int
    cost_minor: int
    value_minor: int
    terms: str
    state: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str = ""


def write(cause: Cause, rows: Sequence[Row], codes: Mapping[UUID, str]) -> None:
    """Proposals, by the codes of SKUs and nodes. What is accepted as it is made, by a person for a reason or by rule,
    is work for the node that sends. 1 statement, and those of items where some are accepted."""
    sql.write("sourcing_transferproposal", Row._fields, rows)
    accepted = [row for row in rows if row.state == "accepted"]
    if accepted:
        items = [
            to_send(
                row.company_id, row.id, row.number, codes[row.sku_id], row.quantity, codes[row.from_node_id],
                codes[row.to_node_id],
            )
            for row in accepted
        ]  # fmt: skip
        open_items(cause, requests=items)
        events = [
            Event("transfer_proposal", row.id, row.company_id, "", "accepted", reason=row.reason or _BY_RULE)
            for row in accepted
        ]
        announce(cause, events)
