from typing import Any

from django.db import migrations

# How long a customer has to answer an offer of a new schedule: versions of the strategy from before have what ships.
OFFER_DAYS = 14


def figure_write(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        if "figures" in policy.definition:
            policy.definition["figures"].setdefault("offer_days", OFFER_DAYS)
            policy.save(update_fields=["definition"])


def figure_drop(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        policy.definition.get("figures", {}).pop("offer_days", None)
        policy.save(update_fields=["definition"])


class Migration(migrations.Migration):
    dependencies = [("loans", "0021_rearrangement_offers")]

    operations = [migrations.RunPython(figure_write, figure_drop)]
