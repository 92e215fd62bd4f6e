from django.db import migrations, models
from django.db.models import F, Q

SIDES = ("length", "width", "height")


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0015_leave_by")]

    operations = [
        *(
            migrations.AddField(
                model_name="carton", name=f"outer_{side}_mm", field=models.IntegerField(db_default=0),
            )
            for side in SIDES
        ),
        migrations.AddConstraint(
            model_name="carton",
            constraint=models.CheckConstraint(
                name="warehouse_carton_outside_not_less_than_inside",
                condition=Q(outer_length_mm=0, outer_width_mm=0, outer_height_mm=0)
                | Q(
                    outer_length_mm__gte=F("length_mm"),
                    outer_width_mm__gte=F("width_mm"),
                    outer_height_mm__gte=F("height_mm"),
                ),
            ),
        ),
    ]
