# ruff: noqa: E501 - Chinese characters count double
"""Families of variables: measure × window × statistic. Each declares its variables and computes them in that order.

Values are exact integers; `scale` says how many of them make one unit (100 fen a yuan, 1 000 000 parts of a ratio).
A value is missing, never 0, where the source said nothing of the customer within the reach of a year, or where a
ratio has nothing to divide by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from risk.variables.frame import Frame, Ints, Mask
from risk.variables.measures import AGES, EVENTS, FLOW_COUNT, FLOWS, LEVELS, Measure

YUAN, ONE, RATIO = 100, 1, 1_000_000
RATIO_MAX = 9 * 10**12
# A rest below this, times a thousand, stays within 64 bits.
THREE_DIGITS_BELOW = 9 * 10**15
YEAR_DAYS = 365
# Which of the events a flow tells; -1: none.
EVENT_OF_FLOW = np.full(FLOW_COUNT, -1, dtype=np.int64)
EVENT_OF_FLOW[[number for number, _ in EVENTS]] = range(len(EVENTS))


@dataclass(frozen=True)
class Variable:
    """One named value. `zh` and `en` describe it; `consent` is what the customer must have agreed to."""

    name: str
    family: str
    dimension: str
    source: str
    unit: str
    scale: int
    zh: str
    en: str
    consent: str = ""
    # What is done with the measure, and over which days: codes that `words` knows.
    statistic: str = ""
    window: str = ""


@dataclass(frozen=True)
class Window:
    """`days` days that end on the date, `months` complete months before its month, or the month up to the date."""

    code: str
    zh: str
    en: str
    days: int = 0
    months: int = 0

    def places(self, frame: Frame) -> tuple[int, int]:
        if self.days:
            return frame.last_days(self.days)
        return frame.last_months(self.months) if self.months else frame.this_month()


DAY_WINDOWS = tuple(Window(f"{n}d", f"近{n}天", f"last {n} days", days=n) for n in (7, 14, 30, 60, 90))
MONTH_WINDOWS = tuple(
    Window(f"{n}m", f"近{n}个完整月", f"last {n} complete month{'s' * (n > 1)}", months=n) for n in (1, 2, 3, 6, 12)
)
THIS_MONTH = Window("mtd", "本月至今", "this month so far")
WINDOWS = (*DAY_WINDOWS, *MONTH_WINDOWS, THIS_MONTH)
Block = tuple[Ints, Mask]


class Family(Protocol):
    def variables(self) -> Iterator[Variable]: ...

    def values(self, frame: Frame) -> Iterator[Block]:
        """Blocks of customer × variable with a mask of what is missing, in the order of `variables`."""


def _unit(measure: Measure) -> tuple[str, int]:
    return ("yuan", YUAN) if measure.is_amount else ("count", ONE)


def _variable(
    measure: Measure, family: str, code: str, unit: tuple[str, int], zh: str, en: str, of: tuple[str, str]
) -> Variable:
    """`of` is the statistic and the window."""
    return Variable(
        f"{measure.code}_{code}", family, measure.dimension, measure.source, *unit, zh, en, measure.consent, *of
    )  # fmt: skip


def _flow_missing(frame: Frame) -> Mask:
    """Customer × flow: the flow's source delivered nothing within the reach, the longest window there is."""
    start, end = frame.reach()
    places = [frame.flow(f"rows_{measure.source}") for measure in FLOWS]
    return np.asarray(frame.sums_between(start, end)[:, places] == 0)


