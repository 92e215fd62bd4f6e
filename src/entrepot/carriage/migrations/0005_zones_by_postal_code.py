"""Zones of postal codes, with the days that it takes there."""

from django.db import migrations, models

# Django can't alter a composite key: the database does, and Django is told.
WITH_CODES = """
ALTER TABLE carriage_zone DROP CONSTRAINT carriage_zone_pkey,
    ADD PRIMARY KEY (service_id, origin, destination, origin_postal_code, destination_postal_code)
"""
COUNTRIES_ALONE = """
DELETE FROM carriage_zone WHERE origin_postal_code <> '' OR destination_postal_code <> '';
ALTER TABLE carriage_zone DROP CONSTRAINT carriage_zone_pkey, ADD PRIMARY KEY (service_id, origin, destination)
"""


class Migration(migrations.Migration):
    dependencies = [("carriage", "0004_versions")]

    operations = [
        migrations.AddField("zone", "origin_postal_code", models.TextField(db_default="")),
        migrations.AddField("zone", "destination_postal_code", models.TextField(db_default="")),
        migrations.AddField("zone", "transit_days", models.IntegerField(null=True)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(WITH_CODES, COUNTRIES_ALONE)],
            state_operations=[
                migrations.AlterField(
                    "zone", "pk",
                    models.CompositePrimaryKey(
                        "service_id", "origin", "destination", "origin_postal_code", "destination_postal_code",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                )
            ],
        ),
        migrations.AddConstraint(
            "zone",
            models.CheckConstraint(
                name="carriage_zone_makes_sense",
                condition=models.Q(("transit_days__isnull", True), ("transit_days__range", (0, 365)), _connector="OR"),
            ),
        ),
        migrations.AddConstraint(
            "zone",
            models.CheckConstraint(
                name="carriage_zone_codes_of_a_country",
                condition=models.Q(
                    models.Q(("origin_postal_code", ""), models.Q(("origin", "*"), _negated=True), _connector="OR"),
                    models.Q(
                        ("destination_postal_code", ""), models.Q(("destination", "*"), _negated=True), _connector="OR"
                    ),
                ),
            ),
        ),
    ]
