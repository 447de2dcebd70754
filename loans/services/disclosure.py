"""Cost disclosure forms: shown, then confirmed by the loan that was made on them (R59)."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loans.disclosure import FORM_VERSION, digest, form_content, terms_key
from loans.errors import DisclosureChanged, DisclosureNotRead
from loans.models import CostDisclosure, RearrangementOffer
from loans.selectors.quote import Quote, Request, line_quote
from risk.models import CreditLine
from weilidai.lib.bulk import row_insert, row_update
from weilidai.lib.prepared import prepared


@transaction.atomic
def quote_disclose(*, line: CreditLine, request: Request, as_of: date, at: datetime) -> tuple[Quote, CostDisclosure]:
    """A quote with its form. An unused form of the same terms is shown again: reading time counts from the first."""
    quote = line_quote(line, request, as_of)
    key = terms_key(quote, line.pk)
    return quote, _newest_unused(line, key, as_of) or _disclosure_create(line, quote, key, as_of, at)


def disclosure_confirm(
    *, line: CreditLine, quote: Quote, disclosure_id: UUID | None, as_of: date, at: datetime
) -> CostDisclosure:
    """The form a loan is made on, confirmed now. The caller holds the line's lock and its transaction.

    Raises DisclosureChanged for a form of other terms, another day or another loan; DisclosureNotRead where the
    product wants a form that was shown for a while and it was not.
    """
    key, seconds = terms_key(quote, line.pk), quote.product_terms.disclosure_reading_seconds
    form = _named(line, key, disclosure_id, as_of) if disclosure_id else _newest_unused(line, key, as_of)
    if seconds and (disclosure_id is None or form is None or at < form.shown_at + timedelta(seconds=seconds)):
        raise DisclosureNotRead(minimum_reading_seconds=seconds)
    if form is None:
        return _disclosure_create(line, quote, key, as_of, at, confirmed_at=at)
    form.confirmed_at = at
    row_update(form, "confirmed_at")
    return form


@transaction.atomic
def offer_form_show(*, offer: RearrangementOffer, content: dict[str, Any], as_of: date, at: datetime) -> CostDisclosure:
    """The form of an offered schedule; an unused one that says the same is shown again."""
    line, key = offer.loan.credit_line, digest(content)
    return _newest_unused(line, key, as_of) or _form_write(line, key, content, as_of, at)


def offer_form_confirm(
    *, offer: RearrangementOffer, content: dict[str, Any], disclosure_id: UUID, as_of: date, at: datetime
) -> CostDisclosure:
    """The form the customer agrees to, confirmed now; `content` is what it has to say today.

    Raises DisclosureChanged for one that says something else or is of another day, DisclosureNotRead.
    """
    form: CostDisclosure | None = (
        _unused(offer.loan.credit_line, digest(content), as_of).filter(pk=disclosure_id).first()
    )
    if form is None:
        raise DisclosureChanged(_("This form is not the one of the offer today, please look at it again"))
    seconds = offer.loan.terms.disclosure_reading_seconds
    if at < form.shown_at + timedelta(seconds=seconds):
        raise DisclosureNotRead(minimum_reading_seconds=seconds)
    form.confirmed_at = at
    row_update(form, "confirmed_at")
    return form


def _unused(line: CreditLine, key: str, as_of: date) -> Any:
    rows = CostDisclosure.objects.filter(credit_line=line, customer_id=line.customer_id, confirmed_at__isnull=True)
    return rows.filter(terms_key=key, business_date=as_of)


def _newest_unused(line: CreditLine, key: str, as_of: date) -> CostDisclosure | None:
    rows = _newest(line.pk, line.customer_id, key, as_of)
    return rows[0] if rows else None


@prepared
def _newest(line: Any, customer: Any, key: Any, day: Any) -> Any:
    rows = CostDisclosure.objects.filter(credit_line=line, customer_id=customer, confirmed_at__isnull=True)
    return rows.filter(terms_key=key, business_date=day).order_by("-id")[:1]


def _named(line: CreditLine, key: str, disclosure_id: UUID, as_of: date) -> CostDisclosure:
    form: CostDisclosure | None = _unused(line, key, as_of).filter(pk=disclosure_id).first()
    if form is None:
        raise DisclosureChanged
    return form


def _disclosure_create(
    line: CreditLine, quote: Quote, key: str, as_of: date, at: datetime, confirmed_at: datetime | None = None
) -> CostDisclosure:
    return _form_write(line, key, form_content(quote), as_of, at, confirmed_at)


def _form_write(
    line: CreditLine,
    key: str,
    content: dict[str, Any],
    as_of: date,
    at: datetime,
    confirmed_at: datetime | None = None,
) -> CostDisclosure:
    form = CostDisclosure(
        customer_id=line.customer_id,
        credit_line=line,
        form_version=FORM_VERSION,
        terms_key=key,
        content=content,
        sha256=digest(content),
        shown_at=at,
        business_date=as_of,
        confirmed_at=confirmed_at,
    )
    row_insert(form)
    return form
