"""Words of the back office's theme, which ships no Chinese, and names of roles: listed so that they get translated."""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

THEME = (
    _("Add new item"), _("Add row"), _("All applications"), _("Apply Filters"), _("Change History"),
    _("Change reason"), _("Changed by"), _("Changes"), _("Choose file to upload"), _("Click to cancel"),
    _("Click to download"), _("Collapse"), _("Comment"), _("Current file"), _("Dark"), _("Date from"), _("Date to"),
    _("Default"), _("Expand row"), _("From"), _("General"), _("Go back"), _("Light"), _("Loading more results..."),
    _("More actions"), _("New"), _("Next"), _("No data"), _("No recent searches"), _("No results found"),
    _("No results matching your query"), _("Not enough data."), _("Previous"), _("Recent searches"),
    _("Record picture"), _("Reset filters"), _("Reset to default"), _("Return to site"), _("Revert"), _("Row"),
    _("Run"), _("Search apps and models..."), _("Select action"), _("Select action to run"), _("Select all rows"),
    _("Select record"), _("Select value"), _("Submit"), _("System"), _("This item will be deleted."),
    _("This object doesn't have a change history."),
    _("This page yielded into no results. Create a new item or reset your filters."), _("To"),
    _("Toggle password visibility"), _("Type to search"), _("Update"), _("User permissions"), _("Value"),
    _("Welcome back to"), _("You have been successfully logged out from the administration"), _("True"), _("False"),
    _("After you've created a user, you’ll be able to edit more user options."), _("Welcome"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password"
        ' using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    # The theme does not trim this one: the line breaks are part of its key.
    ngettext_lazy(
        "\n                Found %(counter)s result in %(time)s seconds\n            ",
        "\n                Found %(counter)s results in %(time)s seconds\n            ",
        "counter",
    ),
    _("group"), _("groups"), _("Name"), _("Date"), _("Object"), _("Group"), _("Group permissions"), _("Code"),
)  # fmt: skip

ROLES = (
    _("credit_officer"), _("risk_analyst"), _("collector"), _("finance"), _("supervisor"), _("auditor"),
    _("administrator"),
)  # fmt: skip
