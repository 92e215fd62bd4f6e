"""Room to update rows in place, sweeping of what comes and goes, and the numbers that people see."""

from django.db import migrations

HOT = ("stock_bucket", "stock_position", "stock_allocation")
PASSING = ("stock_allocation", "stock_reservation", "stock_supply")
"""Rows that live until they are served. An empty moment must not give the file back: a plan made for no pages at all
reads the whole table for each row of a batch, and is kept until the next statistics."""


class Migration(migrations.Migration):
    dependencies = [("stock", "0001_initial")]

    operations = [
        *(migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 50)", migrations.RunSQL.noop) for table in HOT),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} SET (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0.01,"
                " autovacuum_vacuum_threshold = 2000)",
                migrations.RunSQL.noop,
            )
            for table in PASSING
        ),
        *(
            migrations.RunSQL(f"CREATE SEQUENCE number_{name} START 100001", f"DROP SEQUENCE number_{name}")
            for name in ("adj", "tr")
        ),
    ]
