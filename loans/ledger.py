"""The chart of accounts, and what each kind of movement debits and credits. Codes follow the asset/liability/income
order of Chinese enterprise accounting; a new movement is a new function here."""

from decimal import Decimal

from loans.models.journal import Posting

LOANS_RECEIVABLE = "1303"
INTEREST_RECEIVABLE = "1132"
FEES_RECEIVABLE = "1133"
PENALTY_RECEIVABLE = "1134"
BANK = "1002"
INTEREST_INCOME = "6011"
FEE_INCOME = "6021"
PENALTY_INCOME = "6022"
UNAPPLIED_MONEY = "2241"
REFUNDS_PAYABLE = "2242"
RECOVERY_INCOME = "6301"
LOAN_LOSSES = "6702"
RELIEF = "6703"

CHART = (
    # code, Chinese, English, kind
    (BANK, "银行存款", "Cash at bank", "asset"),
    (INTEREST_RECEIVABLE, "应收利息", "Interest receivable", "asset"),
    (FEES_RECEIVABLE, "应收手续费", "Fees receivable", "asset"),
    (PENALTY_RECEIVABLE, "应收罚息", "Penalty receivable", "asset"),
    (LOANS_RECEIVABLE, "贷款", "Loans receivable", "asset"),
    (UNAPPLIED_MONEY, "待处理客户款", "Unapplied customer money", "liability"),
    (REFUNDS_PAYABLE, "应付退款", "Refunds on their way", "liability"),
    (INTEREST_INCOME, "利息收入", "Interest income", "income"),
    (FEE_INCOME, "手续费收入", "Fee income", "income"),
    (PENALTY_INCOME, "罚息收入", "Penalty income", "income"),
    (RECOVERY_INCOME, "已核销贷款收回", "Recovery of written-off loans", "income"),
    (LOAN_LOSSES, "贷款核销损失", "Loan losses", "expense"),
    (RELIEF, "债务减免损失", "Relief to borrowers in difficulty", "expense"),
)

DEBIT = Posting.Side.DEBIT
CREDIT = Posting.Side.CREDIT
Line = tuple[str, str, Decimal]


def disbursement(amount: Decimal) -> list[Line]:
    """Money out to the customer's card."""
    return [(LOANS_RECEIVABLE, DEBIT, amount), (BANK, CREDIT, amount)]


# What the night books per product: kind of accrual → (receivable, income).
ACCRUALS = {
    "interest": (INTEREST_RECEIVABLE, INTEREST_INCOME),
    "fee": (FEES_RECEIVABLE, FEE_INCOME),
    "penalty": (PENALTY_RECEIVABLE, PENALTY_INCOME),
}


def accrual(kind: str, amount: Decimal) -> list[Line]:
    """A day's interest, fees or penalties of a product; a negative amount (a correction) swaps the sides."""
    receivable, income = ACCRUALS[kind]
    if amount < 0:
        return [(income, DEBIT, -amount), (receivable, CREDIT, -amount)]
    return [(receivable, DEBIT, amount), (income, CREDIT, amount)]


def repayment(
    *, penalty: Decimal, fee: Decimal, interest: Decimal, principal: Decimal, settlement_fee: Decimal
) -> list[Line]:
    """Money in, against what it paid. A settlement fee is earned at the moment it is paid."""
    credits = (
        (PENALTY_RECEIVABLE, penalty),
        (FEES_RECEIVABLE, fee),
        (INTEREST_RECEIVABLE, interest),
        (LOANS_RECEIVABLE, principal),
        (FEE_INCOME, settlement_fee),
    )
    received = sum((amount for _, amount in credits), Decimal(0))
    lines: list[Line] = [(BANK, DEBIT, received)]
    return lines + [(code, CREDIT, amount) for code, amount in credits if amount]


def transfer(debit: str, credit: str, amount: Decimal) -> list[Line]:
    """One amount from one account to another."""
    return [(debit, DEBIT, amount), (credit, CREDIT, amount)]


def difference(before: dict[str, Decimal], after: dict[str, Decimal]) -> list[Line]:
    """What must be posted so that accounts that stood at `before` (debits less credits) stand at `after`."""
    moves = ((code, after.get(code, Decimal(0)) - before.get(code, Decimal(0))) for code in sorted({*before, *after}))
    return [(code, DEBIT if move > 0 else CREDIT, abs(move)) for code, move in moves if move]
