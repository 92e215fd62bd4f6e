"""Books that are open already get the rule for differences of rates of what is taken back."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0025_debits_at_home")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
