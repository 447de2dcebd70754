"""What is kept of behaviour per customer and day: flows add up over days, levels hold until the next one."""

from dataclasses import dataclass

# Changing the order or number of measures makes stored summaries of another layout; they are then built anew.
LAYOUT_VERSION = 1


@dataclass(frozen=True)
class Event:
    """A kind of day: its stable word for names, and how both languages call what happens on it."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Measure:
    """One figure of a day: an amount in fen, or a count. `consent` names the consent without which it is unknown."""

    code: str
    source: str
    dimension: str
    is_amount: bool
    zh: str
    en: str
    consent: str = ""
    # What happens on a day on which the figure is above 0. None where another measure tells the same event, such
    # as the amount of what is also counted: no two variables may say the same by definition.
    event: Event | None = None


def _pair(code: str, source: str, dimension: str, zh: str, en: str, consent: str = "") -> list[Measure]:
    return [
        Measure(f"{code}_amount", source, dimension, True, f"{zh}金额", f"amount of {en}", consent),
        Measure(f"{code}_count", source, dimension, False, f"{zh}笔数", f"number of {en}", consent,
                Event(code, zh, en)),
    ]  # fmt: skip


def _count(code: str, source: str, dimension: str, zh: str, en: str, event: str = "") -> Measure:
    """`event` is what happens in Chinese, where the figure tells a kind of day of its own."""
    happens = Event(code.removesuffix("_count"), event, en) if event else None
    return Measure(code, source, dimension, False, zh, en, event=happens)


CATEGORIES = {
    "food": ("餐饮", "food"),
    "shopping": ("购物", "shopping"),
    "transport": ("交通", "transport"),
    "travel": ("旅行", "travel"),
    "fun": ("娱乐", "entertainment"),
    "rent": ("房租", "rent"),
    "education": ("教育", "education"),
    "medical": ("医疗", "medical care"),
}
GREEN_ACTS = {
    "transit": ("公共交通", "public transit"),
    "cycling": ("骑行", "cycling"),
    "walking": ("步行", "walking"),
    "recycling": ("回收", "recycling"),
    "e_bill": ("电子账单", "electronic bills"),
    "reforestation": ("植树", "reforestation"),
}
BIG_FEN = 100_000
SMALL_FEN = 1_000

FLOWS: tuple[Measure, ...] = (
    *_pair("payment", "payments", "consumption", "消费支付", "payments"),
    *_pair("transfer_out", "payments", "consumption", "转账支出", "transfers out"),
    *_pair("transfer_in", "payments", "consumption", "转账收入", "transfers in"),
    *_pair("utility", "payments", "consumption", "生活缴费", "utility bills"),
    *_pair("salary", "payments", "capacity", "工资收入", "salaries"),
    *_pair("card_repayment", "payments", "capacity", "信用卡还款", "card repayments"),
    *_pair("red_packet_sent", "payments", "social", "发出红包", "red packets sent"),
    *_pair("red_packet_received", "payments", "social", "收到红包", "red packets received"),
    *(m for code, (zh, en) in CATEGORIES.items()
      for m in _pair(f"category_{code}", "payments", "consumption", f"{zh}类消费", f"payments for {en}")),
    *_pair("category_other", "payments", "consumption", "其他类消费", "payments for other things"),
    *_pair("channel_balance", "payments", "consumption", "余额支付", "payments from the balance"),
    *_pair("channel_card", "payments", "consumption", "银行卡支付", "payments by bank card"),
    *_pair("channel_ecny", "payments", "capacity", "数字人民币支付", "payments in digital RMB", "ecny_wallet"),
    *_pair("night", "payments", "consumption", "夜间支出", "spending by night"),
    *_pair("weekend", "payments", "consumption", "周末支出", "spending at week-ends"),
    *_pair("big", "payments", "consumption", "千元以上支出", "spending of 1 000 yuan and more"),
    *_pair("small", "payments", "consumption", "十元以下支出", "spending below 10 yuan"),
    _count("counterparty_count", "payments", "consumption", "每日交易对手数", "counterparties of a day", "留名的交易"),
    _count("opens", "activity", "social", "打开次数", "opens", "打开"),
    _count("minutes", "activity", "social", "使用分钟数", "minutes of use", "使用时长"),
    _count("friend_made_count", "friends", "social", "新增好友数", "friends made", "新增好友"),
    _count("friend_lost_count", "friends", "social", "解除好友数", "friends lost", "解除好友"),
    _count("login_count", "logins", "device_stability", "登录次数", "logins", "登录"),
    _count("night_login_count", "logins", "device_stability", "夜间登录次数", "logins by night", "夜间登录"),
    _count("device_count", "logins", "device_stability", "每日设备数", "devices of a day"),
    _count("device_change_count", "logins", "device_stability", "更换设备次数", "changes of device", "更换设备"),
    _count("ip_change_count", "logins", "device_stability", "更换IP次数", "changes of IP address", "更换IP"),
    _count("city_change_count", "logins", "device_stability", "更换城市次数", "changes of city", "更换城市"),
    *(m for code, (zh, en) in GREEN_ACTS.items() for m in (
        _count(f"green_{code}_count", "green", "capacity", f"{zh}低碳行为次数", f"low-carbon acts of {en}",
               f"{zh}低碳行为"),
    )),
)  # fmt: skip


def _level(code: str, source: str, dimension: str, zh: str, en: str, *, amount: bool, consent: str = "") -> Measure:
    return Measure(code, source, dimension, amount, zh, en, consent)


AUXILIARY_ITEMS = {
    "social_insurance": ("社保", "social insurance"),
    "housing_fund": ("公积金", "housing fund"),
    "education": ("学历", "education"),
    "employment": ("就业", "employment"),
    "income_tax": ("个税", "income tax"),
    "property": ("房产", "property"),
    "vehicle": ("车辆", "vehicle"),
    "commercial_insurance": ("商业保险", "commercial insurance"),
    "utility_payments": ("公用事业缴费", "utility payments"),
    "mobile_tenure": ("手机号在网", "mobile tenure"),
    "business_registration": ("工商登记", "business registration"),
    "address_stability": ("住址稳定性", "address stability"),
}

LEVELS: tuple[Measure, ...] = (
    _level("friends", "activity", "social", "好友数", "friends", amount=False),
    _level("active_groups", "activity", "social", "活跃群数", "active groups", amount=False),
    _level("current_fund", "assets", "capacity", "零钱通月均余额", "current-money fund", amount=True),
    _level("wealth_products", "assets", "capacity", "理财产品", "wealth products", amount=True),
    _level("deposits", "assets", "capacity", "存款", "deposits", amount=True),
    _level("ecny_balance", "assets", "capacity", "数字人民币钱包余额", "digital-RMB wallet", amount=True,
           consent="ecny_wallet"),
    _level("card_limit", "assets", "capacity", "信用卡额度", "card limit", amount=True),
    _level("card_debt", "assets", "capacity", "信用卡欠款", "card debt", amount=True),
    _level("bureau_open_accounts", "bureau", "external_credit", "征信未结清账户数", "open accounts at the bureau",
           amount=False, consent="credit_report"),
    _level("bureau_debts", "bureau", "external_credit", "征信负债", "debts at the bureau", amount=True,
           consent="credit_report"),
    _level("bureau_monthly_due", "bureau", "external_credit", "征信月应还", "monthly due at the bureau", amount=True,
           consent="credit_report"),
    _level("bureau_worst_dpd", "bureau", "external_credit", "征信24个月最大逾期天数",
           "worst days past due in 24 months", amount=False, consent="credit_report"),
    _level("bureau_inquiries", "bureau", "external_credit", "征信6个月查询次数", "inquiries in 6 months",
           amount=False, consent="credit_report"),
    *(_level(f"auxiliary_{code}_months", "auxiliary", "capacity", f"{zh}连续月数", f"months of {en}", amount=False,
             consent="third_party_data") for code, (zh, en) in AUXILIARY_ITEMS.items()),
    *(_level(f"auxiliary_{code}_verified", "auxiliary", "capacity", f"{zh}是否核实", f"whether {en} is verified",
             amount=False, consent="third_party_data") for code, (zh, en) in AUXILIARY_ITEMS.items()),
)  # fmt: skip

# Levels that tell by themselves when their source last reported: the others of a report have the same age.
AGES = {
    "friends": ("activity", "互动数据", "activity data"),
    "current_fund": ("assets", "资产数据", "asset data"),
    "bureau_open_accounts": ("bureau_report", "征信报告", "bureau report"),
    **{f"auxiliary_{code}_months": (f"auxiliary_{code}", f"{zh}核验资料", f"evidence of {en}")
       for code, (zh, en) in AUXILIARY_ITEMS.items()},
}  # fmt: skip

# How many rows each source delivered on a day: tells "nothing happened" from "nothing is known".
SOURCES = ("payments", "activity", "friends", "logins", "green", "assets", "bureau", "auxiliary")
PRESENCE = tuple(f"rows_{source}" for source in SOURCES)

CODES: tuple[str, ...] = (*(m.code for m in FLOWS), *PRESENCE, *(m.code for m in LEVELS))
INDEX = {code: number for number, code in enumerate(CODES)}
EVENTS: tuple[tuple[int, Event], ...] = tuple((n, m.event) for n, m in enumerate(FLOWS) if m.event is not None)
FLOW_COUNT = len(FLOWS) + len(PRESENCE)
LEVEL_COUNT = len(LEVELS)
