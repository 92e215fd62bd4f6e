"""What is asked of labels that returns come back with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.ledger.chart import plays
from entrepot.returns.portal_queries import Portal
from entrepot.shipping.sender import Sender


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label of a return. `address` is where it comes from, in the vault, that of `order`; None where that was erased
    or never known. `node` is where it goes to. `bought`: what became of asking its carrier for it, with its picture or
    why it has none (`problem`); empty where the label is our own. `returns` are all that come in its parcel, by
    number."""

    id: UUID
    company: int
    return_id: UUID
    number: str
    order_number: str
    carrier: str
    service: str
    tracking: str
    weight_g: int
    cost_minor: int
    currency: str
    state: str
    made_by: str
    made_at: datetime
    address: UUID | None
    country: str
    node: str
    node_name: str
    node_postal_code: str
    node_country: str
    channel: str
    company_name: str
    bought: str
    picture: str
    problem: str
    order: UUID
    returns: list[tuple[str, UUID]]

    @property
    def is_ready(self) -> bool:
        """Whether it can be stuck on a parcel: our own can, and one that its carrier sold."""
        return self.bought in ("", "bought")

    @property
    def numbers(self) -> str:
        """The returns in its parcel, as they are called."""
        return " + ".join(number for number, _ in self.returns)


def of_return(return_id: UUID) -> LabelRow | None:
    """The label in force of a return. 1 statement."""
    for *told, returns in sql.run(_OF_RETURN, {"id": return_id}):
        told.append([(number, UUID(key)) for number, key in returns])
        return LabelRow(*told)
    return None


class MateRow(NamedTuple):
    """A return that could come in one parcel with another."""

    id: UUID
    number: str
    order_number: str


def mates(return_id: UUID) -> list[MateRow]:
    """Returns of the same customer that could come in one parcel with one, and have not its label: to the same node,
    from the same country, and nothing of them on its way yet. 1 statement."""
    return [MateRow(*row) for row in sql.run(_MATES, {"id": return_id})]


def in_doubt(returns: Sequence[UUID]) -> set[UUID]:
    """Those of some returns of which nobody knows whether one of their labels was bought, also one that was voided: no
    other is made before somebody has looked. 1 statement."""
    return {key for (key,) in sql.run(_IN_DOUBT, {"ids": list(returns)})}


def ids_of(return_id: UUID) -> list[UUID]:
    """All labels that a return had, for what its page tells of them. 1 statement."""
    return [key for (key,) in sql.run(_IDS, {"id": return_id})]


def send_to(label: LabelRow, at: datetime) -> list[str]:
    """The lines of the address that a label goes to: those of the policy `returns.portal` for the node, else who sends
    from there by `shipping.sender`, else what is known of the node. 2 statements."""
    portal = policies.of_scope(policies.in_force(label.company, Portal, at), label.channel, Portal())
    if given := portal.send_to.get(label.node):
        return list(given)
    sender = policies.of_scope(policies.in_force(label.company, Sender, at), label.node, Sender())
    name = sender.name or portal.name or label.company_name
    town = f"{label.node_postal_code} {sender.city}".strip()
    lines = (name, sender.line1 or label.node_name, sender.line2, town, sender.region, label.node_country)
    return [line for line in lines if line]


def is_promised(return_id: UUID) -> bool:
    """Whether the terms of a return promise a label. 1 statement."""
    return bool(sql.run(_PROMISED, {"id": return_id}))


_OF_RETURN = """
SELECT l.id, l.company_id::int, l.return_id, r.number, o.number, l.carrier, l.service, l.tracking, l.weight_g,
       l.cost_minor, l.currency::text, l.state, l.made_by, l.made_at, o.address_id, o.country, n.code, n.name,
       n.postal_code, n.country, h.code, c.name, l.bought, CASE l.bought WHEN 'bought' THEN l.label_url ELSE '' END,
       l.problem, o.id, (SELECT json_agg(json_build_array(x.number, x.id) ORDER BY x.number)
                   FROM returns_labelreturn AS o JOIN returns_return AS x ON x.id = o.return_id
                   WHERE o.label_id = l.id AND o.lives)
FROM returns_labelreturn AS m
JOIN returns_label AS l ON l.id = m.label_id
JOIN returns_return AS r ON r.id = l.return_id
JOIN orders_order AS o ON o.id = r.order_id
JOIN network_node AS n ON n.id = r.node_id
JOIN network_channel AS h ON h.id = r.channel_id
JOIN parties_company AS c ON c.id = l.company_id
WHERE m.return_id = %(id)s::uuid AND m.lives
"""

_MATES = """
SELECT x.id, x.number, y.number
FROM returns_return AS r
JOIN orders_order AS o ON o.id = r.order_id
JOIN returns_return AS x ON x.customer_id = r.customer_id AND x.company_id = r.company_id AND x.node_id = r.node_id
 AND x.id <> r.id AND x.state = 'authorized' AND x.asked <> 'keep'
JOIN orders_order AS y ON y.id = x.order_id AND y.country = o.country
WHERE r.id = %(id)s::uuid AND r.state = 'authorized'
  AND NOT EXISTS (SELECT FROM returns_parcel AS p WHERE p.return_id IN (r.id, x.id) AND p.scanned_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM returns_labelreturn AS m JOIN returns_labelreturn AS n ON n.label_id = m.label_id
                  WHERE m.return_id = r.id AND m.lives AND n.return_id = x.id AND n.lives)
ORDER BY x.id DESC LIMIT 20
"""

_PROMISED = "SELECT 1 FROM returns_terms WHERE return_id = %(id)s::uuid AND label LIMIT 1"

_IN_DOUBT = """
SELECT DISTINCT m.return_id FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id
WHERE m.return_id = ANY(%(ids)s::uuid[]) AND l.bought = 'in doubt'
"""

_IDS = "SELECT label_id FROM returns_labelreturn WHERE return_id = %(id)s::uuid ORDER BY label_id"

# invariant 29: a label in force is accrued at its price, a voided one at nothing
CHECK = f"""
SELECT format('label %s of a return is %s and costs %s, accrued are %s', l.tracking, l.state, l.cost_minor,
              COALESCE(j.amount, 0))
FROM returns_label AS l
LEFT JOIN (SELECT document_id, sum(amount_minor) AS amount FROM ledger_line AS b
           WHERE document_kind = 'return_label' AND kind = 'carriage' AND {plays("b", 5500)} GROUP BY 1) AS j
  ON j.document_id = l.id
WHERE COALESCE(j.amount, 0) <> CASE l.state WHEN 'made' THEN l.cost_minor ELSE 0 END
UNION ALL
SELECT format('label %s of return %s: its parcel is not expected', l.tracking, m.return_id)
FROM returns_label AS l JOIN returns_labelreturn AS m ON m.label_id = l.id
WHERE NOT EXISTS (SELECT FROM returns_parcel AS p WHERE p.return_id = m.return_id AND p.tracking = l.tracking)
UNION ALL
SELECT format('label %s is %s, and %s returns come with it', l.tracking, l.state, count(m.*) FILTER (WHERE m.lives))
FROM returns_label AS l LEFT JOIN returns_labelreturn AS m ON m.label_id = l.id
GROUP BY l.id HAVING (l.state = 'made') <> (count(m.*) FILTER (WHERE m.lives) > 0)
"""
