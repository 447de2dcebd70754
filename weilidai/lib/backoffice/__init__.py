"""What every page of the back office shares: read-only lists that stay fast, exports, acts with a reason."""

from weilidai.lib.backoffice.acts import (
    ConfirmForm,
    PermissionMethods,
    ReasonForm,
    act,
    acts_within,
    finish,
    may,
    staff_of,
    when,
)
from weilidai.lib.backoffice.admin import ReadOnlyAdmin, badge

__all__ = [
    "ConfirmForm",
    "PermissionMethods",
    "ReadOnlyAdmin",
    "ReasonForm",
    "act",
    "acts_within",
    "badge",
    "finish",
    "may",
    "staff_of",
    "when",
]
