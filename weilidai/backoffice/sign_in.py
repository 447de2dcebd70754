"""Signing in to the back office: password, and the code of the second factor for everybody who enrolled one.

With `STAFF_SECOND_FACTOR=1` (the default with DEBUG=0) nobody gets past the enrolment page without one.
"""

import base64
import io
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

import qrcode
import qrcode.image.svg
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user, login
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from accounts.services.staff_password import is_over, password_chosen
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import staff_of


class SignInForm(OTPAuthenticationFormMixin, AuthenticationForm):
    """User name, password, and six digits where the user has a device."""

    otp_token = forms.CharField(
        label=_("Code of the second factor"),
        required=False,
        max_length=10,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean()
        user = self.get_user()
        if user is not None and any(devices_for_user(user)):
            self.clean_otp(user)
        if user is not None and is_over(user, timezone.now()):
            raise forms.ValidationError(_("This temporary password is over. Ask for another."), code="temporary_over")
        return values

    def _chosen_device(self, user: Any) -> Any:
        """Everybody has one device: there is nothing to choose."""
        return next(devices_for_user(user), None)


class EnrolForm(forms.Form):
    token = forms.IntegerField(
        label=_("Code shown by the app"),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "inputmode": "numeric", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )


def _picture(device: TOTPDevice) -> str:
    """The enrolment code as a data URL, drawn here: the secret goes to no other server."""
    file = io.BytesIO()
    qrcode.make(device.config_url, image_factory=qrcode.image.svg.SvgPathImage, box_size=14).save(file)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


def _typed_key(device: TOTPDevice) -> str:
    """The secret as apps take it by hand, in fours."""
    key = base64.b32encode(device.bin_key).decode()
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def enrol(request: HttpRequest) -> HttpResponse:
    """Shows a fresh secret and confirms it with the first code; an enrolled device is never shown again."""
    if TOTPDevice.objects.filter(user=request.user, confirmed=True).exists():
        if settings.STAFF_SECOND_FACTOR and not staff_of(request).is_verified():
            # Enrolled meanwhile in another browser: this session never showed the code.
            logout(request)
            messages.info(request, _("Your second factor is set up: sign in again with its code."))
            return HttpResponseRedirect(reverse("admin:login"))
        messages.info(request, _("Your second factor is set up. If you lose it, two people can reset it."))
        return HttpResponseRedirect(reverse("admin:index"))
    device, _created = TOTPDevice.objects.get_or_create(user=request.user, confirmed=False, defaults={"name": "totp"})
    form = EnrolForm(request.POST or None)
    if form.is_valid():
        if device.verify_token(form.cleaned_data["token"]):
            device.confirmed = True
            device.save(update_fields=["confirmed"])
            login(request, device)
            audit_record(action="staff.second_factor", actor=Actor.of(request.user), subject=staff_of(request))
            messages.success(request, _("The second factor is set up."))
            return HttpResponseRedirect(reverse("admin:index"))
        form.add_error("token", _("This code is not right; is the clock of your phone?"))
    context = {
        **admin.site.each_context(request),
        "title": _("Second factor"),
        "form": form,
        "picture": _picture(device),
        "key": _typed_key(device),
    }
    return TemplateResponse(request, "backoffice/second_factor.html", context)


def own_password(request: HttpRequest) -> HttpResponse:
    """Django's page; a temporary password is over once its owner has chosen another, and not the same again."""
    if request.method == "POST" and request.POST.get("old_password") == request.POST.get("new_password1"):
        messages.error(request, _("Choose another password than the one you have."))
        return HttpResponseRedirect(reverse("admin:password_change"))
    answer = admin.site.password_change(request)
    if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
        password_chosen(user=staff_of(request), at=timezone.now())
    return answer


@cache
def _page(name: str) -> str:
    """Found once in a process: every request is looked at, the customers' too."""
    return reverse(name)


def _is_inside(request: HttpRequest) -> bool:
    """Whether somebody signed in asks for a page of the back office."""
    user: Any = getattr(request, "user", None)
    return request.path.startswith(_page("admin:index")) and user is not None and user.is_authenticated


def _is_one_of(request: HttpRequest, names: tuple[str, ...]) -> bool:
    return request.path in [_page(name) for name in names]


class OwnPasswordMiddleware:
    """Who signed in with a temporary password sees only the page on which to choose another."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        names = ("admin:password_change", "second-factor", "admin:logout", "admin:login")
        user: Any = getattr(request, "user", None)
        if _is_inside(request) and user.must_change_password and not _is_one_of(request, names):
            return HttpResponseRedirect(_page("admin:password_change"))
        return self.get_response(request)


class SecondFactorMiddleware:
    """Where the second factor is required, a signed-in user without one sees only the enrolment page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = getattr(request, "user", None)
        names = ("second-factor", "admin:logout", "admin:login")
        needs_factor = settings.STAFF_SECOND_FACTOR and _is_inside(request) and not user.is_verified()
        if needs_factor and not _is_one_of(request, names):
            return HttpResponseRedirect(_page("second-factor"))
        return self.get_response(request)
