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
from risk.variables.measures import FLOWS, LEVELS, Measure

YUAN, ONE, RATIO = 100, 1, 1_000_000
REACH_DAYS = 365


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


@dataclass(frozen=True)
class Window:
    """`days` days that end on the date, or `months` complete months before its month."""

    code: str
    zh: str
    en: str
    days: int = 0
    months: int = 0

    def places(self, frame: Frame) -> tuple[int, int]:
        return frame.last_days(self.days) if self.days else frame.last_months(self.months)


DAY_WINDOWS = tuple(Window(f"{n}d", f"近{n}天", f"last {n} days", days=n) for n in (7, 14, 30, 60, 90))
MONTH_WINDOWS = tuple(
    Window(f"{n}m", f"近{n}个完整月", f"last {n} complete month{'s' * (n > 1)}", months=n) for n in (1, 2, 3, 6, 12)
)
WINDOWS = (*DAY_WINDOWS, *MONTH_WINDOWS)
Block = tuple[Ints, Mask]


class Family(Protocol):
    def variables(self) -> Iterator[Variable]: ...

    def values(self, frame: Frame) -> Iterator[Block]:
        """Blocks of customer × variable with a mask of what is missing, in the order of `variables`."""


def _unit(measure: Measure) -> tuple[str, int]:
    return ("yuan", YUAN) if measure.is_amount else ("count", ONE)


def _variable(measure: Measure, family: str, code: str, unit: tuple[str, int], zh: str, en: str) -> Variable:
    return Variable(
        f"{measure.code}_{code}", family, measure.dimension, measure.source, *unit, zh, en, measure.consent
    )  # fmt: skip


def _flow_missing(frame: Frame) -> Mask:
    """Customer × flow: the flow's source delivered nothing within the reach."""
    start, end = frame.last_days(REACH_DAYS)
    places = [frame.flow(f"rows_{measure.source}") for measure in FLOWS]
    rows: Ints = frame.sums[:, end][:, places] - frame.sums[:, start][:, places]
    return np.asarray(rows == 0)


def divided(upper: Ints, lower: Ints, missing: Mask) -> Block:
    """upper ÷ lower in millionths, rounded down; missing where there is nothing to divide by."""
    empty = missing | (lower == 0)
    return upper * RATIO // np.where(empty, 1, lower), empty


def _columns(frame: Frame) -> slice:
    return slice(0, len(FLOWS))


class Totals:
    """Sum, active days, largest day and mean of an active day of every flow in every window."""

    STATISTICS = (("sum", "合计", "total"), ("active_days", "发生天数", "days on which it happened"),
                  ("max_day", "单日最大", "largest day"), ("mean_active", "发生日均值", "mean of the days on which it happened"))  # fmt: skip

    def variables(self) -> Iterator[Variable]:
        for window in WINDOWS:
            for code, zh, en in self.STATISTICS:
                for m in FLOWS:
                    unit = ("days", ONE) if code == "active_days" else _unit(m)
                    name = f"{code}_{window.code}"
                    yield _variable(m, "totals", name, unit, f"{window.zh}{m.zh}{zh}", f"{en} of {m.en}, {window.en}")

    def values(self, frame: Frame) -> Iterator[Block]:
        missing, columns = _flow_missing(frame), _columns(frame)
        for window in WINDOWS:
            start, end = window.places(frame)
            total = (frame.sums[:, end] - frame.sums[:, start])[:, columns]
            active = (frame.active_days[:, end] - frame.active_days[:, start])[:, columns]
            yield total, missing
            yield active, missing
            yield frame.flows[:, start:end, columns].max(axis=1), missing
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
                yield _variable(m, "comparisons", f"share_{upper}_{lower}", ("ratio", RATIO), zh, en)

    def values(self, frame: Frame) -> Iterator[Block]:
        missing, columns = _flow_missing(frame), _columns(frame)
        sums = {}
        for window in WINDOWS:
            start, end = window.places(frame)
            sums[window.code] = (frame.sums[:, end] - frame.sums[:, start])[:, columns]
        for upper, lower in self.PAIRS:
            yield divided(sums[upper], sums[lower], missing)


