"""Numbers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_initial")]
    operations = [migrations.RunSQL("CREATE SEQUENCE number_py START 100001", "DROP SEQUENCE number_py")]
