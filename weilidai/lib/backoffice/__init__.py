"""What every page of the back office shares: read-only lists that stay fast, exports, acts with a reason."""

from weilidai.lib.backoffice.acts import ConfirmForm, ReasonForm, act, finish, staff_of
from weilidai.lib.backoffice.admin import ReadOnlyAdmin, badge

__all__ = ["ConfirmForm", "ReadOnlyAdmin", "ReasonForm", "act", "badge", "finish", "staff_of"]
