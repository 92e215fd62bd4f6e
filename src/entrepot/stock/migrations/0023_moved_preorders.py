from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stock", "0022_decided_anew")]

    operations = [
        migrations.AddField(model_name="preorder", name="moved_from", field=models.DateField(null=True)),
    ]
