"""The staff of the simulation: referred applications and asset proofs, decided by the back office's services."""

import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from PIL import Image, ImageDraw

from accounts.models import StaffUser
from accounts.roles import roles_sync
from risk.errors import CreditLineClosed, CreditLineFrozen, LimitExceeded
from risk.models import AssetProof, Decision, Outcome, ProofState
from risk.services.asset_proof import asset_proof_accept, asset_proof_reject
from risk.services.review import review_decide, review_next
from weilidai.lib.chance import seeded
from weilidai.simulation.people import Member

PICTURE_SIZE = (520, 340)
OFFICER = "simulated_officer"


def officer_create() -> StaffUser:
    """Somebody who decides; nobody signs in as them."""
    roles_sync()
    found: StaffUser = StaffUser.objects.filter(username=OFFICER).first() or StaffUser.objects.create_user(
        OFFICER, password=None, display_name=OFFICER
    )
    return found


def picture(name: str) -> bytes:
    """A sharp picture of its own."""
    dice = seeded(name)
    image = Image.new("RGB", PICTURE_SIZE, "white")
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = dice.randrange(PICTURE_SIZE[0]), dice.randrange(PICTURE_SIZE[1])
        box = (x, y, x + dice.randrange(10, 90), y + dice.randrange(10, 90))
        pen.rectangle(box, fill=(dice.randrange(256), dice.randrange(256), dice.randrange(256)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


class Desk:
    """What the officer can see of papers is in `bad_papers`: (person, kind of proof)."""

    def __init__(self, people: Mapping[str, Member], officer: StaffUser) -> None:
        self.people, self.officer = people, officer
        self.bad_papers: set[tuple[int, str]] = set()

    def referrals_decide(self, day: date, at: datetime) -> None:
        """All that wait. Doubts are settled for who proved to be harmless; nobody past the law's room is approved."""
        while application := review_next(user=self.officer, as_of=day, at=at):
            one = self.people[application.customer.openid]
            outcome = Outcome.APPROVED if one.harmless and self._score_passes(application.pk) else Outcome.REJECTED
            try:
                self._decide(application.pk, outcome, day, at)
            except LimitExceeded:
                self._decide(application.pk, Outcome.REJECTED, day, at)

    def _score_passes(self, application_id: UUID) -> bool:
        """By the scorecard the machine judged with."""
        machine = Decision.objects.filter(application_id=application_id).latest("pk")
        return machine.score >= Decimal(machine.inputs["policy"]["scorecard"]["definition"]["approve_from"])

    def _decide(self, application_id: UUID, outcome: Outcome, day: date, at: datetime) -> None:
        review_decide(
            application_id=application_id, outcome=outcome, reason="seen", user=self.officer, as_of=day, at=at
        )

    def proofs_decide(self, day: date, at: datetime) -> None:
        """All that wait; those of a frozen line wait on."""
        waiting = AssetProof.objects.filter(state=ProofState.SUBMITTED).select_related("customer")
        for proof in waiting.order_by("received_date", "customer__openid", "kind"):
            one = self.people[proof.customer.openid]
            act = asset_proof_reject if (one.number, proof.kind) in self.bad_papers else asset_proof_accept
            try:
                act(proof_id=proof.pk, reason="seen", user=self.officer, as_of=day, at=at)
            except (CreditLineFrozen, CreditLineClosed):
                continue
