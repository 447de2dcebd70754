"""The review page: one application with everything a person needs to decide it, and the way to the next (R5, R21)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from risk.models import ApplicationState, CreditApplication, DecisionContest, Outcome, Signature, TierCode
from risk.pdf import document_pdf
from risk.rules.alerts import rule_word
from risk.selectors.review import review_file
from risk.services.contest import contest_answer
from risk.services.review import (
    review_claim,
    review_claim_of,
    review_decide,
    review_next,
    review_release,
    reviews_waiting,
)
from weilidai.lib.backoffice import ConfirmForm, badge, finish, may, staff_of, when
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.backoffice.lists import COUNT_LIMIT

MAY_DECIDE = "risk.change_creditapplication"
MAY_ANSWER = "risk.change_decisioncontest"
QUEUE = "?state__exact=referred"
ITEM_WORDS = {"verified": _("Verified"), "unverified": _("Unverified"), "contradicted": _("Contradicted")}
ITEM_TONES = {"verified": "approved", "unverified": "plain", "contradicted": "rejected"}


class WhyForm(forms.Form):
    """Why a person decides so; it goes into the audit trail."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=3,
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "accesskey": "r"}),
    )


class AnswerForm(WhyForm):
    """The answer to a customer who contests a decision; the customer reads it."""

    reason = forms.CharField(
        label=_("Answer to the customer"),
        min_length=3,
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "accesskey": "r"}),
    )


def page_of(request: HttpRequest, application: CreditApplication) -> dict[str, Any]:
    """What the page shows of an application, whoever came for whatever."""
    file = review_file(application)
    claim = review_claim_of(application.pk, timezone.now())
    return {
        **file,
        "items": [(row, badge(ITEM_TONES[row.state], ITEM_WORDS[row.state])) for row in file["items"]],
        "alerts": [(alert, rule_word(alert.rule)) for alert in file["alerts"]],
        "offer_tier": TierCode(file["offer"]["tier"]).label if file["offer"] else "",
        "offer_limit": f"{file['offer']['limit']:,.2f}" if file["offer"] else "",
        "offer_rate": f"{file['offer']['daily_rate'] * 100:.4f} %" if file["offer"] else "",
        "chart_options": chart_options(),
        "claim": claim,
        "is_mine": claim is not None and claim.claimed_by_id == request.user.pk,
        "state_badge": badge(application.state, application.get_state_display()),
        "title": translate("Application of {customer}").format(customer=application.customer),
    }


