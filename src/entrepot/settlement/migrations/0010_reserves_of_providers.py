
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0009_refunds_that_bounce"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="payoutline",
            name="settlement_payoutline_known",
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("kind__in", ["reserve_held", "reserve_released"])),
                fields=["payout_id"],
                name="settlement_payoutline_reserve",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "charge",
                            "refund",
                            "refund_reversal",
                            "chargeback",
                            "chargeback_reversal",
                            "fee",
                            "reserve_held",
                            "reserve_released",
                        ],
                    ),
                    ("state__in", ("matched", "differs", "unmatched", "explained")),
                ),
                name="settlement_payoutline_known",
            ),
        ),
    ]
