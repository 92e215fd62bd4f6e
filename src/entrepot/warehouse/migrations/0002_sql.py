"""Numbers, and room on the pages for what changes."""

from django.db import migrations

HOT = ("warehouse_fulfillment", "warehouse_fulfillmentline", "warehouse_picktask")


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0001_initial")]
    operations = [
        migrations.RunSQL("CREATE SEQUENCE number_ff START 100001", "DROP SEQUENCE number_ff"),
        migrations.RunSQL("CREATE SEQUENCE number_pk START 100001", "DROP SEQUENCE number_pk"),
        *(migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor=50)", migrations.RunSQL.noop) for table in HOT),
    ]