class ReviewPages:
    """For the admin of applications: the page, the queue's buttons, and the signed texts as PDF."""

    admin_site: Any
    list_url: Callable[[], str]
    detail_url: Callable[[Any], str]

    def review_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:application_id>/review/", wrap(self.review), name="risk_application_review"),
            path("signature/<uuid:signature_id>/pdf/", wrap(self.signature_pdf), name="risk_signature_pdf"),
        ]

    @action(
        description=_("Take the next one"),
        url_path="review-next",
        icon="play_arrow",
        permissions=[may(MAY_DECIDE)],
        dialog={
            "title": _("Take the next one"),
            "description": _("The oldest application that waits for a person becomes yours for some minutes."),
            "form_class": ConfirmForm,
            "form_submit_text": _("Take it"),
        },
    )
    def take_next(self, request: HttpRequest, form: Any) -> HttpResponse:
        url = self.next_url(request)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)

    def next_url(self, request: HttpRequest) -> str:
        """The page of the next application, now claimed, or the empty queue."""
        application = review_next(user=staff_of(request), **when())
        if application is not None:
            return self.detail_url(application.pk)
        messages.info(request, translate("Nobody waits for a decision."))
        return self.list_url() + QUEUE

    def review_context(self, request: HttpRequest, application: CreditApplication) -> dict[str, Any]:
        waits = application.state == ApplicationState.REFERRED
        return {
            **page_of(request, application),
            "waits": waits,
            "may_decide": waits and request.user.has_perm(MAY_DECIDE),
            "form": WhyForm(),
            "waiting_count": reviews_waiting().order_by()[:COUNT_LIMIT].count(),
            "queue_url": self.list_url() + QUEUE,
        }

    def review(self, request: HttpRequest, application_id: UUID) -> HttpResponse:
        """One button of the page: claim, take over, release, approve, reject."""
        if request.method != "POST" or not request.user.has_perm(MAY_DECIDE):
            raise PermissionDenied
        user, here = staff_of(request), self.detail_url(application_id)
        do = request.POST.get("do", "")
        if do in ("claim", "take_over"):
            take_over = do == "take_over"
            return finish(
                request,
                here,
                lambda: review_claim(application_id=application_id, user=user, take_over=take_over, **when()),
                _("The application is yours."),
            )
        if do == "release":
            return finish(
                request,
                self.list_url() + QUEUE,
                lambda: review_release(application_id=application_id, user=user),
                _("The application waits again."),
            )
        if do in (Outcome.APPROVED.value, Outcome.REJECTED.value):
            return self._decide(request, application_id, Outcome(do))
        raise Http404

    def _decide(self, request: HttpRequest, application_id: UUID, outcome: Outcome) -> HttpResponse:
        here, form = self.detail_url(application_id), WhyForm(request.POST)
        if not form.is_valid():
            messages.error(request, translate("A reason is needed: at least three characters."))
            return HttpResponseRedirect(here)
        done: list[bool] = []

        def call() -> None:
            review_decide(
                application_id=application_id,
                outcome=outcome,
                reason=form.cleaned_data["reason"],
                user=staff_of(request),
                **when(),
            )
            done.append(True)

        answer = finish(request, here, call, _("The application is decided."))
        if done and "then_next" in request.POST:
            return HttpResponseRedirect(self.next_url(request))
        return answer

    def signature_pdf(self, request: HttpRequest, signature_id: UUID) -> HttpResponse:
        """The text as it was signed."""
        if not request.user.has_perm("risk.view_signature"):
            raise PermissionDenied
        signature = Signature.objects.select_related("document", "customer").filter(pk=signature_id).first()
        if signature is None:
            raise Http404
        response = HttpResponse(document_pdf(signature.document, signature), content_type="application/pdf")
        name = f"{signature.document.code}-{signature.document.version}.pdf"
        response["Content-Disposition"] = f'inline; filename="{name}"'
        return response


class ContestPages:
    """For the admin of contested decisions: the same page, with the customer's words and the answer."""

    admin_site: Any
    list_url: Callable[[], str]
    detail_url: Callable[[Any], str]

    def contest_urls(self) -> list[URLPattern]:
        return [path("<uuid:contest_id>/review/", self.admin_site.admin_view(self.review), name="risk_contest_review")]

    def contest_context(self, request: HttpRequest, contest: DecisionContest) -> dict[str, Any]:
        is_open = contest.state == DecisionContest.State.OPEN
        decided_by_me = contest.decision.decided_by_id == request.user.pk
        return {
            **page_of(request, contest.decision.application),
            "contest": contest,
            "contest_decision": contest.decision,
            "decided_by_me": is_open and decided_by_me,
            "may_answer": is_open and not decided_by_me and request.user.has_perm(MAY_ANSWER),
            "form": AnswerForm(),
            "title": translate("Contested decision of {customer}").format(customer=contest.customer),
        }

    def review(self, request: HttpRequest, contest_id: UUID) -> HttpResponse:
        """The decision stands or is revised; either is answered to the customer."""
        if request.method != "POST" or not request.user.has_perm(MAY_ANSWER):
            raise PermissionDenied
        here, form, do = self.detail_url(contest_id), AnswerForm(request.POST), request.POST.get("do", "")
        if do not in (DecisionContest.State.UPHELD.value, DecisionContest.State.REVISED.value):
            raise Http404
        if not form.is_valid():
            messages.error(request, translate("A reason is needed: at least three characters."))
            return HttpResponseRedirect(here)
        return finish(
            request,
            here,
            lambda: contest_answer(
                contest_id=contest_id,
                revised=do == DecisionContest.State.REVISED,
                answer=form.cleaned_data["reason"],
                user=staff_of(request),
                **when(),
            ),
            _("The answer was sent."),
        )
