"""Companies whose books are open get the rules for lines of bank statements."""

from django.db import migrations

ADD = """
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT DISTINCT a.company_id, 'bank.booked', r.kind, 1000, r.credit
FROM ledger_account AS a
CROSS JOIN (VALUES ('payable', 2000), ('charges', 5210), ('receivable', 1150), ('other', 4020)) AS r(kind, credit)
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_fees_and_promotions_of_refunds")]
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
