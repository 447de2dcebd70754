from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="customer",
            options={
                "ordering": ["-id"],
                "permissions": [("view_full_number", "Can read a full name, identity or phone number")],
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
            },
        ),
    ]
