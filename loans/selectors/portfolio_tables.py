"""The figures of the portfolio as tables: one for people, one in long form for files. Used by page and command."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from accounts.models import Occupation
from loans.maths.delinquency import CLASSES
from loans.maths.roll import NEW, SETTLED, TARGETS, WRITTEN_OFF, Roll
from loans.maths.vintage import Curve, History, past_due_history
from loans.models import LoanState, VintageFlow
from loans.selectors import portfolio as figures
from loans.selectors.portfolio_tape import loan_spans
from risk.models import Product, TierCode

TEXT, DATE, COUNT, MONEY, SHARE, RATE = "text", "date", "count", "money", "share", "rate"
VIEWS = ("npl", "classes", "vintage", "roll", "pricing")
MONTHS_MAX = 36
CLASS_WORDS: dict[str, Any] = dict(
    zip(CLASSES, (_("Normal"), _("Special mention"), _("Substandard"), _("Doubtful"), _("Loss")), strict=True)
)
BUCKET_WORDS: dict[str, Any] = {
    "0": _("Not overdue"),
    WRITTEN_OFF: _("Written off"),
    SETTLED: _("Settled"),
    NEW: _("New loans"),
}
SEGMENT_WORDS = {"product": _("Product"), "occupation": _("Occupation"), "tier": _("Tier"), "month": _("Month")}


@dataclass(frozen=True)
class Column:
    """`code` is the name in files, `title` what people read; `kind` says how a value is written."""

    code: str
    title: Any
    kind: str = TEXT


@dataclass(frozen=True)
class Table:
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]

    @property
    def shown(self) -> list[list[str]]:
        """Cells as people read them."""
        return [
            [shown(column.kind, value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows
        ]


@dataclass(frozen=True)
class Asked:
    """What a view is asked: the evening, the product (empty: all), and what else the view takes."""

    day: date
    product: str = ""
    days: int = 90
    months: int = 12
    kind: str = figures.NPL_KIND
    ever: bool = True
    by: str = "product"
    by_count: bool = False


@dataclass(frozen=True)
class Report:
    """A view's answer: the table of the page, the long table of files, and what the chart draws."""

    table: Table
    long: Table
    source: list[Any] = field(default_factory=list)


def shown(kind: str, value: Any) -> str:
    if value is None:
        return "–"
    match kind:
        case "money":
            return f"{value:,.2f}"
        case "share":
            return f"{value * 100:.2f} %"
        case "rate":
            return f"{value * 100:.4f} %"
        case "count":
            return f"{value:,}"
        case _:
            return str(value)


def product_names() -> dict[str, str]:
    return {product.pk: str(product) for product in Product.objects.all()}


def bucket_word(code: str) -> str:
    return str(BUCKET_WORDS.get(code, code))


def npl_report(asked: Asked) -> Report:
    """Day by day; the whole book last on each day."""
    since = asked.day - timedelta(days=asked.days - 1)
    lines = figures.npl_trend(since, asked.day, asked.product)
    names = product_names()
    columns = (
        Column("business_date", _("Business date"), DATE),
        Column("product", _("Product")),
        Column("outstanding_principal_amount", _("Outstanding principal"), MONEY),
        Column("overdue_amount", _("Overdue principal"), MONEY),
        Column("npl_amount", _("Non-performing principal"), MONEY),
        Column("npl_ratio", _("NPL ratio"), SHARE),
    )
    rows = [
        (line.day, names.get(line.product, line.product or translate("All products")), line.total, line.overdue,
         line.bad, line.ratio)
        for line in lines
    ]  # fmt: skip
    long = Table(columns, [(row[0], line.product or "all", *row[2:]) for row, line in zip(rows, lines, strict=True)])
    # The newest day stands first for people.
    return Report(Table(columns, sorted(rows, key=lambda row: row[0], reverse=True)), long, lines)


def classes_report(asked: Asked) -> Report:
    """The five classes, then the buckets, of one evening."""
    classes = figures.class_lines(asked.day, asked.product)
    buckets = figures.bucket_lines(asked.day, asked.product)
    columns = (
        Column("band", _("Class or bucket")),
        Column("loans_count", _("Loans"), COUNT),
        Column("outstanding_principal_amount", _("Outstanding principal"), MONEY),
        Column("share", _("share"), SHARE),
    )
    count, amount = figures.written_off(asked.day, asked.product)
    lines = [(str(CLASS_WORDS[line.code]), line) for line in classes]
    lines += [(bucket_word(line.code), line) for line in buckets]
    rows: list[tuple[Any, ...]] = [(word, line.count, line.amount, line.share) for word, line in lines]
    gone: list[tuple[Any, ...]] = [(count, amount, None)]
    long = [(line.code, line.count, line.amount, line.share) for line in (*classes, *buckets)]
    return Report(
        Table(columns, [*rows, (bucket_word(WRITTEN_OFF), *gone[0])]),
        Table(columns, [*long, (WRITTEN_OFF, *gone[0])]),
        [classes, buckets],
    )


