"""Companies whose books are open get the rule for what was paid for units that were cancelled."""

from django.db import migrations

ADD = """
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT DISTINCT company_id, 'prepayment.returned', 'settlement', 2100, 2300 FROM ledger_account
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_closed_for_good")]
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
