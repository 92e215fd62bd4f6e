from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stock", "0023_moved_preorders")]

    operations = [
        migrations.AlterField(model_name="preorder", name="ships_on", field=models.DateField(null=True)),
        migrations.AddField(model_name="preorder", name="moved_at", field=models.DateTimeField(null=True)),
        migrations.RunSQL(
            "UPDATE stock_preorder SET moved_at = now() WHERE moved_from IS NOT NULL", migrations.RunSQL.noop
        ),
    ]
