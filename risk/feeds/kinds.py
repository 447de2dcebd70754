"""The ten kinds of feeds as data: fields of a row and the table it goes to. A new kind is one entry here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from accounts.models import Occupation
from risk.feeds import fields as f
from risk.feeds.fields import Bad, Field
from risk.models import (
    ActivityDay,
    AssetMonth,
    AuxiliaryReading,
    BureauReport,
    FeedKind,
    Friendship,
    GreenAct,
    LoginEvent,
    PaymentEvent,
    ScoreReading,
)
from weilidai.lib.business_date import SHANGHAI

Row = dict[str, Any]
ROW_ID = Field("id", "row_id", f.text(100))
OPENID = Field("openid", "openid", f.text(128))


@dataclass(frozen=True)
class Kind:
    """`model` is None for the customers themselves; `finish` completes or refuses a row as a whole."""

    code: str
    fields: tuple[Field, ...]
    model: type[Model] | None
    finish: Callable[[Row], None] | None = None


def _local_day(row: Row) -> None:
    row["date"] = row["at"].astimezone(SHANGHAI).date()


def _friend(row: Row) -> None:
    if row["friend_openid"] == row["openid"]:
        raise Bad("invalid", "nobody is a friend of oneself", "friend")
    until = row.get("until_date")
    if until is not None and until < row["since_date"]:
        raise Bad("invalid", "ends before it begins", "until")


def _kind(
    code: str, model: type[Model] | None, *fields: Field, finish: Callable[[Row], None] | None = None
) -> tuple[str, Kind]:
    return code, Kind(code, (ROW_ID, OPENID, *fields), model, finish)


KINDS: dict[str, Kind] = dict(
    (
        _kind(
            FeedKind.CUSTOMERS,
            None,
            Field("registered_on", "registered_on", f.day_of),
            Field("occupation", "registered_occupation", f.one_of(Occupation.values)),
            Field("city", "city", f.text(80)),
            Field("residence_since", "residence_since", f.day_of),
        ),
        _kind(
            FeedKind.SCORES,
            ScoreReading,
            Field("name", "name", f.one_of(ScoreReading.Name.values)),
            Field("score", "score", f.count),
            Field("as_of", "as_of", f.day_of),
        ),
        _kind(
            FeedKind.ACTIVITY,
            ActivityDay,
            Field("date", "date", f.day_of),
            Field("opens", "opens", f.count),
            Field("minutes", "minutes", f.count),
            Field("friends", "friends", f.count),
            Field("active_groups", "active_groups", f.count),
        ),
        _kind(
            FeedKind.PAYMENTS,
            PaymentEvent,
            Field("at", "at", f.instant),
            Field("kind", "kind", f.one_of(PaymentEvent.Kind.values)),
            Field("amount", "amount", f.amount),
            Field("category", "category", f.text(60, blank=True)),
            Field("counterparty", "counterparty", f.text(100, blank=True)),
            Field("channel", "channel", f.one_of(PaymentEvent.Channel.values)),
            finish=_local_day,
        ),
        _kind(
            FeedKind.ASSETS,
            AssetMonth,
            Field("month", "month", f.month_of),
            Field("current_fund_mean", "current_fund_mean_amount", f.amount),
            Field("wealth_products", "wealth_products_amount", f.amount),
            Field("deposits", "deposits_amount", f.amount),
            Field("ecny_wallet", "ecny_wallet_amount", f.amount),
            Field("card_limit", "card_limit_amount", f.amount),
            Field("card_balance", "card_debt_amount", f.amount),
        ),
        _kind(
            FeedKind.FRIENDS,
            Friendship,
            Field("friend", "friend_openid", f.text(128)),
            Field("since", "since_date", f.day_of),
            Field("until", "until_date", f.day_of, optional=True),
            finish=_friend,
        ),
        _kind(
            FeedKind.LOGINS,
            LoginEvent,
            Field("at", "at", f.instant),
            Field("device", "device", f.text(200)),
            Field("device_model", "device_model", f.text(100, blank=True)),
            Field("ip", "ip", f.ip),
            Field("city", "city", f.text(80, blank=True)),
            finish=_local_day,
        ),
        _kind(
            FeedKind.BUREAU,
            BureauReport,
            Field("as_of", "as_of", f.day_of),
            Field("open_accounts", "open_accounts", f.count),
            Field("debts", "debts_amount", f.amount),
            Field("monthly_due", "monthly_due_amount", f.amount),
            Field("worst_dpd_24m", "worst_dpd_24m", f.count),
            Field("inquiries_6m", "inquiries_6m", f.count),
            Field("on_deny_list", "on_deny_list", f.flag),
        ),
        _kind(
            FeedKind.AUXILIARY,
            AuxiliaryReading,
            Field("item", "item", f.one_of(AuxiliaryReading.Item.values)),
            Field("months", "months", f.count),
            Field("state", "state", f.one_of(AuxiliaryReading.State.values)),
            Field("source", "source", f.text(60)),
            Field("as_of", "as_of", f.day_of),
        ),
        _kind(
            FeedKind.GREEN,
            GreenAct,
            Field("at", "at", f.instant),
            Field("act", "act", f.one_of(GreenAct.Act.values)),
            Field("quantity", "quantity", f.quantity),
            finish=_local_day,
        ),
    )
)