def divided(upper: Ints, lower: Ints, missing: Mask) -> Block:
    """upper ÷ lower in millionths, rounded down; missing where there is nothing to divide by.

    By long division: the product with a million would not fit. Three digits at a time where that many of the largest
    divisor fit, else one. What exceeds `RATIO_MAX` counts as it.
    """
    empty = missing | (lower == 0)
    divisor = np.where(empty, 1, lower)
    digits = 3 if divisor.max(initial=1) < THREE_DIGITS_BELOW else 1
    whole, rest = np.divmod(upper, divisor)
    result = np.clip(whole, -RATIO_MAX, RATIO_MAX)
    for _ in range(6 // digits):
        more, rest = np.divmod(rest * 10**digits, divisor)
        result = result * 10**digits + more
    return result, empty


def _columns(frame: Frame) -> slice:
    return slice(0, len(FLOWS))


class Totals:
    """Sum, largest day and mean of an active day of every flow in every window."""

    STATISTICS = (("sum", "合计", "total"), ("max_day", "单日最大值", "largest day"),
                  ("mean_active", "发生日均值", "mean of the days on which it happened"))  # fmt: skip

    def variables(self) -> Iterator[Variable]:
        for window in WINDOWS:
            for code, zh, en in self.STATISTICS:
                for m in FLOWS:
                    name = f"{code}_{window.code}"
                    words = (f"{window.zh}{m.zh}{zh}", f"{en} of {m.en}, {window.en}")
                    yield _variable(m, "totals", name, _unit(m), *words, (code, window.code))

    def values(self, frame: Frame) -> Iterator[Block]:
        missing, columns = _flow_missing(frame), _columns(frame)
        for window in WINDOWS:
            start, end = window.places(frame)
            total = frame.sums_between(start, end)[:, columns]
            active = frame.active_between(start, end)[:, columns]
            yield total, missing
            yield frame.largest_between(start, end)[:, columns], missing
            never = missing | (active == 0)
            yield total // np.where(never, 1, active), never


class Comparisons:
    """One window beside another: what is recent against what was usual, in millionths."""

    PAIRS = (("7d", "30d"), ("30d", "90d"), ("1m", "3m"), ("3m", "6m"), ("3m", "12m"), ("6m", "12m"))

    def variables(self) -> Iterator[Variable]:
        named = {window.code: window for window in WINDOWS}
        for upper, lower in self.PAIRS:
            for m in FLOWS:
                zh = f"{named[upper].zh}{m.zh}占{named[lower].zh}比例"
                en = f"{m.en}: {named[upper].en} ÷ {named[lower].en}"
                of = ("share", f"{upper}/{lower}")
                yield _variable(m, "comparisons", f"share_{upper}_{lower}", ("ratio", RATIO), zh, en, of)

    def values(self, frame: Frame) -> Iterator[Block]:
        missing, columns = _flow_missing(frame), _columns(frame)
        sums = {}
        for window in WINDOWS:
            sums[window.code] = frame.sums_between(*window.places(frame))[:, columns]
        above, below = (np.concatenate([sums[pair[side]] for pair in self.PAIRS], axis=1) for side in (0, 1))
        yield divided(above, below, np.tile(missing, len(self.PAIRS)))


class Days:
    """On how many days something happens, how lately, and how steadily."""

    STATISTICS = (
        ("days_since_last", "365d", "days", "距最近一次{}的天数", "days since the last {}"),
        ("longest_run_90d", "90d", "days", "近90天连续有{}的最长天数", "longest run of days with {}, last 90 days"),
        ("longest_run_365d", "365d", "days", "近365天连续有{}的最长天数", "longest run of days with {}, last 365 days"),
        ("active_months_6m", "6m", "months", "近6个完整月有{}的月数", "months with {}, last 6 complete months"),
        ("active_months_12m", "12m", "months", "近12个完整月有{}的月数", "months with {}, last 12 complete months"),
    )

    def variables(self) -> Iterator[Variable]:
        for window in WINDOWS:
            name, zh, en = f"active_days_{window.code}", f"{window.zh}有{{}}的天数", f"days with {{}}, {window.en}"
            yield from self._of_events(name, window.code, "days", zh, en)
        for code, span, unit, zh, en in self.STATISTICS:
            yield from self._of_events(code, span, unit, zh, en)

    def _of_events(self, code: str, span: str, unit: str, zh: str, en: str) -> Iterator[Variable]:
        statistic = code.removesuffix(f"_{span}")
        for number, event in EVENTS:
            m = FLOWS[number]
            yield Variable(f"{event.code}_{code}", "days", m.dimension, m.source, unit, ONE, zh.format(event.zh),
                           en.format(event.en), m.consent, statistic, span)  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        columns = [number for number, _ in EVENTS]
        missing = _flow_missing(frame)[:, columns]
        for window in WINDOWS:
            yield frame.active_between(*window.places(frame))[:, columns], missing
        days = ActiveDays(frame, YEAR_DAYS)
        last = days.last()
        yield np.where(last < 0, 0, YEAR_DAYS - 1 - last), missing | (last < 0)
        yield days.longest_run(90), missing
        yield days.longest_run(YEAR_DAYS), missing
        months = frame.month_sums[:, :, columns]
        yield (months[:, -6:] > 0).sum(axis=1, dtype=np.int64), missing
        yield (months > 0).sum(axis=1, dtype=np.int64), missing


class Months:
    """How high, how even and whither the last complete months go."""

    STATISTICS = (
        ("best_month_12m", "近12个完整月{}最高月值", "highest month of {}, last 12 complete months"),
        ("worst_month_12m", "近12个完整月{}最低月值", "lowest month of {}, last 12 complete months"),
        ("variation_12m", "近12个完整月{}偏离月均的程度", "mean deviation of months of {}, last 12 complete months"),
        ("trend_6m", "近6个完整月{}逐月变化趋势", "change a month of {}, last 6 complete months"),
        ("trend_12m", "近12个完整月{}逐月变化趋势", "change a month of {}, last 12 complete months"),
    )

    def variables(self) -> Iterator[Variable]:
        for code, zh, en in self.STATISTICS:
            for m in FLOWS:
                unit = _unit(m) if code.endswith("month_12m") else ("ratio", RATIO)
                yield _variable(m, "months", code, unit, zh.format(m.zh), en.format(m.en), _parted(code))

    def values(self, frame: Frame) -> Iterator[Block]:
        missing = _flow_missing(frame)
        months = frame.month_sums[:, :, _columns(frame)]
        yield months.max(axis=1), missing
        yield months.min(axis=1), missing
        total = months.sum(axis=1)
        apart = np.abs(months * 12 - total[:, None]).sum(axis=1)
        yield divided(apart, total * 12, missing)
        yield trend(months[:, -6:], (6, 35), missing)
        yield trend(months, (6, 143), missing)


def _parted(code: str) -> tuple[str, str]:
    """`best_month_12m` is the statistic `best_month` over the window `12m`."""
    statistic, _, window = code.rpartition("_")
    return statistic, window


def trend(months: Ints, factor: tuple[int, int], missing: Mask) -> Block:
    """Slope of the straight line of least squares through the months, as a share of their mean.

    With weights w = 2i - (n - 1) that is 2n Σwx ÷ (Σw² Σx); `factor` is 2n ÷ Σw² in lowest terms.
    """
    weights = np.arange(1 - months.shape[1], months.shape[1], 2)
    slope = (months * weights[:, None]).sum(axis=1)
    return divided(slope * factor[0], months.sum(axis=1) * factor[1], missing)


class ActiveDays:
    """Which of the `count` days that end on the date see each event, as places in order: customer, event, day."""

    def __init__(self, frame: Frame, count: int) -> None:
        # One day more than there are, on which nothing happens: so no run goes on with the next event's first day.
        self.count, self.width = count, count + 1
        self.shape = (frame.size, len(EVENTS))
        flows, first = frame.flows, frame.days - count
        event = EVENT_OF_FLOW.take(flows.measures)
        seen = flows.where((event >= 0) & (flows.values > 0) & (flows.days >= first))
        happens = np.zeros(frame.size * len(EVENTS) * self.width, dtype=np.bool_)
        row = seen.rows * len(EVENTS) + EVENT_OF_FLOW.take(seen.measures)
        happens[row * self.width + seen.days - first] = True
        self.places = np.flatnonzero(happens)

    def last(self) -> Ints:
        """Customer × event: the last such day, -1 for none."""
        last = np.full(self.shape, -1, dtype=np.int64)
        row, day = np.divmod(self.places, self.width)
        np.maximum.at(last.reshape(-1), row, day)
        return last

    def longest_run(self, count: int) -> Ints:
        """Customer × event: most days in a row among the last `count`."""
        places = self.places[self.places % self.width >= self.count - count]
        begins = np.flatnonzero(np.diff(places, prepend=-2) != 1)
        longest = np.zeros(self.shape, dtype=np.int64)
        np.maximum.at(longest.reshape(-1), places[begins] // self.width, np.diff(begins, append=len(places)))
        return longest


class Levels:
    """What is held or reported: the newest value, its age, and how it moved."""

    SPANS = (90, 180, YEAR_DAYS)
    EARLIER_DAYS = 180

    def variables(self) -> Iterator[Variable]:
        for m in LEVELS:
            yield _variable(m, "levels", "last", _unit(m), f"最新{m.zh}", f"newest {m.en}", ("last", "newest"))
        measures = {m.code: m for m in LEVELS}
        for code, (name, zh, en) in AGES.items():
            m = measures[code]
            yield Variable(f"{name}_age_days", "levels", m.dimension, m.source, "days", ONE, f"最新{zh}距今天数",
                           f"age in days of the newest {en}", m.consent, "age_days", "newest")  # fmt: skip
        for span in self.SPANS:
            for code, zh, en in (("mean", "均值", "mean"), ("min", "最小值", "smallest"), ("max", "最大值", "largest")):
                for m in LEVELS:
                    name, words = f"{code}_{span}d", f"近{span}天{m.zh}{zh}"
                    of = (code, f"{span}d")
                    yield _variable(m, "levels", name, _unit(m), words, f"{en} {m.en}, last {span} days", of)
        for m in LEVELS:
            words = f"{m.zh}较{self.EARLIER_DAYS}天前变化"
            yield _variable(m, "levels", f"change_{self.EARLIER_DAYS}d", _unit(m), words,
                            f"change of {m.en} in {self.EARLIER_DAYS} days",
                            ("change", f"{self.EARLIER_DAYS}d"))  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        last, age, unknown = frame.newest_level()
        yield last, unknown
        reports = [frame.level(code) for code in AGES]
        yield age[:, reports], unknown[:, reports]
        for span in self.SPANS:
            yield from _level_statistics(frame, span)
        earlier, _, unknown_then = frame.newest_level(self.EARLIER_DAYS)
        yield last - earlier, unknown | unknown_then


def _level_statistics(frame: Frame, span: int) -> Iterator[Block]:
    levels, inside = frame.levels, frame.stretches(span)
    count = levels.counts[:, inside].sum(axis=1)
    missing = count == 0
    yield levels.sums[:, inside].sum(axis=1) // np.where(missing, 1, count), missing
    yield np.where(missing, 0, levels.smallest[:, inside].min(axis=1)), missing
    yield levels.largest[:, inside].max(axis=1), missing


# Quotients that are no bare ratio: fen in millionths are yuan at a hundred times the scale.
PLAIN = ("ratio", RATIO)
QUOTIENTS = {
    "ticket_size": ("yuan", YUAN * RATIO),
    "debt_per_account": ("yuan", YUAN * RATIO),
    "minutes_per_open": ("minutes", RATIO),
}


class Ratios:
    """One kind of flow beside another in the same window."""

    PAIRS = (
        ("spending_of_salary", "payment_amount", "salary_amount", "消费支付与工资收入之比", "payments ÷ salaries"),
        ("card_of_salary", "card_repayment_amount", "salary_amount", "信用卡还款与工资收入之比", "card repayments ÷ salaries"),
        ("out_of_in", "transfer_out_amount", "transfer_in_amount", "转账支出与收入之比", "transfers out ÷ transfers in"),
        ("red_sent_of_received", "red_packet_sent_amount", "red_packet_received_amount", "红包发收之比",
         "red packets sent ÷ received"),
        ("night_of_payment", "night_amount", "payment_amount", "夜间支出与消费支付之比", "spending by night ÷ payments"),
        ("weekend_of_payment", "weekend_amount", "payment_amount", "周末支出与消费支付之比",
         "spending at week-ends ÷ payments"),
        ("big_of_payment", "big_amount", "payment_amount", "千元以上支出与消费支付之比", "large spending ÷ payments"),
        ("rent_of_payment", "category_rent_amount", "payment_amount", "房租占消费支付比", "rent ÷ payments"),
        ("fun_of_payment", "category_fun_amount", "payment_amount", "娱乐占消费支付比", "entertainment ÷ payments"),
        ("food_of_payment", "category_food_amount", "payment_amount", "餐饮占消费支付比", "food ÷ payments"),
        ("ecny_of_payment", "channel_ecny_amount", "payment_amount", "数字人民币支付占比", "digital RMB ÷ payments"),
        ("card_channel_of_payment", "channel_card_amount", "payment_amount", "银行卡支付占比", "bank card ÷ payments"),
        ("ticket_size", "payment_amount", "payment_count", "笔均消费金额", "amount per payment"),
        ("minutes_per_open", "minutes", "opens", "平均每次打开的使用分钟数", "minutes per open"),
        ("devices_per_login", "device_change_count", "login_count", "登录更换设备率", "changes of device ÷ logins"),
    )  # fmt: skip
    SPANS = ("30d", "90d", "3m", "6m", "12m")

    def variables(self) -> Iterator[Variable]:
        measures = {m.code: m for m in FLOWS}
        named = {window.code: window for window in WINDOWS}
        for code, upper, _lower, zh, en in self.PAIRS:
            m = measures[upper]
            for span in self.SPANS:
                yield Variable(f"{code}_{span}", "ratios", m.dimension, m.source, *QUOTIENTS.get(code, PLAIN),
                               f"{named[span].zh}{zh}", f"{en}, {named[span].en}", m.consent, "quotient", span)  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        named = {window.code: window for window in WINDOWS}
        above, below = ([frame.flow(pair[side]) for pair in self.PAIRS] for side in (1, 2))
        sums = np.stack([frame.sums_between(*named[span].places(frame)) for span in self.SPANS], axis=2)
        # Customer × pair × span, in the order of `variables`.
        missing = np.repeat(_flow_missing(frame)[:, above], len(self.SPANS), axis=1)
        flat = (frame.size, len(self.PAIRS) * len(self.SPANS))
        yield divided(sums[:, above].reshape(flat), sums[:, below].reshape(flat), missing)


class Burdens:
    """What is owed beside what may be owed, and what is held beside what is owed."""

    PAIRS = (
        ("card_utilisation", "card_debt", "card_limit", "信用卡额度使用率", "card debt ÷ card limit"),
        ("debts_of_assets", "bureau_debts", "wealth_products", "征信负债与理财之比", "bureau debts ÷ wealth products"),
        ("due_of_deposits", "bureau_monthly_due", "deposits", "月应还与存款之比", "monthly due ÷ deposits"),
        ("fund_of_wealth", "current_fund", "wealth_products", "零钱通与理财之比", "current-money fund ÷ wealth products"),
        ("ecny_of_deposits", "ecny_balance", "deposits", "数字人民币钱包与存款之比", "digital-RMB wallet ÷ deposits"),
        ("debt_per_account", "bureau_debts", "bureau_open_accounts", "征信户均负债", "debt per open account"),
    )  # fmt: skip

    def variables(self) -> Iterator[Variable]:
        measures = {m.code: m for m in LEVELS}
        for code, upper, _lower, zh, en in self.PAIRS:
            m = measures[upper]
            yield Variable(code, "burdens", m.dimension, m.source, *QUOTIENTS.get(code, PLAIN), zh, en, m.consent,
                           "quotient", "newest")  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        last, _age, unknown = frame.newest_level()
        above, below = ([frame.level(pair[side]) for pair in self.PAIRS] for side in (1, 2))
        yield divided(last[:, above], last[:, below], unknown[:, above] | unknown[:, below])


FAMILIES: tuple[Family, ...] = (Totals(), Comparisons(), Days(), Months(), Levels(), Ratios(), Burdens())
