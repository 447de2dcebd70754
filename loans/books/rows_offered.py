"""An offer of a new schedule agrees with its act, the form the customer confirmed, and its trail (R54, R59)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from loans.books.fault import Fault
from loans.books.rows_money import Differences, audits_of, chunks, differing
from loans.disclosure import digest
from loans.models import Approval, RearrangementOffer
from weilidai.lib.models import AuditEvent

# The state of an offer and of its act.
PAIRS = {
    "open": ("offered",),
    "confirmed": ("agreed", "approved"),
    "refused": ("declined",),
    "expired": ("expired",),
    "outdated": ("failed",),
    "withdrawn": ("rejected",),
}


def offers_agree(among: QuerySet[RearrangementOffer] | None = None) -> Iterator[Fault]:
    """What a customer answered is what two persons offered, and what the trail says; that none is lost is looked at
    each time.
    """
    rows = RearrangementOffer.objects.all() if among is None else among
    for chunk in chunks(rows.select_related("approval", "disclosure", "loan")):
        audits = audits_of("loans.rearrangementoffer", [row.pk for row in chunk])
        for row in chunk:
            told = [*_offer(row, audits[str(row.pk)]), *_form(row)]
            yield from differing("offers_agree", row.pk, told)
    lost = Approval.objects.filter(state__in=("offered", "declined"), offer__isnull=True)
    for key in lost.values_list("pk", flat=True):
        yield Fault("offers_agree", str(key), "its offer is not there")


def _offer(row: Any, audits: list[AuditEvent]) -> Differences:
    act = row.approval
    asked = (act.kind, act.payload["consent"], act.loan_id, act.customer_id, act.begins_date)
    yield "act", asked, ("rearrange", "app", row.loan_id, row.customer_id, row.begins_date)
    yield "customer", row.customer_id, row.loan.customer_id
    yield "state of the act", act.state in PAIRS[row.state], True
    ended = row.state != "open"
    yield "ended", (row.ended_at is not None, row.ended_date is not None), (ended, ended)
    for audit in audits:
        said = audit.after or {}
        if audit.action == "offer.make":
            made = (str(row.approval_id), str(row.loan_id), row.loan_sequence, str(row.expires_date),
                    str(row.begins_date or ""), row.offered_at, row.business_date)  # fmt: skip
            yield "made", made, (said["approval"], said["loan"], said["sequence"], said["until"], said["begins_date"],
                                 audit.at, audit.business_date)  # fmt: skip
    steps = [audit for audit in audits if audit.action != "offer.make"]
    told = (row.ended_because, row.answer, str(row.disclosure_id or ""))
    if not steps:
        yield "nothing told yet", told, ("", "", "")
        return
    last, said = steps[-1], steps[-1].after or {}
    now = (row.ended_at, row.ended_date, *told)
    yield "ended as", now, (last.at, last.business_date, said["because"], said["answer"], said["disclosure"])


def _form(row: Any) -> Differences:
    form = row.disclosure
    yield "a form was confirmed", form is not None or row.state != "confirmed", True
    if form is None:
        return
    yield "form", (digest(form.content), form.terms_key), (form.sha256, form.sha256)
    yield "form of", (form.customer_id, form.credit_line_id), (row.customer_id, row.loan.credit_line_id)
    said = form.content
    yield "version of the form", form.form_version, said["form_version"]
    yield "form about", (said["loan"], said["consent"]), (str(row.loan_id), {"kind": "app", "reference": str(row.pk)})
    agreed = {name: str(value) for name, value in said["agreed"].items()}
    yield "form agrees", agreed, {name: row.approval.payload.get(name) for name in agreed}
    if row.state == "confirmed":
        yield "confirmed at", (form.confirmed_at, form.business_date), (row.ended_at, row.ended_date)
    yield "shown before", form.confirmed_at is not None and form.shown_at <= form.confirmed_at, True
