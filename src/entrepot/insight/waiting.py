"""What waits, what is late and what goes wrong, counted: the lines of the home pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from entrepot.access.queries import UNSENT
from entrepot.kernel import sql
from entrepot.orders.rules import HOLDS

_OPEN = "FROM work_item WHERE company_id = %(company)s::smallint AND state <> 'done'"
_THEIRS = f"{_OPEN} AND role = ANY(%(roles)s::text[])"
OF_THE_HOUSE = "queue <> ALL(ARRAY['pick', 'pack', 'ship'])"
"""Queues that the house serves itself; those of the floor are for people."""
_AWAKE = "(snoozed_until IS NULL OR snoozed_until <= %(now)s::timestamptz)"


def _queued(queue: str) -> str:
    """Fulfillments in a queue of the floor; late where their cut-off has passed."""
    return f"""FROM kernel_ready AS q JOIN warehouse_fulfillment AS f ON f.id = q.subject
 WHERE q.queue = '{queue}' AND f.company_id = %(company)s::smallint"""


def _in_state(table: str, *states: str) -> str:
    known = ", ".join(f"'{state}'" for state in states)
    return f"FROM {table} WHERE company_id = %(company)s::smallint AND state IN ({known})"


# Those that a hold or a backorder names are few: no index has the status of orders.
_HELD = f"""FROM orders_order WHERE company_id = %(company)s::smallint
  AND status IN ({", ".join(f"'{status}'" for status in HOLDS)}) AND id IN (
    SELECT order_id FROM orders_hold WHERE company_id = %(company)s::smallint AND state = 'open'
    UNION SELECT order_id FROM sourcing_backorder WHERE company_id = %(company)s::smallint)"""
_SOON = "%(now)s::timestamptz + interval '3 days'"
_MAY_ENTER = "FROM auth_user AS u WHERE u.is_active"

_NO_TIME = "COALESCE(f.leave_by, f.due_at) < %(now)s::timestamptz"

SIGNALS = {
    "mine": f"{_OPEN} AND owner = %(person)s::text AND {_AWAKE}",
    "untaken": f"{_THEIRS} AND owner = '' AND {_AWAKE}",
    "unowned": f"{_OPEN} AND owner = '' AND {_AWAKE}",
    "all overdue": f"{_OPEN} AND due_at < %(now)s::timestamptz",
    "overdue": f"{_THEIRS} AND due_at < %(now)s::timestamptz",
    "cases": f"{_OPEN} AND kind = 'case' AND {_AWAKE}",
    "to pick": _queued("pick"),
    "to pack": _queued("pack"),
    "to ship": _queued("ship"),
    "pick late": f"{_queued('pick')} AND {_NO_TIME}",
    "pack late": f"{_queued('pack')} AND {_NO_TIME}",
    "held": _HELD,
    "backorders": "FROM sourcing_backorder WHERE company_id = %(company)s::smallint",
    "labels": _in_state("shipping_label", "printed"),
    "labels refused": """FROM shipping_consignment AS c
        WHERE c.company_id = %(company)s::smallint AND c.state = 'labeling' AND EXISTS (
            SELECT FROM shipping_label AS l JOIN shipping_purchase AS p ON p.label_id = l.id
            WHERE l.shipment_id = c.id AND l.state = 'awaited' AND p.state IN ('failed', 'in doubt'))""",
    "not collected": f"{_in_state('shipping_label', 'printed')} AND missed_at IS NOT NULL",
    "replenishments": _in_state("warehouse_replenishment", "open"),
    "counts": _in_state("warehouse_counttask", "open", "counting", "recount"),
    "counts to decide": _in_state("warehouse_counttask", "waiting"),
    "corrections": _in_state("stock_adjustment", "waiting"),
    "purchases to approve": _in_state("purchasing_order", "waiting"),
    "reorders": _in_state("purchasing_proposal", "proposed"),
    "checks": _in_state("purchasing_check", "waiting"),
    "supplier claims": _in_state("purchasing_claim", "open"),
    "returns to answer": _in_state("returns_return", "requested"),
    "returns to inspect": _in_state("returns_return", "received", "inspected"),
    "refunds to approve": _in_state("returns_refund", "waiting"),
    "refunds failed": f"FROM (SELECT DISTINCT return_id {_in_state('returns_refund', 'failed')}) AS r",
    "claims": _in_state("shipping_claim", "open"),
    "credits": _in_state("orders_credit", "waiting"),
    "disputes": _in_state("payments_dispute", "needs_response"),
    "disputes late": f"{_in_state('payments_dispute', 'needs_response')} AND due_at < {_SOON}",
    "bank lines": _in_state("settlement_bankstatementline", "differs", "unmatched"),
    "payouts": _in_state("settlement_payout", "open"),
    "carrier invoices": _in_state("settlement_carrierinvoice", "open"),
    "supplier invoices": _in_state("settlement_supplierinvoice", "open"),
    "write-offs": _in_state("settlement_writeoff", "waiting"),
    "journal entries": _in_state("ledger_manualentry", "waiting"),
    "months": """FROM (
        SELECT month FROM ledger_balance WHERE company_id = %(company)s::smallint
          AND month < date_trunc('month', %(now)s::timestamptz AT TIME ZONE 'UTC')
        EXCEPT SELECT month FROM ledger_period WHERE company_id = %(company)s::smallint AND state = 'closed') AS m""",
    "policy drafts": _in_state("kernel_policydraft", "draft", "tried"),
    "roleless": f"""{_MAY_ENTER} AND NOT u.is_superuser
        AND NOT EXISTS (SELECT FROM auth_user_groups AS g WHERE g.user_id = u.id)""",
    "no factor": f"""{_MAY_ENTER} AND u.is_superuser
        AND NOT EXISTS (SELECT FROM access_factor AS f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)""",
    "webhooks": _in_state("channels_webhook", "given_up"),
    "inbox": _in_state("kernel_inbox", "failed", "dead", "set_aside"),
    "dead letters": _in_state("kernel_delivery", "dead"),
    "mails": f"{UNSENT} AND s.company_id = %(company)s::smallint",
    "channel differences": _in_state("channels_difference", "open"),
    "undelivered": _in_state("kernel_delivery", "waiting"),
    "served by the house": f"FROM kernel_ready WHERE {OF_THE_HOUSE}",
}
"""What can be counted, by name."""


_ITS_NODES = """IN (
    SELECT id FROM network_node WHERE company_id = %(company)s::smallint AND code = ANY(%(nodes)s::text[]))"""
_ITS_CHANNEL = """= (
    SELECT id FROM network_channel WHERE company_id = %(company)s::smallint AND code = %(channel)s::text)"""
_OF_THE_CHANNEL = f"IN (SELECT id FROM orders_order WHERE channel_id {_ITS_CHANNEL})"

AT_NODES = {
    **dict.fromkeys(("to pick", "to pack", "to ship", "pick late", "pack late"), f"f.node_id {_ITS_NODES}"),
    "labels refused": f"c.node_id {_ITS_NODES}",
    **dict.fromkeys(
        (
            "labels", "not collected", "replenishments", "counts", "counts to decide", "corrections", "reorders",
            "checks", "returns to inspect",
        ),
        f"node_id {_ITS_NODES}",
    ),
    "held": f"""id IN (
        SELECT order_id FROM stock_allocation WHERE node_id {_ITS_NODES}
        UNION ALL SELECT order_id FROM warehouse_fulfillment WHERE state <> 'cancelled' AND node_id {_ITS_NODES})""",
}  # fmt: skip
"""The signals of what stands at nodes; the others are the company's, whichever nodes are asked for."""

