from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import forms as auth
from django.http import HttpRequest

class AuthenticationForm(AdminAuthenticationForm): ...
class UserCreationForm(auth.UserCreationForm[Any]): ...
class UserChangeForm(auth.UserChangeForm[Any]): ...

class BaseDialogForm(forms.Form):
    request: HttpRequest
    object_id: Any
    def __init__(self, request: HttpRequest, object_id: int | str | None = None, *args: Any, **kwargs: Any) -> None: ...
