"""From the alert about a wish for relief, or about relief that came to nothing, to what became of it."""

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as translate

from accounts.models import StaffUser
from loans.admin.money import approval_badge
from loans.admin.relief import offer_badge, undone_date
from loans.models import Approval, CollectionAction, Rearrangement, RearrangementOffer
from risk.followed import Followed, register_follow
from risk.models import Alert
from risk.rules.alerts import HARDSHIP_WISH, RELIEF_DECLINED, RELIEF_FAILED, RELIEF_OUTDATED, RELIEF_UNANSWERED


def _subject(alert: Alert) -> UUID:
    """What the alert is about stands at the end of its key."""
    return UUID(alert.dedupe_key.rpartition(":")[2])


def _of_wish(alert: Alert, user: StaffUser) -> list[Followed]:
    """The task it was told in, what was asked for from it, and the schedules that came of that."""
    wish = CollectionAction.objects.filter(pk=_subject(alert)).select_related("task").first()
    if wish is None:
        return []
    rows: list[Followed] = []
    if user.has_perm("loans.view_collectiontask"):
        page = reverse("admin:loans_collectiontask_change", args=[wish.task_id])
        rows.append(Followed(translate("The task it was told in"), page, wish.business_date))
    if user.has_perm("loans.view_approval"):
        rows += [row for asked in wish.approvals.order_by("pk") for row in _of_act(asked, user)]
    return rows


def _of_approval(alert: Alert, user: StaffUser) -> list[Followed]:
    asked = Approval.objects.filter(pk=_subject(alert)).first()
    return _of_act(asked, user) if asked is not None and user.has_perm("loans.view_approval") else []


def _of_act(asked: Approval, user: StaffUser) -> list[Followed]:
    """An act for two persons and the new schedule it ended in."""
    page = reverse("admin:loans_approval_change", args=[asked.pk])
    state, word = approval_badge(asked), asked.decision_reason
    rows = [Followed(asked.get_kind_display(), page, asked.business_date, state, word)]
    offer = RearrangementOffer.objects.filter(approval=asked).first()
    if offer is not None and user.has_perm("loans.view_rearrangementoffer"):
        page = reverse("admin:loans_rearrangementoffer_change", args=[offer.pk])
        rows.append(Followed(translate("Offer"), page, offer.business_date, offer_badge(offer), offer.answer))
    label, _colon, key = asked.applied_to.partition(":")
    if label == Rearrangement._meta.label_lower and user.has_perm("loans.view_rearrangement"):
        done = Rearrangement.objects.select_related("event__reversed_by").get(pk=key)
        page = reverse("admin:loans_rearrangement_change", args=[key])
        undone = undone_date(done)
        word = translate("undone on {day}").format(day=undone) if undone else ""
        rows.append(Followed(translate("New schedule"), page, done.effective_date, word=word))
    return rows


register_follow(HARDSHIP_WISH, _of_wish)
for rule in (RELIEF_FAILED, RELIEF_DECLINED, RELIEF_UNANSWERED, RELIEF_OUTDATED):
    register_follow(rule, _of_approval)
