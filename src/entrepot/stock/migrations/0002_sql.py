"""Room to update rows in place, and the numbers that people see."""

from django.db import migrations

HOT = ("stock_bucket", "stock_position", "stock_allocation")


class Migration(migrations.Migration):
    dependencies = [("stock", "0001_initial")]

    operations = [
        *(migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 60)", migrations.RunSQL.noop) for table in HOT),
        # Promises come and go with every order: swept sooner than a table that grows.
        migrations.RunSQL(
            "ALTER TABLE stock_allocation SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,"
            " autovacuum_analyze_threshold = 1000)",
            migrations.RunSQL.noop,
        ),
        *(
            migrations.RunSQL(f"CREATE SEQUENCE number_{name} START 100001", f"DROP SEQUENCE number_{name}")
            for name in ("adj", "tr")
        ),
    ]
