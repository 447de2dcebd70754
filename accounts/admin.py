"""The back office of people: staff and roles, notices, verification attempts. Customers have their page in the roof."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter
from unfold.forms import UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from accounts.change_admin import ChangeRequestAdmin
from accounts.models import ContactAttempt, ContactRule, Notification, StaffUser, VerificationAttempt
from accounts.notices import NOTICES
from accounts.services.second_factor import second_factor_reset_ask
from accounts.services.staff import staff_roles_change
from accounts.services.staff_password import password_reset_ask, temporary_mark
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import PermissionMethods, ReadOnlyAdmin, ReasonForm, act, finish, staff_of
from weilidai.lib.backoffice.told import Told
from weilidai.lib.backoffice.words import subject_word, words_filter
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

__all__ = ["ChangeRequestAdmin"]

admin.site.unregister(Group)

# What Django writes into the database in English when it makes a permission.
PERMISSION_KINDS = {"add": _("add"), "change": _("change"), "view": _("view"), "delete": _("delete")}


def permission_word(permission: Permission) -> str:
    """A permission in the reader's language. One with a name of its own is read from its model, because the stored
    name stands in whatever language the migration ran in; where the model is gone the stored name is shown.
    """
    kind, _sign, model = permission.codename.partition("_")
    subject = f"{permission.content_type.app_label}.{model}"
    if kind in PERMISSION_KINDS and model == permission.content_type.model:
        return f"{subject_word(subject)}: {PERMISSION_KINDS[kind]}"
    owner = permission.content_type.model_class()
    own = dict(owner._meta.permissions) if owner else {}
    return str(own.get(permission.codename, permission.name))


def notice_word(kind: str) -> str:
    """The title of a kind of notice; an unknown kind shows its code."""
    return str(NOTICES[kind][0]) if kind in NOTICES else kind


class RolesField(forms.ModelMultipleChoiceField[Group]):
    """The roles by their names in the reader's language; there are few, so all are seen at once."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, obj: Group) -> str:
        return translate(obj.name)


