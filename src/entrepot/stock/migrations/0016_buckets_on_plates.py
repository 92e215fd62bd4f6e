from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("stock", "0015_lots_and_serials_found"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="bucket",
            index=models.Index(
                condition=models.Q(("plated__gt", 0)), fields=["node_id"], name="stock_bucket_on_plates"
            ),
        ),
    ]
