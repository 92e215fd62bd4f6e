"""Numbers, and room on the pages for what changes at every step."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("returns", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE number_rma START 100001", "DROP SEQUENCE number_rma"),
        migrations.RunSQL("CREATE SEQUENCE number_rf START 100001", "DROP SEQUENCE number_rf"),
        migrations.RunSQL(
            "ALTER TABLE returns_return SET (fillfactor=50); ALTER TABLE returns_line SET (fillfactor=50);"
            " ALTER TABLE returns_sold SET (fillfactor=50)",
            migrations.RunSQL.noop,
        ),
    ]
