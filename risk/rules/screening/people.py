"""Who it is: deny list, identity consistency, device fingerprint. Pure."""

from django.utils.translation import gettext_lazy as _

from risk.rules.screening.spec import (
    LOAN,
    LOGIN,
    Condition,
    Evidence,
    Figures,
    Layer,
    Section,
    count,
    words,
)


def _own_entry(seen: Section, figures: Figures) -> Evidence | None:
    return {"entries": seen["entries"]} if seen["entries"] else None


def _bureau_entry(seen: Section, figures: Figures) -> Evidence | None:
    return {"source": "bureau"} if seen["bureau"] else None


DENY_LIST = Layer(
    "deny_list",
    (),
    (
        Condition("denied_here", _("On our own deny list"), _own_entry),
        Condition("denied_by_bureau", _("On the deny list of the credit bureau"), _bureau_entry),
    ),
)


def _holder_differs(seen: Section, figures: Figures) -> Evidence | None:
    return {"holder": "other name"} if seen["holder_matches"] is False else None


def _card_shared(seen: Section, figures: Figures) -> Evidence | None:
    others, limit = seen["card_customers"], figures["card_customers_max"]
    return {"others": others, "limit": limit} if others > limit else None


def _phone_shared(seen: Section, figures: Figures) -> Evidence | None:
    others, limit = seen["phone_customers"], figures["phone_customers_max"]
    return {"others": others, "limit": limit} if others > limit else None


IDENTITY_CONSISTENCY = Layer(
    "identity_consistency",
    (
        count("card_customers_max", _("other customers with the same card, at most")),
        count("phone_customers_max", _("other customers with the same phone, at most")),
    ),
    (
        Condition("holder_differs", _("The card is held in another name"), _holder_differs),
        Condition("card_shared", _("The card is used by other customers"), _card_shared),
        Condition("phone_shared", _("The phone number is used by other customers"), _phone_shared),
    ),
)


def _new_device(seen: Section, figures: Figures) -> Evidence | None:
    return {"device": seen["fingerprint"]} if seen["verified"] is False else None


def _device_shared(seen: Section, figures: Figures) -> Evidence | None:
    others, limit = seen["customers"], figures["device_customers_max"]
    return {"device": seen["fingerprint"], "others": others, "limit": limit} if others > limit else None


def _emulator(seen: Section, figures: Figures) -> Evidence | None:
    agent = seen["agent"].lower()
    found = next((word for word in figures["emulator_words"] if word in agent), None) if agent else None
    return {"agent": seen["agent"], "word": found} if found else None


# A new device may apply, for applying verifies it (R11), and may ask to be verified.
DEVICE_FINGERPRINT = Layer(
    "device_fingerprint",
    (
        count("device_customers_max", _("other customers on the same device, at most")),
        words("emulator_words", _("words that tell an emulator, in small letters")),
    ),
    (
        Condition("new_device", _("New device"), _new_device, (LOGIN, LOAN)),
        Condition("device_shared", _("The device is used by other customers"), _device_shared),
        Condition("emulator", _("The device looks like an emulator"), _emulator),
    ),
)
