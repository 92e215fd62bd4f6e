"""A label is for all returns that come in its parcel; and what a customer is told of what he asked for."""

from django.db import migrations, models

FILL = """
INSERT INTO returns_labelreturn (label_id, return_id, lives) SELECT id, return_id, state = 'made' FROM returns_label
"""


class Migration(migrations.Migration):
    dependencies = [("returns", "0025_comebacks")]

    operations = [
        migrations.AddField(
            model_name="return", name="told", field=models.TextField(db_default="", default="")
        ),
        migrations.CreateModel(
            name="LabelReturn",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "label_id", "return_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("label_id", models.UUIDField()),
                ("return_id", models.UUIDField(db_index=True)),
                ("lives", models.BooleanField(db_default=True)),
            ],
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="label", name="returns_label_one_in_force"),
        migrations.AddConstraint(
            model_name="labelreturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lives", True)), fields=("return_id",), name="returns_label_one_in_force"
            ),
        ),
    ]
