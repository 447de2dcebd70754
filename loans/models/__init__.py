"""Credit used: loans and their events, money out and in, the journal, what the night writes."""

from loans.models.approval import Approval, ApprovalKind, ApprovalState
from loans.models.collection import (
    CollectionAction,
    CollectionPolicy,
    CollectionStep,
    CollectionTask,
    Outcome,
    PaymentPromise,
    PromiseState,
    TaskState,
)
from loans.models.gift import CreditGift, GiftState
from loans.models.journal import EntryKind, JournalEntry, LedgerAccount, Posting
from loans.models.loan import (
    CostDisclosure,
    Instalment,
    Loan,
    LoanEvent,
    LoanPlan,
    LoanState,
    LoanTally,
)
from loans.models.money import MoneyReceipt, Refund, RefundState, UnappliedBalance, UnappliedMovement
from loans.models.payout import UNDECIDED, Payout, PayoutCallback, PayoutState, SandboxPayment
from loans.models.portfolio import (
    DelinquencyFact,
    FoldedEarnings,
    PortfolioFigure,
    ProductAccrual,
    RollFigure,
    SegmentFigure,
    VintageFlow,
)
from loans.models.proof import AccountingPeriod, BookFault, JournalChain, JournalSeal, PeriodBalance
from loans.models.rearrangement import Rearrangement
from loans.models.rearrangement_offer import OfferState, RearrangementOffer
from loans.models.repayment import Repayment, RepaymentAllocation
from loans.models.voucher import (
    WAITING_DEMANDS,
    DemandState,
    ForbiddenUse,
    ForbiddenUseState,
    Voucher,
    VoucherDemand,
    VoucherKind,
    VoucherState,
)

__all__ = [
    "UNDECIDED",
    "WAITING_DEMANDS",
    "AccountingPeriod",
    "Approval",
    "ApprovalKind",
    "ApprovalState",
    "BookFault",
    "CollectionAction",
    "CollectionPolicy",
    "CollectionStep",
    "CollectionTask",
    "CostDisclosure",
    "CreditGift",
    "DelinquencyFact",
    "DemandState",
    "EntryKind",
    "FoldedEarnings",
    "ForbiddenUse",
    "ForbiddenUseState",
    "GiftState",
    "Instalment",
    "JournalChain",
    "JournalEntry",
    "JournalSeal",
    "LedgerAccount",
    "Loan",
    "LoanEvent",
    "LoanPlan",
    "LoanState",
    "LoanTally",
    "MoneyReceipt",
    "OfferState",
    "Outcome",
    "PaymentPromise",
    "Payout",
    "PayoutCallback",
    "PayoutState",
    "PeriodBalance",
    "PortfolioFigure",
    "Posting",
    "ProductAccrual",
    "PromiseState",
    "Rearrangement",
    "RearrangementOffer",
    "Refund",
    "RefundState",
    "Repayment",
    "RepaymentAllocation",
    "RollFigure",
    "SandboxPayment",
    "SegmentFigure",
    "TaskState",
    "UnappliedBalance",
    "UnappliedMovement",
    "VintageFlow",
    "Voucher",
    "VoucherDemand",
    "VoucherKind",
    "VoucherState",
]
