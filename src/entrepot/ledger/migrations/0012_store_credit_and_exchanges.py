"""Companies whose books are open get the accounts and rules of store credit, and the rules of exchanges."""

from django.db import migrations

ADD = """
INSERT INTO ledger_account (company_id, code, name, type, clearing)
SELECT DISTINCT a.company_id, n.code, n.name, n.type, FALSE
FROM ledger_account AS a,
     (VALUES (2410, 'Store credit', 'liability'), (4120, 'Store credit bonuses', 'income')) AS n(code, name, type)
ON CONFLICT DO NOTHING;
INSERT INTO ledger_rule (company_id, event, kind, debit, credit)
SELECT DISTINCT a.company_id, r.event, r.kind, r.debit, r.credit
FROM ledger_account AS a,
     (VALUES ('return', 'return.exchanged', 4000, 2300), ('payment.passed_on', 'settlement', 2300, 2100),
             ('store_credit.issued', 'settlement', 2300, 2410), ('store_credit.issued', 'bonus', 4120, 2410),
             ('store_credit.used', 'settlement', 2410, 2100), ('store_credit.returned', 'settlement', 2300, 2410),
             ('store_credit.expired', 'value', 2410, 4020), ('store_credit.expired', 'bonus', 2410, 4120))
     AS r(event, kind, debit, credit)
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_accounts_of_supplier_claims")]
    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
