"""Fields in the shapes that `api` contracts name: money and rates as strings, never floats."""

from decimal import Decimal
from functools import cache
from typing import Any

from rest_framework import serializers


@cache
def _made(shape: type[serializers.Serializer[Any]]) -> Any:
    return shape()


def parsed(shape: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The valid values of a body; raises `ValidationError`. Serializers copy all their fields each time one is made,
    so this one is made once in a process: it keeps nothing of what it is given, and has no context.
    """
    values: dict[str, Any] = _made(shape).run_validation(data)
    return values


def shown(shape: type[serializers.Serializer[Any]], row: Any) -> dict[str, Any]:
    """`row` as a serializer without a context shows it, made once like that of `parsed`."""
    values: dict[str, Any] = _made(shape).to_representation(row)
    return values


class MoneyField(serializers.DecimalField):
    """Yuan as a string with two decimals; more than two are refused, not rounded."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 16)
        kwargs.setdefault("decimal_places", 2)
        kwargs.setdefault("coerce_to_string", True)
        super().__init__(**kwargs)


class PositiveMoneyField(MoneyField):
    """An amount somebody asks to move."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", Decimal("0.01"))
        super().__init__(**kwargs)


class RateField(serializers.DecimalField):
    """A fraction as a string with six decimals."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 9)
        kwargs.setdefault("decimal_places", 6)
        kwargs.setdefault("coerce_to_string", True)
        super().__init__(**kwargs)


class ProblemFieldSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem document."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemFieldSerializer(many=True, required=False)  # type: ignore[assignment]  # the standard's name
