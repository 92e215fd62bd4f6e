"""Balances know their debits in the company's own currency as well: those in others showed amounts of theirs."""

from django.db import migrations, models

AT_HOME = """
UPDATE ledger_balance AS b SET functional_debit_minor = b.debit_minor
FROM parties_company AS c WHERE c.id = b.company_id AND c.currency = b.currency
"""
# A balance of several slots has all of it in the first.
ABROAD = """
UPDATE ledger_balance AS b SET functional_debit_minor = d.debit
FROM (SELECT l.company_id, l.account, l.month, l.currency, sum(greatest(0, l.functional_minor)) AS debit
      FROM ledger_line AS l JOIN parties_company AS c ON c.id = l.company_id AND c.currency <> l.currency
      GROUP BY 1, 2, 3, 4) AS d
WHERE (b.company_id, b.account, b.month, b.currency) = (d.company_id, d.account, d.month, d.currency)
  AND b.slot = (SELECT min(o.slot) FROM ledger_balance AS o
                WHERE (o.company_id, o.account, o.month, o.currency)
                    = (b.company_id, b.account, b.month, b.currency))
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0024_imprints"), ("parties", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="balance",
            name="functional_debit_minor",
            field=models.BigIntegerField(db_default=0),
        ),
        migrations.RunSQL([AT_HOME, ABROAD], migrations.RunSQL.noop),
    ]
