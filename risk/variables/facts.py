"""The values a scorecard names beside the catalogue: facts gathered for each decision, described like variables."""

from risk.variables.families import ONE, RATIO, YUAN, Variable

FAMILY = "facts"
FACTS: tuple[Variable, ...] = tuple(
    Variable(name, FAMILY, dimension, source, unit, scale, zh, en, consent, statistic, window)
    for name, dimension, source, (unit, scale), zh, en, consent, statistic, window in (
        ("payment_amount_12m", "consumption", "payments", ("yuan", YUAN), "近365天消费支付金额",
         "amount of payments, last 365 days", "", "sum", "365d"),
        ("payment_count_12m", "consumption", "payments", ("count", ONE), "近365天消费支付笔数",
         "number of payments, last 365 days", "", "sum", "365d"),
        ("card_repayment_amount_12m", "capacity", "payments", ("yuan", YUAN), "近365天信用卡还款金额",
         "amount of card repayments, last 365 days", "", "sum", "365d"),
        ("friends_count", "social", "activity", ("count", ONE), "好友数", "number of friends", "", "last", "newest"),
        ("active_groups_count", "social", "activity", ("count", ONE), "活跃群数", "number of active groups", "", "last",
         "newest"),
        ("assets_amount", "capacity", "assets", ("yuan", YUAN), "资产合计", "assets in total", "", "last", "newest"),
        ("ecny_wallet_amount", "capacity", "assets", ("yuan", YUAN), "数字人民币钱包余额",
         "digital-RMB wallet", "ecny_wallet", "last", "newest"),
        ("device_changes_90d", "device_stability", "logins", ("count", ONE), "近90天更换设备次数",
         "changes of device, last 90 days", "", "sum", "90d"),
        ("ip_changes_90d", "device_stability", "logins", ("count", ONE), "近90天更换IP次数",
         "changes of IP address, last 90 days", "", "sum", "90d"),
        ("device_tenure_days", "device_stability", "logins", ("days", ONE), "当前设备已使用天数",
         "days since the device in use was first seen", "", "age_days", "newest"),
        ("worst_dpd_24m", "external_credit", "bureau", ("days", ONE), "征信近24个月最长逾期天数",
         "worst days past due in 24 months, credit report", "credit_report", "last", "newest"),
        ("inquiries_6m", "external_credit", "bureau", ("count", ONE), "征信近6个月查询次数",
         "inquiries in 6 months, credit report", "credit_report", "last", "newest"),
        ("bureau_debts_amount", "external_credit", "bureau", ("yuan", YUAN), "征信负债余额",
         "debts in the credit report", "credit_report", "last", "newest"),
        ("auxiliary_weight", "capacity", "auxiliary", ("count", ONE), "已核实辅助项权重合计",
         "total weight of verified auxiliary items", "third_party_data", "sum", "newest"),
        ("housing_fund_complete", "capacity", "auxiliary", ("count", ONE), "公积金连续缴存满规定月数（1为是）",
         "housing fund paid for the months asked for (1: yes)", "third_party_data", "last", "newest"),
        ("red_packet_gap", "social", "payments", ("ratio", RATIO), "近365天红包发收占比之差",
         "gap of red packets sent and received, last 365 days", "", "quotient", "365d"),
    )
)  # fmt: skip
