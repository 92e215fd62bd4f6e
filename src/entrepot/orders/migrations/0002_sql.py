"""Numbers, and room on the pages for what changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE number_so START 100001", "DROP SEQUENCE number_so"),
        migrations.RunSQL("CREATE SEQUENCE number_cn START 100001", "DROP SEQUENCE number_cn"),
        # Statuses and the places of units change at every step. Where a page has room for each of its rows once more,
        # an update touches no index: 60 of 100 leave that out for a third of them.
        migrations.RunSQL("ALTER TABLE orders_order SET (fillfactor=50)", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE orders_line SET (fillfactor=50)", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE orders_hold SET (fillfactor=80)", migrations.RunSQL.noop),
    ]
