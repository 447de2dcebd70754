"""What every page of the back office shares: read-only lists that stay fast, exports, acts with a reason."""

from weilidai.lib.backoffice.acts import ConfirmForm, PermissionMethods, ReasonForm, act, finish, may, staff_of
from weilidai.lib.backoffice.admin import ReadOnlyAdmin, badge

__all__ = [
    "ConfirmForm",
    "PermissionMethods",
    "ReadOnlyAdmin",
    "ReasonForm",
    "act",
    "badge",
    "finish",
    "may",
    "staff_of",
]
