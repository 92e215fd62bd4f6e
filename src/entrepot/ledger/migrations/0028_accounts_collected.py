"""Books that are open already get the rule for what customers pay of orders on account."""

from django.db import migrations

from entrepot.ledger.later_accounts import add


class Migration(migrations.Migration):
    dependencies = [("ledger", "0027_lines_in_their_month")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
