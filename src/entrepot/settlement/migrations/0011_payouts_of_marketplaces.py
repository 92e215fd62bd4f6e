"""A payout knows whether it is a marketplace's; those from before were booked as a bank's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("settlement", "0010_reserves_of_providers")]
    operations = [
        migrations.AddField(
            model_name="payout", name="of_marketplace", field=models.BooleanField(db_default=False)
        ),
    ]
