"""Addresses of the back office that name nothing: mistyped, cut off, of something that is gone. They are not found."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse

NUL = "\x00"


class AddressMiddleware:
    """404 before the database is asked for a key it cannot have, and where an act's object does not exist."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if not _is_admin(request):
            return
        asked = (text for pair in request.GET.lists() for text in (pair[0], *pair[1]))
        if any(NUL in text for text in asked) or any(NUL in str(value) for value in kwargs.values()):
            raise Http404
        if "object_id" in kwargs and not _can_be_key(request, unquote(kwargs["object_id"])):
            raise Http404

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Only of the page's own model: another row that is missing is a fault and has to be seen."""
        model = _model(request) if _is_admin(request) and _named(request) else None
        if model is not None and isinstance(exception, model.DoesNotExist):
            raise Http404 from exception


def _is_admin(request: HttpRequest) -> bool:
    return request.resolver_match is not None and "admin" in request.resolver_match.namespaces


def _named(request: HttpRequest) -> bool:
    return request.resolver_match is not None and "object_id" in request.resolver_match.kwargs


def _model(request: HttpRequest) -> Any:
    """The model whose page it is; None for pages that belong to no model."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    app, _, page = name.partition("_")
    try:
        return apps.get_model(app, page.partition("_")[0])
    except LookupError:
        return None


def _can_be_key(request: HttpRequest, text: str) -> bool:
    """Pages that belong to no model take what they like."""
    model = _model(request)
    if model is None:
        return True
    key = model._meta.pk
    try:
        key.run_validators(key.to_python(text))
    except ValidationError:
        return False
    return True
