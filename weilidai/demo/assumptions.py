"""Everything the demo population assumes, in one place. Amounts are yuan, shares are fractions."""

from dataclasses import dataclass
from decimal import Decimal

CUSTOMERS = 120
SEED = 20250101
HISTORY_MONTHS = 13
LIVED_DAYS = 48

CITIES = ("上海市", "深圳市", "杭州市", "成都市", "武汉市", "西安市", "长沙市", "南京市", "青岛市", "厦门市")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "磊",
    "洋",
    "艳",
    "勇",
    "杰",
    "涛",
    "明",
    "超",
    "霞",
    "平",
    "桂英",
    "子涵",
    "宇轩",
)
DEVICES = ("Mate 60", "iPhone 15", "Mi 14", "OPPO Find", "Vivo X100")
CATEGORIES = ("food", "transport", "shopping", "medical", "rent", "education", "fun", "travel")


@dataclass(frozen=True)
class Kind:
    """One kind of person: how many there are, what they earn and own, how they use the app."""

    occupation: str
    weight: int
    monthly_income: int
    wealth: int
    opens_mean: int
    score_low: int
    score_high: int


KINDS = (
    Kind("salaried", 38, 12000, 42000, 11, 590, 760),
    Kind("blue_collar", 26, 7000, 9000, 8, 570, 700),
    Kind("micro_merchant", 16, 15000, 26000, 14, 600, 740),
    Kind("self_employed", 8, 11000, 30000, 9, 580, 730),
    Kind("student", 8, 2200, 2500, 16, 585, 690),
    Kind("other", 4, 6000, 8000, 6, 560, 690),
)


@dataclass(frozen=True)
class Edge:
    """Someone who stands exactly on one side of one rule and is beyond doubt otherwise; signs in as `edge-<name>`."""

    name: str
    why: str
    occupation: str = "salaried"
    score: int = 680
    opens: int = 8
    quiet_month: bool = False
    assets: Decimal = Decimal("20000.00")
    housing_fund_months: int = 0
    device_hops: bool = False
    generous: bool = False
    deny_listed: bool = False
    contradicted: bool = False


EDGES = (
    Edge("score-599", "one point under the minimum", score=599),
    Edge("score-600", "exactly the minimum", score=600),
    Edge("three-a-day", "exactly three opens on every day", opens=3),
    Edge("quiet-month", "three opens on every day but one of the last complete month", opens=3, quiet_month=True),
    Edge("student", "the limit of students, whatever the score", occupation="student", score=760),
    Edge("assets-500000", "exactly the assets of a VIP", assets=Decimal("500000.00")),
    Edge("assets-499999", "one fen under the assets of a VIP", assets=Decimal("499999.99")),
    Edge("housing-12", "twelve months of housing fund: the bonus", housing_fund_months=12),
    Edge("housing-11", "eleven months of housing fund: no bonus", housing_fund_months=11),
    Edge("device-hopper", "another device at every login", device_hops=True),
    Edge("generous", "sends far more red packets than come back", generous=True),
    Edge("deny-listed", "on the deny list of the bureau", deny_listed=True),
    Edge("contradicted", "an auxiliary item contradicts the application", contradicted=True),
)

WEALTHY_SHARE = Decimal("0.04")
WEALTHY_FACTOR = 16
DENY_LISTED_SHARE = Decimal("0.02")
CONTRADICTED_SHARE = Decimal("0.06")
HOUSING_FUND_SHARE = Decimal("0.45")

# Of those invited: who applies, and of those who hold a line: who draws and how they repay.
INVITED_SHARE = Decimal("0.75")
APPLIES_SHARE = Decimal("0.80")
DRAWS_SHARE = Decimal("0.75")
REPAYS_ON_TIME_SHARE = Decimal("0.55")
REPAYS_LATE_SHARE = Decimal("0.20")
FROZEN_SHARE = Decimal("0.06")
PAYMENT_PASSWORD = "135790"  # noqa: S105 - of made-up people


@dataclass(frozen=True)
class OfferStory:
    """A new schedule offered to somebody who cannot pay: days before today on which it was made and answered."""

    made_back: int
    word: str = ""
    ended_back: int | None = None
    begins_in: int = 0
    periods: int = 6
    rate_share: Decimal = Decimal("0.5")
    why: str = "失业，暂时无力还款"


# Every state an offer can be in: two were not answered in time, one is confirmed for a day to come.
OFFERS = (
    OfferStory(made_back=24),
    OfferStory(made_back=18, why="住院治疗"),
    OfferStory(made_back=15, word="confirm", ended_back=14),
    OfferStory(made_back=12, word="refuse", ended_back=10, periods=3),
    OfferStory(made_back=10, word="pay", ended_back=8),
    OfferStory(made_back=8, word="withdraw", ended_back=6, why="收入减少"),
    OfferStory(made_back=6, word="confirm", ended_back=5, rate_share=Decimal(0), periods=12, why="住院治疗"),
    OfferStory(made_back=4, word="confirm", ended_back=3, begins_in=12, why="收入减少"),
    OfferStory(made_back=3, periods=9),
    OfferStory(made_back=1, begins_in=7, why="收入减少"),
)
PAID_MEANWHILE = Decimal("20.00")
