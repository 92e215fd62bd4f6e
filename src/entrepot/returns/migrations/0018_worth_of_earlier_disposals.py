"""What left with dispositions of before their value was kept, as the ledger of units says; and their certificates."""

from django.db import migrations

# A move may hold units of several dispositions: each has the running part of it, so that all together are the whole.
DISPOSITIONS = """
WITH moved AS (
    SELECT document_id, line_id, reason, occurred_at, sum(quantity) AS units, sum(value_minor) AS value
    FROM stock_move
    WHERE document_kind = 'return' AND from_place = 'node' AND to_place <> 'node' AND reason IN ('donate', 'dispose')
    GROUP BY 1, 2, 3, 4
), parts AS (
    SELECT d.id, d.quantity, m.units, m.value, sum(d.quantity) OVER w AS until, d.value_minor
    FROM returns_disposition AS d
    JOIN returns_line AS l ON l.id = d.return_line_id
    JOIN moved AS m ON m.document_id = d.return_id AND m.line_id = l.line_id AND m.reason = d.disposition
     AND m.occurred_at = d.decided_at
    WINDOW w AS (PARTITION BY d.return_id, l.line_id, d.disposition, d.decided_at ORDER BY d.id)
)
UPDATE returns_disposition AS d
SET value_minor = round(p.value::numeric * p.until / p.units) - round(p.value::numeric * (p.until - p.quantity) / p.units)
FROM parts AS p WHERE d.id = p.id AND p.value_minor = 0 AND p.value <> 0
"""

ITEMS = """
WITH parts AS (
    SELECT i.departure_id, i.disposition_id, i.quantity, d.quantity AS units, d.value_minor AS value,
           sum(i.quantity) OVER w AS until
    FROM returns_departureitem AS i
    JOIN returns_departure AS p ON p.id = i.departure_id AND p.state IN ('gone', 'settled')
     AND p.kind IN ('donation', 'disposal')
    JOIN returns_disposition AS d ON d.id = i.disposition_id
    WINDOW w AS (PARTITION BY i.disposition_id ORDER BY p.left_at, p.id)
)
UPDATE returns_departureitem AS i
SET value_minor = round(p.value::numeric * p.until / p.units) - round(p.value::numeric * (p.until - p.quantity) / p.units)
FROM parts AS p
WHERE i.departure_id = p.departure_id AND i.disposition_id = p.disposition_id AND i.value_minor = 0 AND p.value <> 0
"""

DEPARTURES = """
UPDATE returns_departure AS p SET value_minor = i.value
FROM (SELECT departure_id, sum(value_minor) AS value FROM returns_departureitem GROUP BY 1) AS i
WHERE i.departure_id = p.id AND p.kind IN ('donation', 'disposal') AND p.state IN ('gone', 'settled')
  AND p.value_minor <> i.value
"""

ALL = [
    "ALTER TABLE returns_disposition DISABLE TRIGGER USER",
    DISPOSITIONS,
    "ALTER TABLE returns_disposition ENABLE TRIGGER USER",
    ITEMS,
    DEPARTURES,
]


class Migration(migrations.Migration):
    dependencies = [
        ("returns", "0017_pallets_of_returns"),
        ("stock", "0012_reservations_by_expiry"),
    ]

    operations = [migrations.RunSQL(one, migrations.RunSQL.noop) for one in ALL]
