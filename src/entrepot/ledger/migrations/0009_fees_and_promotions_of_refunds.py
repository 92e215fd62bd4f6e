"""Companies whose books are open get the rules for the tax in fees, and for promotions that a customer lost."""

from django.db import migrations

ADD = """
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT DISTINCT a.company_id, 'return', r.kind, r.debit, 2300
FROM ledger_account AS a,
     (VALUES ('return.fee_tax', 2200), ('return.clawback', 4090), ('return.clawback_tax', 2200)) AS r(kind, debit)
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_drop_ships")]
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
