"""Duties kept apart, by the database itself."""

from django.db import migrations

APART = """
ALTER TABLE access_duty ADD CONSTRAINT access_duty_apart
EXCLUDE USING gist (document WITH =, pair WITH =, person WITH =, side WITH <>)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        # Gives gist the equality of plain types. Trusted: the owner of the database may create it.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS btree_gist", migrations.RunSQL.noop),
        migrations.RunSQL(APART, "ALTER TABLE access_duty DROP CONSTRAINT access_duty_apart"),
    ]
