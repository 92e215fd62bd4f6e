"""When expected returns were measured before it was noted stands with their cohorts."""

from django.db import migrations

NOTE = """
INSERT INTO ledger_measurement (company_id, subject, as_of, recorded_by, recorded_at)
SELECT company_id, 'returns', max(measured_at), 'upgrade', max(measured_at)
FROM returns_cohort GROUP BY company_id, measured
"""


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0024_lines_split"),
        ("ledger", "0032_measured_as_of"),
        ("returns", "0011_cohorts"),
    ]
    operations = [migrations.RunSQL(NOTE, migrations.RunSQL.noop)]
