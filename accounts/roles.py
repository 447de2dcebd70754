"""The roles of the back office as data: which models each sees, which it acts on. Applied by `roles_sync`."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

PEOPLE = ("accounts.customer", "accounts.bankcard", "accounts.device", "accounts.consent", "accounts.notification",
          "accounts.verificationattempt", "accounts.contactattempt")  # fmt: skip
GRANTED = ("risk.invitation", "risk.invitationbatch", "risk.creditapplication", "risk.decision",
           "risk.decisioncontest", "risk.creditline", "risk.linechange", "risk.signature", "risk.appeal",
           "risk.assetproof")  # fmt: skip
POLICY = ("risk.product", "risk.productterms", "risk.tier", "risk.scorecard", "risk.regulationparameter",
          "risk.monitoringpolicy", "risk.limitraisepolicy", "risk.ratereviewpolicy", "risk.ratereviewrun",
          "risk.ratereview", "risk.legaldocument", "risk.feeddelivery", "risk.feedrejection",
          "accounts.contactrule", "risk.labelledset", "risk.workbenchrun", "risk.screeningpolicy",
          "risk.limitraise", "risk.limitraiserun", "risk.shadowdecision", "risk.backtestrun", "risk.backtestchange",
          "loans.collectionpolicy")  # fmt: skip
ALERTS = ("risk.alert", "risk.alertnote", "risk.alertsnooze", "risk.screening", "risk.denyentry")
USED = ("loans.loan", "loans.instalment", "loans.loanevent", "loans.repayment", "loans.payout",
        "loans.delinquencyfact", "loans.costdisclosure", "loans.creditgift", "loans.approval",
        "loans.unappliedbalance", "loans.unappliedmovement", "loans.moneyreceipt", "loans.refund",
        "loans.rearrangement", "loans.rearrangementoffer")  # fmt: skip
USE_OF_FUNDS = ("loans.voucher", "loans.voucherdemand", "loans.forbiddenuse")
COLLECTIONS = ("loans.collectiontask", "loans.collectionaction", "loans.collectionstep", "loans.paymentpromise")
BOOKS = ("loans.journalentry", "loans.posting", "loans.ledgeraccount", "loans.productaccrual",
         "loans.payoutcallback", "loans.accountingperiod", "loans.bookfault", "loans.journalseal")  # fmt: skip
PORTFOLIO = ("loans.portfoliofigure",)
PROOF = ("lib.simulationrun", "lib.simulationfigure")
HOUSE = ("lib.auditevent", "lib.statechange", "lib.jobrun", "lib.businessday")
STAFF = ("accounts.staffuser", "auth.group")
CHANGES = ("accounts.changerequest",)
APPROVE_CHANGE = "accounts.approve_changerequest"

FULL_NUMBER = "accounts.view_full_number"
# Seeing what customers send is needed to decide about it, and each look is recorded.
EVIDENCE = ("accounts.view_storedimage", "risk.change_appeal", "risk.change_assetproof", "loans.change_voucher",
            "loans.change_forbiddenuse")  # fmt: skip

# role → (models it sees, permissions to act)
ROLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "credit_officer": (
        (*PEOPLE, *GRANTED, *ALERTS, *USED, *USE_OF_FUNDS, "risk.product"),
        (*EVIDENCE, "risk.change_alert", "risk.add_invitation", "risk.change_invitation",
         "risk.change_creditapplication", "risk.change_decisioncontest", "risk.change_creditline"),
    ),
    "risk_analyst": (
        ("accounts.customer", *GRANTED, *ALERTS, *POLICY, *CHANGES, *USED, *USE_OF_FUNDS, *PORTFOLIO, *PROOF),
        (*EVIDENCE, "risk.change_alert", "risk.add_monitoringpolicy", "risk.change_monitoringpolicy",
         "risk.add_screeningpolicy", "risk.change_screeningpolicy", "risk.add_denyentry", "risk.change_denyentry",
         "risk.add_limitraisepolicy", "risk.change_limitraisepolicy", "risk.add_ratereviewpolicy",
         "risk.change_ratereviewpolicy", "risk.add_regulationparameter", "risk.add_product",
         "risk.add_productterms", "risk.change_productterms", "risk.add_scorecard", "risk.change_scorecard",
         "risk.add_labelledset", "risk.add_workbenchrun", "risk.add_backtestrun",
         "risk.add_invitation", "risk.change_creditapplication",
         "loans.add_collectionpolicy", "loans.change_collectionpolicy"),
    ),
    "collector": (
        (*PEOPLE, "risk.creditline", *USED, *COLLECTIONS),
        (FULL_NUMBER, "loans.request_relief", "loans.work_collections"),
    ),
    "finance": (
        ("accounts.customer", *USED, *BOOKS, *PORTFOLIO, "lib.jobrun", "lib.businessday"),
        ("loans.add_accountingperiod", "loans.request_money", "loans.request_relief", "loans.decide_approval"),
    ),
    "supervisor": (
        (*PEOPLE, *GRANTED, *ALERTS, *POLICY, *CHANGES, *USED, *USE_OF_FUNDS, *COLLECTIONS,
         *BOOKS, *PORTFOLIO, *PROOF, *HOUSE),
        (FULL_NUMBER, APPROVE_CHANGE, *EVIDENCE, "loans.decide_approval", "loans.lift_forbiddenuse",
         "loans.work_collections", "loans.direct_collections", "loans.change_collectionpolicy",
         "risk.decide_escalated_appeal", "risk.change_alert", "risk.change_screeningpolicy",
         "risk.add_denyentry", "risk.change_denyentry",
         "risk.add_regulationparameter", "risk.change_regulationparameter",
         "risk.change_monitoringpolicy", "risk.change_limitraisepolicy", "risk.change_ratereviewpolicy",
         "risk.add_invitation",
         "risk.change_invitation", "risk.change_creditapplication",
         "risk.change_decisioncontest", "risk.change_creditline", "risk.change_product", "risk.change_productterms",
         "risk.change_scorecard", "lib.change_businessday"),
    ),
    "auditor": ((*PEOPLE, *GRANTED, *ALERTS, *POLICY, *USED, *USE_OF_FUNDS, *COLLECTIONS, *BOOKS, *PORTFOLIO, *PROOF,
                 *HOUSE, *STAFF, *CHANGES), ()),
    "administrator": (
        (*HOUSE, *STAFF, *CHANGES, "risk.product"),
        (APPROVE_CHANGE, "accounts.add_staffuser", "accounts.change_staffuser", "lib.change_businessday"),
    ),
}  # fmt: skip


@transaction.atomic
def roles_sync() -> None:
    """Makes the groups stand as declared; safe to repeat."""
    for role, (models, acts) in ROLES.items():
        wanted = {f"{app}.view_{model}" for app, model in (name.split(".") for name in models)} | set(acts)
        query = Q()
        for name in wanted:
            app, codename = name.split(".")
            query |= Q(content_type__app_label=app, codename=codename)
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(Permission.objects.filter(query))
