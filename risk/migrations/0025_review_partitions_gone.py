from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0024_line_run_ranges"),
    ]

    operations = [migrations.DeleteModel(name="RateReviewPartition")]
