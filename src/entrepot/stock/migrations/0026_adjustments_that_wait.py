from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stock", "0025_moves_of_preorders")]

    operations = [
        migrations.AddIndex(
            model_name="adjustment",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["company_id"], name="stock_adjustment_waiting"
            ),
        ),
    ]
