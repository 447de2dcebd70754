"""Acts of staff: a dialog asks for confirmation and a reason, then one service call, then a plain answer."""

import re
from collections.abc import Callable, Collection
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

# The user model lives above this library.
StaffLike = Any


class ConfirmForm(BaseDialogForm):
    """Nothing to fill in: the dialog is the confirmation."""


class ReasonForm(BaseDialogForm):
    """An act that is explained; the reason goes into the audit trail."""

    reason = forms.CharField(
        label=_("Reason"), min_length=3, max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


MAY = re.compile(r"^has_may_(\w+?)__(\w+)_permission$")


def may(permission: str) -> str:
    """`app.codename` as a name that the theme looks up on the page's class (see `PermissionMethods`).

    Given as it is, the theme would ask the database for it at start-up, before the first migration.
    """
    return "may_" + permission.replace(".", "__")


class PermissionMethods:
    """Answers `has_may_<app>__<codename>_permission` for every permission there is."""

    def __getattr__(self, name: str) -> Any:
        found = MAY.match(name)
        if found is None:
            raise AttributeError(name)
        permission = f"{found[1]}.{found[2]}"

        def has(request: HttpRequest, obj: Any = None) -> bool:
            return bool(request.user.has_perm(permission))

        return has


def act(
    *,
    title: str | Promise,
    warning: str | Promise,
    permission: str,
    form: type[forms.Form] = ReasonForm,
    icon: str | None = None,
    dangerous: bool = False,
) -> Callable[[Callable[..., HttpResponse]], Any]:
    """A detail action with a dialog. `permission` is a full name such as `risk.freeze_creditline`."""
    decorator: Callable[[Callable[..., HttpResponse]], Any] = action(
        description=title,
        permissions=[may(permission)],
        icon=icon,
        variant=ActionVariant.DANGER if dangerous else ActionVariant.PRIMARY,
        dialog={
            "title": title,
            "description": warning,
            "form_class": form,
            "form_submit_text": title,
        },
    )
    return decorator


def when() -> dict[str, Any]:
    """On which business date, and at which moment, an act is done."""
    return {"as_of": current_business_date(), "at": timezone.now()}


def acts_within(page: Any, shown: list[Any], names: Collection[str]) -> list[Any]:
    """Of the theme's acts on a detail page those with these names: what the object's state allows."""
    prefix = f"{page.model._meta.app_label}_{page.model._meta.model_name}_"
    return [item for item in shown if item.action_name.removeprefix(prefix) in names]


def staff_of(request: HttpRequest) -> StaffLike:
    """The signed-in member of staff; the admin site lets nobody else in."""
    return request.user


def told(error: DomainError) -> str:
    """The refusal in words, with what is said of each field."""
    return " · ".join([str(error.detail), *(str(fault["detail"]) for fault in error.field_errors)])


def finish(request: HttpRequest, url: str, call: Callable[[], Any], success: str | Promise) -> HttpResponse:
    """Runs the service call; a rule that says no becomes a message, never an error page."""
    try:
        call()
    except DomainError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, str(success))
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