def vintage_report(asked: Asked) -> Report:
    """Months of payout downwards, months on book to the right."""
    curves = figures.vintage_curves(
        asked.day, kind=asked.kind, ever=asked.ever, product=asked.product, months=asked.months
    )
    width = max((len(curve.points) for curve in curves), default=0)
    columns = (
        Column("vintage", _("Month of payout")),
        Column("paid_out_amount", _("Paid out"), MONEY),
        *(Column(f"month_{number}", str(number), SHARE) for number in range(width)),
    )
    rows = [_vintage_row(curve, width) for curve in curves]
    long = [
        (f"{curve.vintage:%Y-%m}", curve.paid_out, number, day, amount, share)
        for curve in curves
        for number, day, amount, share in curve.points
    ]
    files = (
        Column("vintage", _("Month of payout")),
        Column("paid_out_amount", _("Paid out"), MONEY),
        Column("months_on_book", _("Months on book"), COUNT),
        Column("observed_on", _("Observed on"), DATE),
        Column("amount", _("Principal past the threshold"), MONEY),
        Column("share", _("share"), SHARE),
    )
    return Report(Table(columns, rows), Table(files, long), curves)


def _vintage_row(curve: Curve, width: int) -> tuple[Any, ...]:
    shares: list[Decimal | None] = [share for *_rest, share in curve.points]
    return (f"{curve.vintage:%Y-%m}", curve.paid_out, *shares, *[None] * (width - len(shares)))


def roll_report(asked: Asked) -> Report:
    """The matrix of the newest `months` complete months together."""
    ends = figures.roll_months(asked.day, asked.months)
    return roll_tables(figures.rolls(ends, asked.product), TARGETS, asked.by_count)


def roll_tables(rolls: Sequence[Roll], targets: Iterable[str], by_count: bool, *, named: bool = True) -> Report:
    """`named` writes buckets by their words; the codes of a file stay as they are."""
    word = bucket_word if named else str
    reached = {target for roll in rolls for target in roll.shares}
    kept = [target for target in targets if target in reached]
    columns = (
        Column("source", _("From")),
        Column("loans_count", _("Loans"), COUNT),
        Column("amount", _("Principal before"), MONEY),
        *(Column(f"to_{target}", word(target), SHARE) for target in kept),
    )
    rows = [(word(roll.source), roll.count, roll.amount, *_shares(roll, kept, by_count)) for roll in rolls]
    files = (
        Column("source", _("From")),
        Column("target", _("To")),
        Column("loans_count", _("Loans"), COUNT),
        Column("amount", _("Principal before"), MONEY),
        Column("count_share", _("Share by number"), SHARE),
        Column("amount_share", _("Share by principal"), SHARE),
    )
    long = [
        (roll.source, target, found.count, found.amount, found.count_share, found.amount_share)
        for roll in rolls
        for target in kept
        if (found := roll.shares.get(target)) is not None
    ]
    return Report(Table(columns, rows), Table(files, long), [list(rolls), kept])


def _shares(roll: Roll, targets: Sequence[str], by_count: bool) -> list[Decimal | None]:
    found = [roll.shares.get(target) for target in targets]
    return [None if share is None else share.count_share if by_count else share.amount_share for share in found]


def pricing_report(asked: Asked) -> Report:
    """Approvals and prices of the last `months` months up to the evening, by segment."""
    since = asked.day.replace(day=1)
    for _number in range(asked.months - 1):
        since = (since - timedelta(days=1)).replace(day=1)
    lines = figures.segment_lines(since, asked.day, asked.by, asked.product)
    columns = (
        Column("segment", SEGMENT_WORDS[asked.by]),
        Column("decided_count", _("Decided"), COUNT),
        Column("approved_count", _("Approved"), COUNT),
        Column("approval_share", _("Approval share"), SHARE),
        Column("limit_mean", _("Mean limit"), MONEY),
        Column("approved_rate_mean", _("Mean daily rate approved"), RATE),
        Column("loans_count", _("Loans"), COUNT),
        Column("principal_amount", _("Paid out"), MONEY),
        Column("loan_rate_mean", _("Daily rate by principal"), RATE),
    )
    long = [
        (line.segment, line.decided, line.approved, line.approval_share, line.limit_mean, line.approved_rate_mean,
         line.loans, line.principal, line.loan_rate_mean)
        for line in lines
    ]  # fmt: skip
    return Report(Table(columns, [(segment_word(row[0]), *row[1:]) for row in long]), Table(columns, long), lines)


def segment_word(code: str) -> str:
    words: dict[str, Any] = {**dict(Occupation.choices), **dict(TierCode.choices), **product_names()}
    return str(words.get(code, code)) if code else translate("Not known")


def history_report(loan_id: Any, day: date) -> Report:
    """Days past due of a loan as the tape told them evening by evening."""
    lines = past_due_history(loan_spans(loan_id, day), day)
    columns = (
        Column("first", _("From"), DATE),
        Column("last", _("Until"), DATE),
        Column("state", _("state")),
        Column("days_first", _("Days past due at first"), COUNT),
        Column("days_last", _("Days past due at last"), COUNT),
        Column("outstanding_principal_amount", _("Outstanding principal"), MONEY),
    )
    rows = [_history_row(line, str(LoanState(line.state).label)) for line in lines]
    return Report(Table(columns, rows), Table(columns, [_history_row(line, line.state) for line in lines]), lines)


def _history_row(line: History, state: str) -> tuple[Any, ...]:
    return (line.first, line.last, state, line.days_first, line.days_last, line.outstanding)


REPORTS: dict[str, Callable[[Asked], Report]] = {
    "npl": npl_report,
    "classes": classes_report,
    "vintage": vintage_report,
    "roll": roll_report,
    "pricing": pricing_report,
}
KINDS = [(kind.value, kind.label) for kind in VintageFlow.Kind if kind.value.startswith("past") or kind == WRITTEN_OFF]
