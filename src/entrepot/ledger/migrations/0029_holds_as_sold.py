"""Books that are open already get the rules for differences of rates of what is taken from cards and given back."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0028_accounts_collected")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
