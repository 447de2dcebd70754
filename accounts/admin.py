"""The back office of people: staff and roles, notices, verification attempts. Customers have their page in the roof."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import Notification, StaffUser, VerificationAttempt
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import PermissionMethods, ReadOnlyAdmin, ReasonForm, act, finish

admin.site.unregister(Group)


@admin.register(StaffUser)
class StaffUserAdmin(PermissionMethods, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Accounts are switched off, never deleted: their names stand in the audit trail."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "display_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    fieldsets = (
        (None, {"fields": ("username", "password", "display_name", "email")}),
        (_("Roles"), {"fields": ("is_active", "groups")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    actions_detail = ["reset_second_factor"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("roles"))
    def roles(self, user: StaffUser) -> str:
        return ", ".join(translate(group.name) for group in user.groups.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def save_model(self, request: HttpRequest, obj: StaffUser, form: Any, change: bool) -> None:
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = sorted(form.instance.groups.values_list("name", flat=True))
        super().save_related(request, form, formsets, change)
        after = sorted(form.instance.groups.values_list("name", flat=True))
        audit_record(
            action="staff.change" if change else "staff.create",
            actor=Actor.of(request.user),
            subject=form.instance,
            before={"roles": before},
            after={"roles": after, "active": form.instance.is_active, "changed": form.changed_data},
        )

    @act(
        title=_("Reset second factor"),
        warning=_("The person must enrol a device again at the next sign-in."),
        permission="accounts.change_staffuser",
        icon="phonelink_erase",
        dangerous=True,
    )
    def reset_second_factor(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        user = StaffUser.objects.get(pk=object_id)

        def call() -> None:
            TOTPDevice.objects.filter(user=user).delete()
            audit_record(
                action="staff.second_factor_reset",
                actor=Actor.of(request.user),
                subject=user,
                reason=form.cleaned_data["reason"],
            )

        return finish(request, "..", call, _("The second factor was reset."))


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Roles are declared in the code; here they are read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "business_date", "customer", "kind", "read_at")
    list_filter = ("kind", ("business_date", RangeDateFilter))
    search_fields = ("customer__openid",)
    list_select_related = ("customer",)


@admin.register(VerificationAttempt)
class VerificationAttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "customer", "purpose", "liveness_passed", "voiceprint_passed", "passed", "ip")
    list_filter = ("purpose", "passed", ("at", RangeDateTimeFilter))
    search_fields = ("customer__openid", "=ip")
    list_select_related = ("customer",)
