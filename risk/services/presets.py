"""The figures and texts that ship: created where missing, never overwriting what staff changed."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.services.contact import contact_rules_preset
from risk.models import (
    LegalDocument,
    LimitRaisePolicy,
    MonitoringPolicy,
    PolicyState,
    Product,
    ProductTerms,
    RateReviewPolicy,
    RegulationParameter,
    Scorecard,
    ScreeningPolicy,
    Tier,
)
from risk.rules.scorecard import scorecard_check
from risk.rules.screening import definition_check
from weilidai.lib.audit import Actor, audit_record

PRESETS = Path(__file__).resolve().parent.parent / "presets"
ACTOR = Actor.system("load_presets")
VALID_FROM = date(2025, 1, 1)

# Apps above bring what ships with them: name -> loader, which says whether it created anything.
_loaders: dict[str, Callable[[date], bool]] = {}


def register_preset(name: str, loader: Callable[[date], bool]) -> None:
    """`loader(as_of)` runs with the others of `load_presets` and must be repeatable."""
    _loaders[name] = loader


@transaction.atomic
def presets_load(*, as_of: date) -> dict[str, int]:
    """What was created, by kind. Running it again creates nothing."""
    shipped = _read("products.json")
    created = {
        "regulation": sum(_regulation_create(row, as_of) for row in shipped["regulation"]),
        "products": sum(_product_create(row, as_of) for row in shipped["products"]),
        "limit_raises": int(_raises_create(as_of)),
        "rate_reviews": int(_rate_reviews_create(as_of)),
        "scorecards": int(_scorecard_create(_read("scorecard.json"), as_of)),
    }
    created["monitoring"] = int(_monitoring_create(as_of))
    created["screening"] = int(screening_preset(as_of))
    created["contact_rules"] = int(contact_rules_preset())
    created |= {name: int(loader(as_of)) for name, loader in _loaders.items()}
    created["documents"] = sum(_documents_create(row["code"]) for row in shipped["products"])
    return created


def _read(name: str) -> Any:
    return json.loads((PRESETS / name).read_text(encoding="utf-8"))


def _regulation_create(row: dict[str, str], as_of: date) -> bool:
    parameter, created = RegulationParameter.objects.get_or_create(
        name=row["name"],
        valid_from=date.fromisoformat(row["valid_from"]),
        defaults={"value": Decimal(row["value"]), "source": row["source"]},
    )
    if created:
        audit_record(action="preset.load", actor=ACTOR, subject=parameter, as_of=as_of, after=dict(row))
    return created


def _product_create(row: dict[str, Any], as_of: date) -> bool:
    names = {name: row[name] for name in ("name_zh", "name_en", "position")}
    product, created = Product.objects.get_or_create(code=row["code"], defaults=names)
    if created:
        terms = ProductTerms.objects.create(
            product=product, version=1, state=PolicyState.ACTIVE, valid_from=VALID_FROM, **row["terms"]
        )
        Tier.objects.bulk_create(Tier(terms=terms, **tier) for tier in row["tiers"])
        audit_record(action="preset.load", actor=ACTOR, subject=terms, as_of=as_of, after={"version": 1})
    return created


def _raises_create(as_of: date) -> bool:
    """The model's defaults are the shipped figures."""
    if LimitRaisePolicy.objects.exists():
        return False
    policy = LimitRaisePolicy.objects.create(version=1, state=PolicyState.ACTIVE, valid_from=VALID_FROM)
    audit_record(action="preset.load", actor=ACTOR, subject=policy, as_of=as_of, after={"version": 1})
    return True


def _rate_reviews_create(as_of: date) -> bool:
    """The model's defaults are the shipped figures."""
    if RateReviewPolicy.objects.exists():
        return False
    policy = RateReviewPolicy.objects.create(version=1, state=PolicyState.ACTIVE, valid_from=VALID_FROM)
    audit_record(action="preset.load", actor=ACTOR, subject=policy, as_of=as_of, after={"version": 1})
    return True


def _scorecard_create(row: dict[str, Any], as_of: date) -> bool:
    if Scorecard.objects.filter(code=row["code"]).exists():
        return False
    scorecard_check(row["definition"])
    scorecard = Scorecard.objects.create(
        code=row["code"],
        version=1,
        state=PolicyState.ACTIVE,
        valid_from=date.fromisoformat(row["valid_from"]),
        definition=row["definition"],
    )
    audit_record(action="preset.load", actor=ACTOR, subject=scorecard, as_of=as_of, after={"version": 1})
    return True


def _monitoring_create(as_of: date) -> bool:
    """The figures are the model's own presets: the band of the specification, and how soon alerts are looked at."""
    policy, created = MonitoringPolicy.objects.get_or_create(
        code="desk", version=1, defaults={"state": PolicyState.ACTIVE, "valid_from": VALID_FROM}
    )
    if created:
        audit_record(action="preset.load", actor=ACTOR, subject=policy, as_of=as_of, after={"version": 1})
    return created


def screening_preset(as_of: date) -> bool:
    """The shipped pipeline of layers, where there is none."""
    row = _read("screening.json")
    if ScreeningPolicy.objects.filter(code=row["code"]).exists():
        return False
    definition_check(row["definition"])
    policy = ScreeningPolicy(
        code=row["code"],
        version=1,
        state=PolicyState.ACTIVE,
        valid_from=date.fromisoformat(row["valid_from"]),
        definition=row["definition"],
    )
    # Whoever's request it is in, nobody of the staff wrote it.
    policy._history_user = None
    policy.save()
    audit_record(action="preset.load", actor=ACTOR, subject=policy, as_of=as_of, after={"version": 1})
    return True


def _documents_create(product: str) -> int:
    manifest = json.loads((PRESETS / "documents" / "manifest.json").read_text(encoding="utf-8"))
    return sum(_document_create(product, position, row) for position, row in enumerate(manifest["documents"], start=1))


def _document_create(product: str, position: int, row: dict[str, str]) -> bool:
    body_zh, body_en = _text(row["file_zh"]), _text(row["file_en"])
    _, created = LegalDocument.objects.get_or_create(
        product_id=product,
        code=row["code"],
        version=row["version"],
        defaults={
            "valid_from": date.fromisoformat(row["valid_from"]),
            "position": position,
            "title_zh": row["title_zh"],
            "title_en": row["title_en"],
            "body_zh": body_zh,
            "body_en": body_en,
            "sha256_zh": text_sha256(body_zh),
            "sha256_en": text_sha256(body_en),
        },
    )
    return created


def _text(name: str) -> str:
    return (PRESETS / "documents" / name).read_text(encoding="utf-8")


def text_sha256(text: str) -> str:
    """Of the UTF-8 bytes of the text as it is shown."""
    return hashlib.sha256(text.encode()).hexdigest()
