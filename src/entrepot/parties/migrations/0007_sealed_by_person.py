"""Personal data are sealed with a key for each person, as `entrepot.parties.vault` does it."""

from uuid import UUID

import django.db.models
from django.db import migrations, models

from entrepot.parties import fingerprints, vault

_FIELDS = (
    "name", "line1", "line2", "city", "postal_code", "email", "phone", "tax_number", "tax_number_kind", "written",
)


def seal(apps, _editor):
    """Whoever is known by a mail address is one person; of the others each row is."""
    Address, Person = apps.get_model("parties", "Address"), apps.get_model("parties", "Person")
    known: dict[tuple[int, str], tuple[UUID, bytes]] = {}
    for row in Address.objects.order_by("id").iterator(chunk_size=2000):
        mark = fingerprints.of_email(row.email) if row.email else ""
        owner = known.get((row.company_id, mark)) if mark else None
        if owner is None:
            key, kept = vault.new_key(row.id)  # the first address of a person lends its id
            Person.objects.create(id=row.id, company_id=row.company_id, mark=mark, key=kept)
            owner = (row.id, key)
            if mark:
                known[row.company_id, mark] = owner
        values = [getattr(row, name) for name in _FIELDS]
        if values[-1]:
            names = ("line1", "line2", "city", "region", "postal_code", "country")
            values[-1] = [values[-1][name] for name in names]
        place = (row.name, row.line1, row.line2, row.city, row.region)
        row.person_id = owner[0]
        row.sealed = vault.seal(owner[1], row.id, values)
        row.has_tax_number = bool(row.tax_number)
        row.place = fingerprints.of_place(*place)
        row.billed = fingerprints.of_place(*place, row.postal_code, row.country, row.tax_number)
        row.save()


class Migration(migrations.Migration):
    atomic = True

    dependencies = [("parties", "0006_gift_messages")]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("company_id", models.SmallIntegerField()),
                ("mark", models.TextField(db_default="")),
                ("key", models.BinaryField(null=True)),
                ("erased_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(
                condition=models.Q(("mark", ""), _negated=True),
                fields=("company_id", "mark"),
                name="parties_person_marked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True),
                    ("key__isnull", False),
                )
                | models.Q(("erased_at__isnull", False), ("key__isnull", True), ("mark", "")),
                name="parties_person_erased_has_no_key",
            ),
        ),
        migrations.AddField("address", "person_id", models.UUIDField(null=True)),
        migrations.AddField("address", "has_tax_number", models.BooleanField(db_default=False)),
        migrations.AddField("address", "sealed", models.BinaryField(null=True)),
        migrations.AddField("address", "place", models.TextField(db_default="")),
        migrations.AddField("address", "billed", models.TextField(db_default="")),
        migrations.RunPython(seal, elidable=True),
        migrations.AlterField("address", "person_id", models.UUIDField()),
        *[migrations.RemoveField("address", name) for name in _FIELDS],
        migrations.AddIndex(
            "address", models.Index(fields=["person_id"], name="parties_address_of_person")
        ),
        migrations.AddConstraint(
            model_name="address",
            constraint=models.CheckConstraint(
                condition=models.Q(("sealed__isnull", False))
                | models.Q(("billed", ""), ("place", ""), ("region", "")),
                name="parties_address_erased_is_empty",
            ),
        ),
    ]
