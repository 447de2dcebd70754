from typing import Any

from django.db import migrations

# What the program had in its own lines until now: versions of the strategy from before say it themselves from here on.
FIGURES = {
    "promise_days": 31, "next_action_days": 90, "wish_days": 7,
    "no_answer_days": 1, "wrong_number_days": 1, "paid_days": 1, "refused_days": 3, "disputed_days": 7,
    "relief_periods": 60, "relief_grace_months": 12, "relief_begin_days": 31, "relief_undo_days": 14,
}  # fmt: skip


def figures_write(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        if "figures" not in policy.definition:
            policy.definition = {"figures": FIGURES, **policy.definition}
            policy.save(update_fields=["definition"])


def figures_drop(apps: Any, schema_editor: Any) -> None:
    for policy in apps.get_model("loans", "CollectionPolicy").objects.all():
        policy.definition.pop("figures", None)
        policy.save(update_fields=["definition"])


class Migration(migrations.Migration):
    dependencies = [("loans", "0018_relief_on_a_day")]

    operations = [migrations.RunPython(figures_write, figures_drop)]
