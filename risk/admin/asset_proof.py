"""Asset proofs: a queue, oldest first, and a page with the picture (R38)."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from risk.admin.policy import STAMPS, DraftAdmin
from risk.models import AssetProof, LimitRaisePolicy
from risk.services.asset_proof import asset_proof_accept, asset_proof_reject
from weilidai.lib.backoffice import ConfirmForm, ReasonForm, act, badge
from weilidai.lib.backoffice.evidence import EvidenceAdmin, person_facts

MAY_REVIEW = "risk.change_assetproof"
TONES = {"submitted": "open", "accepted": "approved", "rejected": "rejected"}


@admin.register(AssetProof)
class AssetProofAdmin(EvidenceAdmin):
    key, tones = "proof_id", TONES
    list_display = ("customer", "kind", "state_badge", "received_at", "raised_amount", "valid_until", "reviewed_by")
    list_filter = ("state", "kind", ("received_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "reviewed_by")
    # What waits comes first, oldest on top; then what was reviewed last.
    ordering = (F("reviewed_at").desc(nulls_first=True), "received_at")
    actions_detail = ["accept", "reject"]
    change_form_template = "backoffice/asset_proof.html"

    def file_of(self, proof: AssetProof) -> dict[str, Any]:
        return proof_file(proof)

    @act(
        title=_("Accept"),
        warning=_("The limit rises at once as far as tier, product and law allow. The customer is told."),
        permission=MAY_REVIEW,
        icon="task_alt",
    )
    def accept(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.answer(request, form, object_id, asset_proof_accept, _("The proof is accepted."))

    @act(
        title=_("Reject"),
        warning=_("The customer is told this reason and may send another one."),
        permission=MAY_REVIEW,
        icon="block",
        dangerous=True,
    )
    def reject(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.answer(request, form, object_id, asset_proof_reject, _("The proof is rejected."))


def proof_file(proof: AssetProof) -> dict[str, Any]:
    """Everything the page shows, ready to render."""
    person, line = proof.customer, proof.credit_line
    others = AssetProof.objects.filter(customer_id=proof.customer_id).exclude(pk=proof.pk).order_by("-id")[:20]
    return {
        "proof": proof,
        "person_facts": person_facts(person),
        "proof_facts": [
            (_("kind"), proof.get_kind_display()),
            (_("state"), badge(TONES[proof.state], proof.get_state_display())),
            (_("received at"), timezone.localtime(proof.received_at).strftime("%Y-%m-%d %H:%M")),
            (_("counts until"), proof.valid_until or "–"),
            (_("limit raised by"), f"¥ {proof.raised_amount:,.2f}"),
        ],
        "line_facts": [
            (_("product"), line.product.name),
            (_("state"), badge(line.state, line.get_state_display())),
            (_("tier"), line.get_tier_display()),
            (_("limit"), f"¥ {line.limit_amount:,.2f}"),
        ],
        "earlier": [(row, badge(TONES[row.state], row.get_state_display())) for row in others],
    }


@admin.register(LimitRaisePolicy)
class LimitRaisePolicyAdmin(DraftAdmin):
    same = ("code",)
    list_display = ("version", "state_badge", "valid_from", "valid_to", "proof_property_share", "proof_vehicle_share",
                    "proof_both_share", "fund_share", "green_step_share", "needs_release", "drafted_by",
                    "approved_by")  # fmt: skip
    list_filter = ("state",)
    readonly_fields = (*STAMPS, "code")

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission="risk.change_limitraisepolicy",
        form=ConfirmForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)
