"""Books that are open already get the accounts that people enter: equity, what was accrued, taxes to be paid."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0032_measured_as_of")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
