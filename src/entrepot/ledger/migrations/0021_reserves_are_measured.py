
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0020_reserves_of_providers"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="exposure",
            name="ledger_exposure_of_a_known_account",
        ),
        migrations.AddConstraint(
            model_name="exposure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "account__in",
                        [
                            1000,
                            1100,
                            1120,
                            1150,
                            1160,
                            1170,
                            1175,
                            1180,
                            1190,
                            2000,
                            2050,
                            2100,
                            2150,
                            2300,
                            2400,
                            2410,
                        ],
                    )
                ),
                name="ledger_exposure_of_a_known_account",
            ),
        ),
    ]
