"""Numbers, and room on the pages for the lines' counters."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("purchasing", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE number_po START 100001", "DROP SEQUENCE number_po"),
        migrations.RunSQL("CREATE SEQUENCE number_gr START 100001", "DROP SEQUENCE number_gr"),
        # Orders and their lines are updated at receipt; with room on the page the update needs no index entry.
        migrations.RunSQL("ALTER TABLE purchasing_order SET (fillfactor=60)", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER TABLE purchasing_orderline SET (fillfactor=60)", migrations.RunSQL.noop),
    ]