class Rhythm:
    """How lately, how steadily and how evenly something happens."""

    STATISTICS = (
        ("days_since_last", ("days", ONE), "距最近一次天数", "days since the last time of"),
        ("longest_run_90d", ("days", ONE), "近90天最长连续天数", "longest run of days in 90 with"),
        ("longest_run_365d", ("days", ONE), "近365天最长连续天数", "longest run of days in 365 with"),
        ("active_months_6m", ("months", ONE), "近6个完整月发生月数", "months of the last 6 with"),
        ("active_months_12m", ("months", ONE), "近12个完整月发生月数", "months of the last 12 with"),
        ("best_month_12m", None, "近12个完整月最高月值", "highest of the last 12 months of"),
        ("worst_month_12m", None, "近12个完整月最低月值", "lowest of the last 12 months of"),
        ("variation_12m", ("ratio", RATIO), "近12个完整月月均偏离度", "mean deviation of the last 12 months of"),
    )

    def variables(self) -> Iterator[Variable]:
        for code, unit, zh, en in self.STATISTICS:
            for m in FLOWS:
                yield _variable(m, "rhythm", code, unit or _unit(m), f"{m.zh}{zh}", f"{en} {m.en}")

    def values(self, frame: Frame) -> Iterator[Block]:
        missing, columns = _flow_missing(frame), _columns(frame)
        recent = frame.active[:, -REACH_DAYS:, columns]
        ever = recent.any(axis=1)
        yield np.argmax(recent[:, ::-1], axis=1).astype(np.int64), missing | ~ever
        yield _longest_run(recent[:, -90:]), missing
        yield _longest_run(recent), missing
        months = frame.month_sums[:, :, columns]
        yield (months[:, -6:] > 0).sum(axis=1, dtype=np.int64), missing
        yield (months > 0).sum(axis=1, dtype=np.int64), missing
        yield months.max(axis=1), missing
        yield months.min(axis=1), missing
        total = months.sum(axis=1)
        apart = np.abs(months * 12 - total[:, None]).sum(axis=1)
        yield divided(apart, total * 12, missing)


def _longest_run(active: Mask) -> Ints:
    """Most days in a row, for each customer and measure."""
    run = np.zeros((active.shape[0], active.shape[2]), dtype=np.int64)
    best = run.copy()
    for day in range(active.shape[1]):
        run = (run + 1) * active[:, day]
        np.maximum(best, run, out=best)
    return best


class Levels:
    """What is held or reported: the newest value, its age, and how it moved."""

    SPANS = (90, 180, REACH_DAYS)
    EARLIER_DAYS = 180

    def variables(self) -> Iterator[Variable]:
        for m in LEVELS:
            yield _variable(m, "levels", "last", _unit(m), f"最新{m.zh}", f"newest {m.en}")
        for m in LEVELS:
            yield _variable(
                m, "levels", "age_days", ("days", ONE), f"{m.zh}距今天数", f"age in days of the newest {m.en}"
            )
        for span in self.SPANS:
            for code, zh, en in (("mean", "均值", "mean"), ("min", "最小值", "smallest"), ("max", "最大值", "largest")):
                for m in LEVELS:
                    name, words = f"{code}_{span}d", f"近{span}天{m.zh}{zh}"
                    yield _variable(m, "levels", name, _unit(m), words, f"{en} {m.en}, last {span} days")
        for m in LEVELS:
            words = f"{m.zh}较{self.EARLIER_DAYS}天前变化"
            yield _variable(m, "levels", f"change_{self.EARLIER_DAYS}d", _unit(m), words,
                            f"change of {m.en} in {self.EARLIER_DAYS} days")  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        last, age, unknown = newest_level(frame, frame.days)
        yield last, unknown
        yield age, unknown
        for span in self.SPANS:
            yield from _level_statistics(frame, span)
        earlier, _, unknown_then = newest_level(frame, frame.days - self.EARLIER_DAYS)
        yield last - earlier, unknown | unknown_then


