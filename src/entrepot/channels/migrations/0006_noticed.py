from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("channels", "0005_webhooks")]

    operations = [
        migrations.AddField(model_name="fileimport", name="noticed", field=models.JSONField(null=True)),
    ]
