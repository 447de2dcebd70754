from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.utils.functional import Promise

_Act = TypeVar("_Act", bound=Callable[..., Any])

def action(
    *,
    permissions: Iterable[str] | None = None,
    description: str | Promise | None = None,
    url_path: str | None = None,
    attrs: dict[str, Any] | None = None,
    icon: str | None = None,
    variant: Any = ...,
    dialog: Any = None,
) -> Callable[[_Act], _Act]: ...
