"""The steps of a night, in order. A new nightly rule is one line here and one function.

A `RangedStep` is for what grows with the book: many workers share it. What is small or goes by itself is a `Step`.
"""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from accounts.services.stored_image import stored_images_sweep
from loans.end_of_day.accrual import accrual_post, earned_of_range
from loans.end_of_day.collection import collections_step
from loans.end_of_day.delinquency import facts_write
from loans.end_of_day.figures import figures_carry
from loans.end_of_day.portfolio import npl_step, portfolio_step
from loans.end_of_day.reminders import reminders_send
from loans.end_of_day.run import AnyStep, Progress, RangedStep, Step
from loans.end_of_day.tape import tape_hand_over
from loans.end_of_day.vouchers import vouchers_step
from loans.models import Loan
from loans.services.approval import approvals_begin, approvals_expire
from loans.services.gift import gifts_expire
from loans.services.rearrangement_answer import offers_close
from risk.rules.rate_review import is_quarter_start
from risk.services.appeal_deadlines import appeals_close_day
from risk.services.application import applications_expire
from risk.services.invitation import invitations_expire
from risk.services.limit_raises import limit_raises_begin
from risk.services.monitoring import approval_band_watch
from risk.services.prescreening import prescreening_round
from risk.services.rate_review import rate_review_begin


def _invitations(day: date, progress: Progress) -> dict[str, Any]:
    return {"expired": invitations_expire(as_of=day + timedelta(days=1))}


def _applications(day: date, progress: Progress) -> dict[str, Any]:
    return {"expired": applications_expire(as_of=day + timedelta(days=1))}


def _appeals(day: date, progress: Progress) -> dict[str, Any]:
    return dict(appeals_close_day(day=day, at=timezone.now(), progress=progress))


def _images(day: date, progress: Progress) -> dict[str, Any]:
    return {"swept": stored_images_sweep(at=timezone.now())}


def _approvals(day: date, progress: Progress) -> dict[str, Any]:
    opening, at = day + timedelta(days=1), timezone.now()
    expired, offers = approvals_expire(as_of=opening, at=at), offers_close(as_of=opening, at=at)
    return {"expired": expired, **offers, **approvals_begin(as_of=opening, at=at)}


def _prescreening(day: date, progress: Progress) -> dict[str, Any]:
    return dict(prescreening_round(as_of=day + timedelta(days=1)))


def _approval_band(day: date, progress: Progress) -> dict[str, Any]:
    return {"raised": approval_band_watch(as_of=day, at=timezone.now())}


def _rate_review(day: date, progress: Progress) -> dict[str, Any]:
    """On the eve of a quarter its review is begun; workers go through the lines by themselves."""
    opening = day + timedelta(days=1)
    if not is_quarter_start(opening):
        return {}
    run = rate_review_begin(quarter=opening, as_of=opening, at=timezone.now())
    return {"run": str(run.pk)} if run else {"run": None, "because": "no rate review policy is in force"}


def _limit_raises(day: date, progress: Progress) -> dict[str, Any]:
    """On the eve of a month its round of raises is begun; workers go through the lines by themselves."""
    opening = day + timedelta(days=1)
    if opening.day != 1:
        return {}
    return {"run": str(limit_raises_begin(month=opening, as_of=opening, at=timezone.now()).pk)}


def _gifts(day: date, progress: Progress) -> dict[str, Any]:
    return {"moved": gifts_expire(as_of=day + timedelta(days=1), at=timezone.now())}


STEPS: tuple[AnyStep, ...] = (
    Step("invitations", _("Expire invitations"), _invitations),
    Step("applications", _("Expire applications"), _applications),
    Step("appeals", _("Appeals"), _appeals),
    Step("approvals", _("Expire acts that wait for a second person"), _approvals),
    Step("prescreening", _("Pre-screening round"), _prescreening),
    Step("gifts", _("Expire credit gifts"), _gifts),
    RangedStep("figures", _("Carry figures over period starts and due dates"), figures_carry, Loan),
    RangedStep("accrual", _("Post the day's accruals"), earned_of_range, Loan, gather=accrual_post),
    RangedStep("delinquency", _("Overdue facts"), facts_write, Loan),
    RangedStep("tape", _("Hand over the tape"), tape_hand_over, Loan),
    Step("portfolio", _("Figures of the portfolio"), portfolio_step),
    Step("npl_watch", _("Watch the bad-loan ratio"), npl_step),
    Step("rate_review", _("Begin the quarter's rate review"), _rate_review),
    Step("limit_raises", _("Begin the month's raises"), _limit_raises),
    RangedStep("collections", _("Collections"), collections_step, Customer),
    RangedStep("reminders", _("Reminders"), reminders_send, Loan),
    Step("vouchers", _("Vouchers"), vouchers_step),
    Step("approval_band", _("Watch the approval rate"), _approval_band),
    Step("images", _("Sweep of pictures"), _images),
)
