"""Books that are open already get the accounts and posting rules that came since."""

from django.db import migrations

from entrepot.ledger import rules


def add(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT company_id FROM ledger_account")
        for (company,) in cursor.fetchall():
            cursor.executemany(
                "INSERT INTO ledger_account (company_id, code, name, type, clearing) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (company_id, code) DO UPDATE SET name = excluded.name",
                [(company, *row) for row in rules.CHART],
            )
            cursor.executemany(
                "INSERT INTO ledger_rule (company_id, event, kind, debit, credit) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [(company, *row) for row in rules.RULES],
            )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0015_accounts_of_departures")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
