"""The page of a collection task, ready to render."""

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from accounts.notices import notice_text
from accounts.services.contact import contact_outlook
from loans.admin.collection_forms import source_word
from loans.admin.money import approval_badge
from loans.models import Approval, CollectionTask, Outcome, PaymentPromise, PromiseState, TaskState
from loans.selectors.collection import left_in_peace
from loans.selectors.collection_page import ROWS_SHOWN, Phone, contacts_of, overdue_rows, phones_of, wish_alerts
from loans.selectors.loan import LoanSeen
from loans.services.collection_contact import open_call
from weilidai.lib.backoffice import badge
from weilidai.lib.money import ZERO

TASK_TONES = {"open": "open", "assigned": "running", "closed": "closed"}
PROMISE_TONES = {"open": "open", "kept": "approved", "broken": "failed", "void": "closed"}
OUTCOMES = dict(Outcome.choices)
# What a collector says, and what never; shown beside every call.
SAY = (
    _("Make sure it is the customer before a word about the debt."),
    _("Say who you are, the product, what is due and since when."),
    _("Ask what happened, and offer: pay in the app, promise a day, ask for relief."),
)
NEVER = (
    _("To family, colleagues or friends: nothing, not even that there is a debt."),
    _("No threats, no insults, no false consequences, no pretending to be an authority."),
    _("No calls in the quiet hours or above the number of attempts a day."),
)


def task_file(task: CollectionTask, today: date, now: datetime, user: Any) -> dict[str, Any]:
    """Everything the page shows."""
    loans = overdue_rows(task, today)
    person = task.customer
    peace = bool(left_in_peace([task.customer_id], today))
    return {
        "task": task,
        "title": translate("Collections: {customer}").format(customer=person),
        "is_mine": task.assigned_to_id == user.pk,
        "call_open": open_call(task),
        "loans": [_loan_row(row) for row in loans],
        "due_total": f"{sum((row.figures.due_amount for row in loans), ZERO):,.2f}",
        "person_facts": [
            (_("name"), person.masked_name or "–"),
            (_("identity number"), person.masked_id_number or "–"),
            (_("city"), person.city or "–"),
            (_("occupation"), person.get_registered_occupation_display() or "–"),
        ],
        "task_facts": [
            (_("state"), badge(TASK_TONES[task.state], task.get_state_display())),
            (_("collector"), task.assigned_to or "–"),
            (_("priority"), task.priority),
            (_("bucket"), task.bucket),
            (_("opened on"), task.opened_date.isoformat()),
            (_("next action on"), task.next_action_date.isoformat()),
        ],
        "guard": _guard(task, loans, peace, today),
        "phones": [_phone_row(phone, now) for phone in phones_of(task)],
        "promises": [
            (row, badge(PROMISE_TONES[row.state], row.get_state_display()))
            for row in PaymentPromise.objects.filter(customer=person).select_related("staff")[:ROWS_SHOWN]
        ],
        "contacts": _contact_rows(task, user),
        "say": SAY,
        "never": NEVER,
        "may_relieve": user.has_perm("loans.request_relief"),
    }


def _loan_row(row: LoanSeen) -> dict[str, Any]:
    figures = row.figures
    return {
        "loan": row.loan,
        "days": figures.days_past_due,
        "bucket": figures.bucket,
        "due": f"{figures.due_amount:,.2f}",
        "penalty": f"{figures.penalty_unpaid:,.2f}",
        "outstanding": f"{figures.outstanding_principal:,.2f}",
    }


def _guard(task: CollectionTask, loans: list[LoanSeen], peace: bool, today: date) -> str:
    """What forbids a call whatever the number; empty where nothing does."""
    if task.state == TaskState.CLOSED or not loans:
        return translate("Nothing is overdue any more: nobody is to be called.")
    if not peace:
        return ""
    promise = PaymentPromise.objects.filter(
        customer=task.customer_id, state=PromiseState.OPEN, due_date__gte=today
    ).first()
    if promise is not None:
        words = translate("A promise of ¥ {amount} runs until the end of {day}: no call before.")
        return words.format(amount=f"{promise.amount:,.2f}", day=promise.due_date.isoformat())
    return translate("The debt is disputed: no call until a supervisor has ended the dispute.")


def _phone_row(phone: Phone, now: datetime) -> dict[str, Any]:
    """A number as far as it may be shown, with the guard's answer about it."""
    outlook = contact_outlook(phone=phone.number, at=now)
    next_at = timezone.localtime(outlook.next_at).strftime("%Y-%m-%d %H:%M") if outlook.next_at else ""
    return {
        "masked": phone.masked,
        "source": source_word(phone.source),
        "allowed": outlook.refusal is None,
        "reason": str(outlook.refusal.detail) if outlook.refusal else "",
        "next_at": next_at,
        "left": outlook.attempts_left,
    }


def _answer_row(approval: Approval) -> dict[str, Any]:
    """What was asked for from a wish, and what became of it."""
    return {
        "url": reverse("admin:loans_approval_change", args=[approval.pk]),
        "title": approval.get_kind_display(),
        "on": approval.business_date,
        "begins": approval.begins_date,
        "state": approval_badge(approval),
        "word": approval.decision_reason,
    }


def _contact_rows(task: CollectionTask, user: Any) -> list[dict[str, Any]]:
    """With the alert each wish raised, for those who may see it."""
    rows = [_contact_row(item) for item in contacts_of(task)]
    wishes = [row["action"] for row in rows if row.get("wish")]
    alerts = wish_alerts(wishes) if user.has_perm("risk.view_alert") else {}
    return [{**row, "alert": alerts.get(row["wish"]) if row.get("wish") else None} for row in rows]


def _contact_row(item: dict[str, Any]) -> dict[str, Any]:
    """Icon, words and who; the texts of notices as the customer read them."""
    if "action" in item:
        row = item["action"]
        tail = f" **** {row.contact_attempt.phone_tail}" if row.contact_attempt else ""
        ended = OUTCOMES.get(row.outcome) or (_("Outcome not told yet") if row.kind == "call" else "")
        icon = {"call": "call", "note": "sticky_note_2", "hardship": "volunteer_activism"}[row.kind]
        return {**item, "icon": icon, "title": f"{row.get_kind_display()}{tail}", "ended": ended, "text": row.note,
                "who": str(row.staff), "wish": row.pk if row.kind == "hardship" else None,
                "answers": [_answer_row(found) for found in row.approvals.all()]}  # fmt: skip
    if "attempt" in item:
        row = item["attempt"]
        return {**item, "icon": "sms", "title": f"{row.get_channel_display()} **** {row.phone_tail}",
                "ended": row.get_state_display(), "text": "", "who": row.actor_name}  # fmt: skip
    row = item["notice"]
    title, body = notice_text(row.kind, row.params)
    return {**item, "icon": "notifications", "title": title, "ended": "", "text": body, "who": ""}