class StaffUserForm(UserChangeForm):
    """Roles, and switching an account on again, need a reason: a second person reads it."""

    groups = RolesField(queryset=Group.objects.all(), required=False, label=_("Roles"))
    change_reason = forms.CharField(
        label=_("Reason of the change of roles"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget
    )

    def asks_for_power(self) -> bool:
        """Other roles, or an account that was switched off works again."""
        switched_on = bool(self.cleaned_data.get("is_active")) and not self.initial.get("is_active", True)
        return switched_on or "groups" in self.changed_data

    def clean(self) -> dict[str, Any]:
        cleaned = dict(super().clean() or {})
        if self.asks_for_power() and not cleaned.get("change_reason", "").strip():
            self.add_error("change_reason", _("A reason is needed"))
        return cleaned


class RoleFilter(admin.SimpleListFilter):
    title = _("roles")
    parameter_name = "groups__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(group.pk), translate(group.name)) for group in Group.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        return queryset.filter(groups=value) if value and value.isdigit() else queryset


@admin.register(StaffUser)
class StaffUserAdmin(PermissionMethods, DjangoUserAdmin[StaffUser], ModelAdmin):
    """Accounts are switched off, never deleted: their names stand in the audit trail."""

    form = StaffUserForm
    add_form = UserCreationForm
    list_display = ("username", "display_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", RoleFilter)
    fieldsets = (
        (None, {"fields": ("username", "display_name", "email")}),
        (_("Roles"), {"fields": ("is_active", "groups", "change_reason")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    actions_detail = ["reset_password", "reset_second_factor"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("roles"))
    def roles(self, user: StaffUser) -> str:
        return ", ".join(translate(group.name) for group in user.groups.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Nobody sets another person's password: that would get round the second person."""
        raise PermissionDenied

    @act(
        title=_("Temporary password"),
        warning=_(
            "Once a second person has approved, the old password ends and a temporary one is shown to who approved. "
            "Its owner must choose another at the first sign-in."
        ),
        permission="accounts.change_staffuser",
        icon="key",
        dangerous=True,
    )
    def reset_password(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            reverse("admin:accounts_staffuser_change", args=[object_id]),
            lambda: password_reset_ask(
                subject=StaffUser.objects.get(pk=object_id), reason=form.cleaned_data["reason"], user=staff_of(request),
                as_of=current_business_date(), at=timezone.now(),
            ),
            _("The temporary password waits for a second person."),
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: StaffUser, form: Any, change: bool) -> None:
        obj.is_staff = True
        if not change:
            temporary_mark(obj, timezone.now())
        if change and form.asks_for_power():
            # Asked for below: until a second person approves, the account stays as it is.
            obj.is_active = obj.is_active and form.initial.get("is_active", True)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The form never writes roles itself: they are asked for, and another person approves."""
        subject = form.instance
        wanted = sorted(group.name for group in form.cleaned_data.get("groups", ()))
        if change:
            form.cleaned_data["groups"] = subject.groups.all()
        super().save_related(request, form, formsets, change)
        audit_record(
            action="staff.change" if change else "staff.create",
            actor=Actor.of(request.user),
            subject=subject,
            after={"active": subject.is_active, "changed": form.changed_data},
        )
        if change and form.asks_for_power():
            self._ask(request, subject, wanted, form.cleaned_data)

    def _ask(self, request: HttpRequest, subject: StaffUser, roles: list[str], data: dict[str, Any]) -> None:
        try:
            asked = staff_roles_change(
                subject=subject, roles=roles, is_active=data["is_active"], reason=data["change_reason"],
                user=staff_of(request), as_of=current_business_date(), at=timezone.now(),
            )  # fmt: skip
        except DomainError as error:
            messages.error(request, str(error.detail))
            return
        if asked is not None:
            messages.warning(request, translate("The roles change once a second person has approved."))

    @act(
        title=_("Reset second factor"),
        warning=_(
            "Once a second person has approved, the device no longer counts and its owner must enrol another at the "
            "next sign-in."
        ),
        permission="accounts.change_staffuser",
        icon="phonelink_erase",
        dangerous=True,
    )
    def reset_second_factor(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            reverse("admin:accounts_staffuser_change", args=[object_id]),
            lambda: second_factor_reset_ask(
                subject=StaffUser.objects.get(pk=object_id), reason=form.cleaned_data["reason"], user=staff_of(request),
                as_of=current_business_date(), at=timezone.now(),
            ),
            _("The reset of the second factor waits for a second person."),
        )  # fmt: skip


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ModelAdmin):
    """Roles are declared in the code; here they are read."""

    list_display = ("role", "permission_count")
    fields = ("role", "may")
    readonly_fields = ("role", "may")
    filter_horizontal = ()

    @admin.display(description=_("role"), ordering="name")
    def role(self, group: Group) -> str:
        return translate(group.name)

    @admin.display(description=_("number of permissions"))
    def permission_count(self, group: Group) -> int:
        return len(group.permissions.all())

    @admin.display(description=_("permissions"))
    def may(self, group: Group) -> SafeString:
        rows = group.permissions.select_related("content_type")
        return format_html_join("", "<div>{}</div>", sorted((permission_word(row),) for row in rows))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "business_date", "customer", "notice", "read_at")
    list_filter = (("kind", words_filter(notice_word, NOTICES)), ("business_date", RangeDateFilter))
    search_fields = ("customer__openid",)
    list_select_related = ("customer",)
    export_told = {"notice": Told(("kind",), notice_word)}

    @admin.display(description=_("kind"), ordering="kind")
    def notice(self, row: Notification) -> str:
        return notice_word(row.kind)


@admin.register(VerificationAttempt)
class VerificationAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "customer", "purpose", "liveness_passed", "voiceprint_passed", "passed", "ip")
    list_filter = ("purpose", "passed", ("at", RangeDateTimeFilter))
    search_fields = ("customer__openid", "=ip")
    list_select_related = ("customer",)


@admin.register(ContactAttempt)
class ContactAttemptAdmin(ReadOnlyAdmin):
    list_display = (
        "at",
        "customer",
        "channel",
        "phone_tail",
        "is_about_debt",
        "state",
        "tries",
        "actor_name",
        "result",
    )
    list_filter = ("channel", "state", "is_about_debt", ("local_date", RangeDateFilter))
    search_fields = ("customer__openid",)
    list_select_related = ("customer",)


@admin.register(ContactRule)
class ContactRuleAdmin(ReadOnlyAdmin):
    list_display = ("valid_from", "quiet_from", "quiet_to", "attempts_per_day_max", "source")
