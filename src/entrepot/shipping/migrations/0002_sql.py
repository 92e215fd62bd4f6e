"""Numbers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shipping", "0001_initial")]
    operations = [migrations.RunSQL("CREATE SEQUENCE number_sh START 100001", "DROP SEQUENCE number_sh")]
