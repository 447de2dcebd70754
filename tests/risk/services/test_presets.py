import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import StaffUser
from risk.errors import FourEyesRequired, PolicyMissing
from risk.models import LegalDocument, PolicyState, Product, ProductTerms, Scorecard, Tier
from risk.selectors.policy import regulation, scorecard_current, terms_current
from risk.services.policy import policy_activate
from risk.services.presets import presets_load
from tests.risk.builders import AS_OF, AT, staff_create
from weilidai.lib.errors import FieldInvalid, TransitionRefused

pytestmark = pytest.mark.usefixtures("policies")
D = Decimal


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("code", "score", "minimum", "ceiling", "seconds", "low", "high"),
    [
        ("weilidai", "wechat_pay", 600, "200000.00", 15, "0.000150", "0.000500"),
        ("jiebei", "zhima", 600, "300000.00", 7200, "0.000150", "0.000600"),
        ("jintiao", "xiaobai", 85, "200000.00", 3600, "0.000300", "0.000900"),
    ],
)
def test_three_products_ship_with_their_figures(
    code: str, score: str, minimum: int, ceiling: str, seconds: int, low: str, high: str
) -> None:
    terms = terms_current(code, AS_OF)
    assert (terms.score_name, terms.score_minimum, terms.payout_target_seconds) == (score, minimum, seconds)
    assert (terms.limit_ceiling_amount, terms.daily_rate_min, terms.daily_rate_max) == (D(ceiling), D(low), D(high))
    rates = [rate for tier in terms.tiers.all() for rate in (tier.daily_rate_min, tier.daily_rate_max)]
    assert (min(rates), max(rates)) == (D(low), D(high))


@pytest.mark.req("R22", "R23", "R24")
@pytest.mark.parametrize(
    ("code", "limits", "rates", "share"),
    [
        ("new", ("500", "8000"), ("0.0003", "0.0005"), "0.5"),
        ("quality", ("8000", "40000"), ("0.0002", "0.00035"), "0.3"),
        ("vip", ("40000", "200000"), ("0.00015", "0.00025"), "0.2"),
    ],
)
def test_the_tiers_of_weilidai(code: str, limits: tuple[str, str], rates: tuple[str, str], share: str) -> None:
    tier = terms_current("weilidai", AS_OF).tiers.get(code=code)
    assert (tier.limit_min_amount, tier.limit_max_amount) == (D(limits[0]), D(limits[1]))
    assert (tier.daily_rate_min, tier.daily_rate_max, tier.penalty_share) == (D(rates[0]), D(rates[1]), D(share))


@pytest.mark.dealt
@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("name", "day", "value"),
    [
        ("cost_cap_rate", date(2025, 9, 30), "0.36"),
        ("cost_cap_rate", date(2025, 10, 1), "0.24"),
        ("household_credit_amount", AS_OF, "200000"),
        ("single_payment_days", AS_OF, "365"),
        ("npl_ratio_alert", AS_OF, "0.012"),
        ("special_mention_days", AS_OF, "1"),
        ("substandard_days", AS_OF, "91"),
        ("doubtful_days", AS_OF, "271"),
        ("loss_days", AS_OF, "361"),
    ],
)
def test_regulation_holds_from_its_day(name: str, day: date, value: str) -> None:
    assert regulation(name, day) == D(value)


@pytest.mark.req("R54")
def test_before_the_first_day_there_is_no_figure() -> None:
    with pytest.raises(PolicyMissing):
        regulation("household_credit_amount", date(2020, 7, 11))
    with pytest.raises(PolicyMissing):
        terms_current("weilidai", date(2024, 12, 31))


@pytest.mark.req("R10")
def test_every_product_has_six_texts_with_the_hash_of_what_is_shown() -> None:
    for product in ("weilidai", "jiebei", "jintiao"):
        rows = list(LegalDocument.objects.filter(product=product))
        assert len(rows) == 6
        for row in rows:
            assert row.sha256_zh == hashlib.sha256(row.body_zh.encode()).hexdigest()
            assert row.sha256_en == hashlib.sha256(row.body_en.encode()).hexdigest()


def test_loading_again_creates_nothing_and_keeps_what_staff_changed(capsys: pytest.CaptureFixture[str]) -> None:
    Product.objects.filter(code="jiebei").update(name_zh="新名", is_open=False)
    assert set(presets_load(as_of=AS_OF).values()) == {0}
    call_command("load_presets")
    lines = capsys.readouterr().out.splitlines()
    assert "regulation: 0 new" in lines
    assert all(line.endswith(": 0 new") for line in lines)
    assert Product.objects.get(code="jiebei").name_zh == "新名"


# --- A new version ----------------------------------------------------------------------------------------------


def draft_scorecard(drafter: StaffUser, **changes: Any) -> Scorecard:
    current = scorecard_current(AS_OF)
    values = {"definition": current.definition, "valid_from": AS_OF, "drafted_by": drafter, **changes}
    return Scorecard.objects.create(code="main", version=2, **values)


