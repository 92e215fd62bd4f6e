"""Books that are open already get the account of what providers hold back, and its posting rules."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0019_parts_of_work")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
