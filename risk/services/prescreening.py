"""The scheduled pre-screening round (R1): who has the score and nothing open yet is invited, so many a night."""

from collections.abc import Iterator
from datetime import date

from django.db.models import OuterRef, Subquery

from accounts.models import Customer
from risk.models import InvitationBatch, Product, ProductTerms, ScoreReading
from risk.selectors.policy import terms_current
from risk.services.invitation import invitations_issue, issue_obstacles
from weilidai.lib.audit import Actor

ACTOR = Actor.system("prescreening")
REASON = "pre-screening round"
PAGE = 500


def prescreening_round(*, as_of: date) -> dict[str, int]:
    """Invitations issued per product on `as_of`; a round already run that day is not run again."""
    issued: dict[str, int] = {}
    for product in Product.objects.filter(is_open=True):
        terms = terms_current(product, as_of)
        reason = f"{REASON} {as_of}"
        done = InvitationBatch.objects.filter(
            source=InvitationBatch.Source.PRESCREENING, product=product, reason=reason
        ).exists()
        if not terms.prescreening_invitations_max or done:
            continue
        openids = list(_candidates(product, terms, as_of))
        if openids:
            report = invitations_issue(
                openids=openids,
                product=product.code,
                source=InvitationBatch.Source.PRESCREENING,
                reason=reason,
                actor=ACTOR,
                as_of=as_of,
            )
            issued[product.code] = len(report.issued)
    return issued


def _candidates(product: Product, terms: ProductTerms, as_of: date) -> Iterator[str]:
    """Openids in key order, page by page, until the round is full."""
    readings = ScoreReading.objects.filter(customer=OuterRef("pk"), name=terms.score_name, as_of__lte=as_of)
    latest = Subquery(readings.order_by("-as_of", "-id").values("score")[:1])
    people = Customer.objects.filter(erased_at__isnull=True).annotate(latest_score=latest)
    people = people.filter(latest_score__gte=terms.score_minimum).order_by("pk")
    found, last = 0, None
    while found < terms.prescreening_invitations_max:
        page = list((people.filter(pk__gt=last) if last else people).values_list("pk", "openid")[:PAGE])
        if not page:
            return
        last = page[-1][0]
        obstacles = issue_obstacles([openid for _, openid in page], product)
        for _, openid in page:
            if openid not in obstacles and found < terms.prescreening_invitations_max:
                found += 1
                yield openid