def draft_terms(drafter: StaffUser, **changes: Any) -> ProductTerms:
    current = terms_current("weilidai", AS_OF)
    tiers = list(current.tiers.all())
    current.pk, current._state.adding = ProductTerms().pk, True
    for name, value in {
        "version": 2, "state": PolicyState.DRAFT, "valid_from": AS_OF, "drafted_by": drafter,
        "approved_by": None, **changes,
    }.items():  # fmt: skip
        setattr(current, name, value)
    current.save()
    for tier in tiers:
        tier.pk, tier.terms, tier._state.adding = Tier().pk, current, True
        tier.save()
    return ProductTerms.objects.get(pk=current.pk)


@pytest.mark.req("R15")
def test_a_scorecard_is_activated_by_a_second_person_only() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    draft = draft_scorecard(carol)
    with pytest.raises(FourEyesRequired):
        policy_activate(policy=draft, user=carol, as_of=AS_OF, at=AT)
    assert scorecard_current(AS_OF).version == 1
    policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)
    assert scorecard_current(AS_OF).version == 2
    assert scorecard_current(AS_OF - timedelta(days=1)).version == 1
    with pytest.raises(TransitionRefused):
        policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)


@pytest.mark.req("R15")
@pytest.mark.parametrize("definition", [{}, {"dimensions": []}])
def test_a_broken_scorecard_or_one_of_the_past_is_not_activated(definition: dict[str, Any]) -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    draft = draft_scorecard(carol, definition=definition)
    with pytest.raises(FieldInvalid):
        policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)
    good = scorecard_current(AS_OF).definition
    Scorecard.objects.filter(pk=draft.pk).update(definition=good, valid_from=AS_OF - timedelta(days=1))
    with pytest.raises(FieldInvalid):
        policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)


@pytest.mark.req("R30")
def test_new_terms_hold_from_their_first_day_and_end_the_old_ones_the_day_before() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    first_day = AS_OF + timedelta(days=10)
    draft = draft_terms(carol, valid_from=first_day, score_minimum=620)
    policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)
    assert terms_current("weilidai", first_day - timedelta(days=1)).score_minimum == 600
    assert terms_current("weilidai", first_day).score_minimum == 620
    assert ProductTerms.objects.get(product="weilidai", version=1).valid_to == AS_OF + timedelta(days=9)


@pytest.mark.req("R30")
def test_terms_without_a_tier_for_everybody_or_with_a_reversed_range_are_refused() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    draft = draft_terms(carol)
    new = Tier.objects.get(terms=draft, code="new")
    for changes in ({"months_in_use_min": 1}, {"limit_min_amount": D(9000)}):
        Tier.objects.filter(pk=new.pk).update(**changes)
        with pytest.raises(FieldInvalid):
            policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)
        Tier.objects.filter(pk=new.pk).update(months_in_use_min=0, limit_min_amount=D(500))
    policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)


@pytest.mark.req("R30")
def test_a_fourth_product_is_rows_only() -> None:
    product = Product.objects.create(code="fourth", name_zh="第四", name_en="Fourth")
    carol, dave = staff_create("carol"), staff_create("dave")
    draft = draft_terms(carol, product=product, version=1)
    policy_activate(policy=draft, user=dave, as_of=AS_OF, at=AT)
    assert terms_current("fourth", AS_OF).tiers.count() == 3


@pytest.mark.req("R30")
def test_of_two_versions_with_one_first_day_the_newer_holds_and_the_older_is_not_approved_after_it() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    first_day = AS_OF + timedelta(days=10)
    second = draft_terms(carol, valid_from=first_day, score_minimum=620)
    third = draft_terms(carol, valid_from=first_day, score_minimum=640, version=3)
    fourth = draft_terms(carol, valid_from=first_day, score_minimum=660, version=4)
    policy_activate(policy=second, user=dave, as_of=AS_OF, at=AT)
    policy_activate(policy=fourth, user=dave, as_of=AS_OF, at=AT)
    with pytest.raises(FieldInvalid):
        policy_activate(policy=third, user=dave, as_of=AS_OF, at=AT)
    assert terms_current("weilidai", first_day).score_minimum == 660
    second.refresh_from_db()
    assert second.state == PolicyState.RETIRED
    assert terms_current("weilidai", first_day - timedelta(days=1)).score_minimum == 600


@pytest.mark.req("R30")
def test_a_version_put_between_two_others_holds_until_the_day_before_the_later_one() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    days = [AS_OF + timedelta(days=n) for n in (9, 10, 19, 20)]
    later = draft_terms(carol, valid_from=days[3], score_minimum=640)
    between = draft_terms(carol, valid_from=days[1], score_minimum=620, version=3)
    policy_activate(policy=later, user=dave, as_of=AS_OF, at=AT)
    policy_activate(policy=between, user=dave, as_of=AS_OF, at=AT)
    assert [terms_current("weilidai", day).score_minimum for day in days] == [600, 620, 620, 640]
    between.refresh_from_db()
    assert between.valid_to == days[2]
