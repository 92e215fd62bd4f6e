from django.db import migrations, models

# A package that is labeled anew is billed by two carriers, each for his own label.
_BY_LABEL = """
UPDATE settlement_carriercharge AS c SET unit_id = l.id
FROM shipping_label AS l WHERE l.package_id = c.unit_id AND l.tracking = c.tracking
"""


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0014_voided_after_billing"),
        ("shipping", "0010_missed_collections"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="carriercharge",
            index=models.Index(
                condition=models.Q(("expected_minor__lt", 0)),
                fields=["shipment_id"],
                name="settlement_carriercharge_back",
            ),
        ),
        migrations.RunSQL(_BY_LABEL, migrations.RunSQL.noop),
    ]
