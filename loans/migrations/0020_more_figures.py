from typing import Any

from django.db import migrations

# What the program had in its own lines until now: versions of the strategy from before say it themselves from here on.
FIGURES = {"approval_days": 7, "broken_raises": 2, "message_late_days": 7}


def figures_write(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        if "figures" in policy.definition:
            policy.definition["figures"] = {**FIGURES, **policy.definition["figures"]}
            policy.save(update_fields=["definition"])


def figures_drop(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        for name in FIGURES:
            policy.definition.get("figures", {}).pop(name, None)
        policy.save(update_fields=["definition"])


class Migration(migrations.Migration):
    dependencies = [("loans", "0019_collection_figures")]

    operations = [migrations.RunPython(figures_write, figures_drop)]