OF_CHANNEL = {
    **dict.fromkeys(
        ("to pick", "to pack", "to ship", "pick late", "pack late"), f"f.order_id {_OF_THE_CHANNEL}"
    ),
    "labels refused": f"c.order_id {_OF_THE_CHANNEL}",
    **dict.fromkeys(
        ("held", "returns to answer", "returns to inspect", "channel differences"), f"channel_id {_ITS_CHANNEL}"
    ),
    "backorders": f"order_id {_OF_THE_CHANNEL}",
}  # fmt: skip
"""The signals of what a channel sold."""


def counted(
    signals: Collection[str],
    *,
    company: int,
    person: str,
    roles: Sequence[str],
    now: datetime,
    nodes: Collection[str] = (),
    channel: str = "",
) -> dict[str, int]:
    """How much of each waits; of some nodes or a channel, by their codes, where it is theirs. One statement, whatever
    is asked."""
    names = list(dict.fromkeys(signals))
    if not names:
        return {}
    statement = "SELECT " + ", ".join(
        f"(SELECT count(*) {_narrowed(name, nodes, channel)})::int" for name in names
    )
    params = {
        "company": company, "person": person, "roles": list(roles), "now": now, "nodes": list(nodes),
        "channel": channel,
    }  # fmt: skip
    return dict(zip(names, sql.run(statement, params)[0], strict=True))


def _narrowed(name: str, nodes: Collection[str], channel: str) -> str:
    parts = [SIGNALS[name]]
    parts += [AT_NODES[name]] if nodes and name in AT_NODES else []
    parts += [OF_CHANNEL[name]] if channel and name in OF_CHANNEL else []
    return " AND ".join(parts)
