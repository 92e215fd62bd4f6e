"""Room to update balances in place."""

from django.db import migrations

HOT = ("ledger_balance", "ledger_valuation")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 50)", migrations.RunSQL.noop) for table in HOT
    ]
