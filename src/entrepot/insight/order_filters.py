"""Which orders are asked for: conditions of a statement on orders `o`, each only where it is asked for, so that the
plan of a statement is that of what is asked."""

from __future__ import annotations

from collections.abc import Collection

_NODES = """(
        SELECT id FROM network_node WHERE company_id = %(company)s::smallint AND code = ANY(%(nodes)s::text[]))"""

NARROWED = {
    # Promised there and not gone yet, or given to its floor; each by an index of its own.
    "nodes": f"""o.id IN (
    SELECT order_id FROM stock_allocation WHERE node_id IN {_NODES}
    UNION ALL SELECT order_id FROM warehouse_fulfillment WHERE state <> 'cancelled' AND node_id IN {_NODES})""",
    "channel": """o.channel_id = (
    SELECT id FROM network_channel WHERE company_id = %(company)s::smallint AND code = %(channel)s::text)""",
}
"""What boards and lists are narrowed to, by the codes of a company."""


def narrowed(nodes: Collection[str] = (), channel: str = "") -> str:
    """The orders of any of some nodes and of a channel, as far as they are named; '' for all."""
    return " AND ".join(NARROWED[name] for name, said in (("nodes", nodes), ("channel", channel)) if said)
