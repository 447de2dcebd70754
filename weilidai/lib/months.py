"""Months in addresses: `2026-09` stands for its first day. `MONTH` is the part of an address that takes one."""

from datetime import date

from django.urls import register_converter


class MonthConverter:
    """A month as 2026-09, handed on as its first day; anything else matches no address."""

    regex = r"[0-9]{4}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date | str) -> str:
        return value if isinstance(value, str) else f"{value:%Y-%m}"


register_converter(MonthConverter, "month")
MONTH = "<month:month>"
