from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("stock", "0024_when_preorders_moved")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE stock_preorder
                ALTER COLUMN moved_from TYPE date[]
                    USING CASE WHEN moved_from IS NOT NULL THEN ARRAY[moved_from] END,
                ALTER COLUMN moved_at TYPE timestamptz[] USING CASE WHEN moved_at IS NOT NULL THEN ARRAY[moved_at] END
            """,
            """
            ALTER TABLE stock_preorder
                ALTER COLUMN moved_from TYPE date USING moved_from[1],
                ALTER COLUMN moved_at TYPE timestamptz USING moved_at[cardinality(moved_at)]
            """,
            state_operations=[
                migrations.AlterField(
                    model_name="preorder", name="moved_from", field=ArrayField(models.DateField(), null=True)
                ),
                migrations.AlterField(
                    model_name="preorder", name="moved_at", field=ArrayField(models.DateTimeField(), null=True)
                ),
            ],
        ),
    ]
