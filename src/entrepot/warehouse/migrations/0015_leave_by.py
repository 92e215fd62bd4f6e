from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0014_packed_serials")]

    operations = [
        migrations.AddField(
            model_name="fulfillment", name="leave_by", field=models.DateTimeField(null=True),
        ),
    ]
