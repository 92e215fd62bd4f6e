"""Books that are open already get the accounts and posting rules that came since."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0022_fees_of_marketplaces")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