def newest_level(frame: Frame, end: int) -> tuple[Ints, Ints, Mask]:
    """Newest value on the days before place `end`, its age on the last of them, and whether there is none."""
    known = frame.level_known[:, :end]
    back = np.argmax(known[:, ::-1], axis=1)
    place = (end - 1 - back)[:, None]
    value = np.take_along_axis(frame.levels[:, :end], place, axis=1)[:, 0]
    return value, back.astype(np.int64), np.asarray(~known.any(axis=1))


def _level_statistics(frame: Frame, span: int) -> Iterator[Block]:
    known, values = frame.level_known[:, -span:], frame.levels[:, -span:]
    count = known.sum(axis=1, dtype=np.int64)
    missing = count == 0
    total = np.where(known, values, 0).sum(axis=1)
    yield total // np.where(missing, 1, count), missing
    big = np.iinfo(np.int64).max
    yield np.where(missing, 0, np.where(known, values, big).min(axis=1)), missing
    yield np.where(missing, 0, np.where(known, values, -big).max(axis=1)), missing


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
        ("ticket_size", "payment_amount", "payment_count", "笔均消费（分）", "fen per payment"),
        ("minutes_per_open", "minutes", "opens", "单次打开使用时长", "minutes per open"),
        ("devices_per_login", "device_change_count", "login_count", "登录更换设备率", "changes of device ÷ logins"),
    )  # fmt: skip
    SPANS = ("30d", "90d", "3m", "6m", "12m")

    def variables(self) -> Iterator[Variable]:
        measures = {m.code: m for m in FLOWS}
        named = {window.code: window for window in WINDOWS}
        for code, upper, _lower, zh, en in self.PAIRS:
            m = measures[upper]
            for span in self.SPANS:
                yield Variable(f"{code}_{span}", "ratios", m.dimension, m.source, "ratio", RATIO,
                               f"{named[span].zh}{zh}", f"{en}, {named[span].en}", m.consent)  # fmt: skip

    def values(self, frame: Frame) -> Iterator[Block]:
        named = {window.code: window for window in WINDOWS}
        missing = _flow_missing(frame)
        for _code, upper, lower, _zh, _en in self.PAIRS:
            above, below = frame.flow(upper), frame.flow(lower)
            for span in self.SPANS:
                start, end = named[span].places(frame)
                sums = frame.sums[:, end] - frame.sums[:, start]
                block, empty = divided(sums[:, above], sums[:, below], missing[:, above])
                yield block[:, None], empty[:, None]


class Burdens:
    """What is owed beside what may be owed, and what is held beside what is owed."""

    PAIRS = (
        ("card_utilisation", "card_debt", "card_limit", "信用卡额度使用率", "card debt ÷ card limit"),
        ("debts_of_assets", "bureau_debts", "wealth_products", "征信负债与理财之比", "bureau debts ÷ wealth products"),
        ("due_of_deposits", "bureau_monthly_due", "deposits", "月应还与存款之比", "monthly due ÷ deposits"),
        ("fund_of_wealth", "current_fund", "wealth_products", "零钱通与理财之比", "current-money fund ÷ wealth products"),
        ("ecny_of_deposits", "ecny_balance", "deposits", "数字人民币钱包与存款之比", "digital-RMB wallet ÷ deposits"),
        ("debt_per_account", "bureau_debts", "bureau_open_accounts", "户均负债（分）", "fen of debt per open account"),
    )  # fmt: skip

    def variables(self) -> Iterator[Variable]:
        measures = {m.code: m for m in LEVELS}
        for code, upper, _lower, zh, en in self.PAIRS:
            m = measures[upper]
            yield Variable(code, "burdens", m.dimension, m.source, "ratio", RATIO, zh, en, m.consent)

    def values(self, frame: Frame) -> Iterator[Block]:
        last, _age, unknown = newest_level(frame, frame.days)
        for _code, upper, lower, _zh, _en in self.PAIRS:
            above, below = frame.level(upper), frame.level(lower)
            block, empty = divided(last[:, above], last[:, below], unknown[:, above] | unknown[:, below])
            yield block[:, None], empty[:, None]


FAMILIES: tuple[Family, ...] = (Totals(), Comparisons(), Rhythm(), Levels(), Ratios(), Burdens())
