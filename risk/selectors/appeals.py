"""Appeals to read: a customer's own, the desk's figures, how a frozen customer may appeal."""

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Customer
from risk.models import OPEN_APPEALS, Appeal, AppealImage, BureauReport, CreditLine, LineState
from risk.selectors.policy import terms_current
from weilidai.lib.models import StateChange


def appeals_of(line: CreditLine) -> QuerySet[Appeal]:
    return Appeal.objects.filter(credit_line=line).prefetch_related("images")


def appeal_guide(line: CreditLine, as_of: date) -> dict[str, Any]:
    """How to appeal against the freeze of a line (R9), and the appeal that is open already."""
    return {
        "path": f"/api/v1/credit-lines/{line.pk}/appeals",
        "images": list(AppealImage.Kind.values),
        "working_days": terms_current(line.product_id, as_of).appeal_answer_working_days,
        "open": Appeal.objects.filter(credit_line=line, state__in=OPEN_APPEALS).prefetch_related("images").first(),
    }


def is_denied(customer: Customer, as_of: date) -> bool:
    """Whether the newest credit report has the person on the deny list."""
    reports = BureauReport.objects.filter(customer=customer, as_of__lte=as_of).order_by("-as_of", "-id")
    return bool(reports.values_list("on_deny_list", flat=True).first())


def appeals_late(as_of: date) -> QuerySet[Appeal]:
    """Open and past their last working day."""
    return Appeal.objects.filter(Q(is_late=True) | Q(due_date__lt=as_of), state__in=OPEN_APPEALS)


def freeze_change(line: CreditLine) -> StateChange | None:
    """The step that froze the line last: who, why."""
    return (
        StateChange.objects.filter(
            subject_type=line._meta.label_lower, subject_id=str(line.pk), new=LineState.FROZEN, field="state"
        )
        .order_by("-id")
        .first()
    )


def freezer_id(line: CreditLine) -> str:
    """The member of staff who froze the line, empty where a rule did."""
    change = freeze_change(line)
    return change.actor_id if change is not None and change.actor_kind == "staff" else ""


def appeals_earlier(appeal: Appeal) -> QuerySet[Appeal]:
    """What the same person appealed before, on any line."""
    return Appeal.objects.filter(customer_id=appeal.customer_id).exclude(pk=appeal.pk).order_by("-id")[:20]
