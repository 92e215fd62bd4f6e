"""The queue table is emptied as fast as it is filled: it is cleaned sooner than others."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE kernel_ready SET (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0.02,"
            " autovacuum_vacuum_threshold = 1000)",
            migrations.RunSQL.noop,
        ),
    ]
