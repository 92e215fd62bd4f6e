"""What waits for stock comes and goes: the file of its table is kept, so that plans are not made for no pages."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sourcing", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE sourcing_backorder SET (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0.01,"
            " autovacuum_vacuum_threshold = 2000)",
            migrations.RunSQL.noop,
        ),
    ]
