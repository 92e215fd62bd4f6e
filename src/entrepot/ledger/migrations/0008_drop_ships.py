"""Companies whose books are open get the rule for goods that go from a supplier to a customer."""

from django.db import migrations

ADD = """
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT DISTINCT company_id, 'stock.drop_ship', 'cost', 5000, 2050 FROM ledger_account
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_accounts_of_carriers")]
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
