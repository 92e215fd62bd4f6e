from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0016_authorizations_that_end")]

    operations = [
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["company_id", "id"],
                name="payments_attempt_failed",
            ),
        )
    ]
