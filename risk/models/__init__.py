"""Credit granted: behaviour that came in, what is offered, invitation, application, decision, credit line."""

from risk.models.alert import (
    WAITING_STATES,
    Alert,
    AlertNote,
    AlertOutcome,
    AlertSeverity,
    AlertSnooze,
    AlertState,
)
from risk.models.appeal import OPEN_APPEALS, WAITING_APPEALS, Appeal, AppealImage, AppealState
from risk.models.application import EXPIRING_STATES, OPEN_STATES, ApplicationState, CreditApplication
from risk.models.backtest import BacktestChange, BacktestPartition, BacktestRun
from risk.models.behaviour import (
    ActivityDay,
    AssetMonth,
    AuxiliaryReading,
    BureauReport,
    CustomerFeedRow,
    Friendship,
    GreenAct,
    LoginEvent,
    PaymentEvent,
    ScoreReading,
)
from risk.models.credit_line import CreditLine, FreezeReason, LineChange, LineState
from risk.models.decision import Decision, DecisionContest, Outcome, Scorecard
from risk.models.document import LegalDocument, Signature
from risk.models.feed import FeedDelivery, FeedKind, FeedRejection
from risk.models.invitation import Invitation, InvitationBatch, InvitationState
from risk.models.line_run import RunState
from risk.models.monitoring import MonitoringPolicy
from risk.models.pipeline import (
    ActCounter,
    DenyEntry,
    DenyKind,
    LoginRecord,
    Screening,
    ScreeningEvent,
    ScreeningHit,
    ScreeningPolicy,
    ScreeningVerdict,
)
from risk.models.product import (
    FeeBase,
    PenaltyMethod,
    PolicyState,
    Product,
    ProductTerms,
    RegulationParameter,
    Tier,
    TierCode,
    VoucherConsequence,
)
from risk.models.raises import (
    AssetProof,
    LimitRaise,
    LimitRaisePolicy,
    LimitRaiseRun,
    ProofKind,
    ProofState,
    RaiseSource,
)
from risk.models.rate_review import (
    CustomerScore,
    RateReview,
    RateReviewPolicy,
    RateReviewRun,
)
from risk.models.review import ReviewClaim
from risk.models.stamp import PolicyStamp
from risk.models.summary import BehaviourMonth
from risk.models.tape import LoanTape
from risk.models.workbench import LabelledSet, ShadowDecision, WorkbenchRun

__all__ = [
    "EXPIRING_STATES",
    "OPEN_APPEALS",
    "OPEN_STATES",
    "WAITING_APPEALS",
    "WAITING_STATES",
    "ActCounter",
    "ActivityDay",
    "Alert",
    "AlertNote",
    "AlertOutcome",
    "AlertSeverity",
    "AlertSnooze",
    "AlertState",
    "Appeal",
    "AppealImage",
    "AppealState",
    "ApplicationState",
    "AssetMonth",
    "AssetProof",
    "AuxiliaryReading",
    "BacktestChange",
    "BacktestPartition",
    "BacktestRun",
    "BehaviourMonth",
    "BureauReport",
    "CreditApplication",
    "CreditLine",
    "CustomerFeedRow",
    "CustomerScore",
    "Decision",
    "DecisionContest",
    "DenyEntry",
    "DenyKind",
    "FeeBase",
    "FeedDelivery",
    "FeedKind",
    "FeedRejection",
    "FreezeReason",
    "Friendship",
    "GreenAct",
    "Invitation",
    "InvitationBatch",
    "InvitationState",
    "LabelledSet",
    "LegalDocument",
    "LimitRaise",
    "LimitRaisePolicy",
    "LimitRaiseRun",
    "LineChange",
    "LineState",
    "LoanTape",
    "LoginEvent",
    "LoginRecord",
    "MonitoringPolicy",
    "Outcome",
    "PaymentEvent",
    "PenaltyMethod",
    "PolicyStamp",
    "PolicyState",
    "Product",
    "ProductTerms",
    "ProofKind",
    "ProofState",
    "RaiseSource",
    "RateReview",
    "RateReviewPolicy",
    "RateReviewRun",
    "RegulationParameter",
    "ReviewClaim",
    "RunState",
    "ScoreReading",
    "Scorecard",
    "Screening",
    "ScreeningEvent",
    "ScreeningHit",
    "ScreeningPolicy",
    "ScreeningVerdict",
    "ShadowDecision",
    "Signature",
    "Tier",
    "TierCode",
    "VoucherConsequence",
    "WorkbenchRun",
]
