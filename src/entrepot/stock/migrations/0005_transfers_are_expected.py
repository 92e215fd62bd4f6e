from django.db import migrations, models

# What is on its way when this runs is expected from now on, on the day that was told or after the usual days.
_DATE = "UPDATE stock_transfer SET expected_at = shipped_at + interval '3 days' WHERE expected_at IS NULL"

_EXPECT = """
INSERT INTO stock_supply (line_id, company_id, sku_id, node_id, document_kind, document_id, quantity, expected_on)
SELECT l.id, t.company_id, l.sku_id, t.to_node_id, 'transfer', t.id, l.quantity - l.received - l.lost,
       (t.expected_at AT TIME ZONE 'UTC')::date
FROM stock_transfer AS t JOIN stock_transferline AS l ON l.transfer_id = t.id
WHERE l.quantity > l.received + l.lost
"""


class Migration(migrations.Migration):

    dependencies = [
        ('stock', '0004_reservations_of_two_kinds'),
    ]

    operations = [
        migrations.RunSQL(_DATE, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='transfer',
            name='expected_at',
            field=models.DateTimeField(),
        ),
        migrations.RunSQL(_EXPECT, "DELETE FROM stock_supply WHERE document_kind = 'transfer'"),
    ]
