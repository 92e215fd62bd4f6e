from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0011_prices_leave_imprints"), ("sessions", "0001_initial")]

    operations = [
        # Of who is in already nothing is known by which they could be ended: they enter once more.
        migrations.RunSQL("DELETE FROM django_session", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("user_id", models.IntegerField()),
                ("session_key", models.TextField()),
                ("source", models.TextField()),
                ("device", models.TextField()),
                ("entered_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["user_id"], name="access_session_of_person")],
                "constraints": [
                    models.UniqueConstraint(fields=["session_key"], name="access_session_known_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("document_id", models.UUIDField(primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
            ],
        ),
    ]
