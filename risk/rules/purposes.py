"""What a loan may be said to be for. Granting names purposes in its policies, lending asks for one."""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class LoanPurpose(TextChoices):
    DAILY = "daily", _("Daily spending")
    EDUCATION = "education", _("Education")
    MEDICAL = "medical", _("Medical care")
    TRAVEL = "travel", _("Travel")
    RENOVATION = "renovation", _("Home renovation")
    APPLIANCES = "appliances", _("Home appliances")
    BUSINESS = "business", _("Small-business turnover")
    PROPERTY = "property", _("Buying property")
    SECURITIES = "securities", _("Securities")
    GAMBLING = "gambling", _("Gambling")


FORBIDDEN_PURPOSES = (LoanPurpose.PROPERTY, LoanPurpose.SECURITIES, LoanPurpose.GAMBLING)


def unknown_purposes(codes: Iterable[object]) -> list[str]:
    """Those that name no purpose: a slip of the pen would otherwise switch a rule off unseen."""
    return [str(code) for code in codes if code not in LoanPurpose.values]
