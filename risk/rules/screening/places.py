"""From where and how often: geolocation, behaviour frequency. Pure."""

from django.utils.translation import gettext_lazy as _

from risk.rules.screening.spec import (
    APPLICATION,
    DEVICE_VERIFICATION,
    LOAN,
    LOGIN,
    Condition,
    Evidence,
    Figures,
    Layer,
    Section,
    count,
)

# The counters keep so many of a customer's newest acts of a kind, and none older than a day.
TIMES_KEPT = 256
WINDOW_MINUTES_MAX = 1440


def _unusual_place(seen: Section, figures: Figures) -> Evidence | None:
    """A known city that is none of the usual ones (R36). The first place ever and an unknown one are not unusual."""
    city, usual = seen["city"], seen["usual"]
    if not city or not usual or city in usual:
        return None
    return {"city": city, "usual_cities": usual, "ip": seen["ip"], "source": seen["source"]}


GEOLOCATION = Layer(
    "geolocation",
    (
        count("usual_days", _("days that tell the usual cities"), 1, 365),
        count("settled_days", _("days after which a new city is a usual one"), 1, 90),
    ),
    (Condition("unusual_place", _("Login from an unusual place"), _unusual_place),),
)


def _too_often(act: str) -> Condition:
    def test(seen: Section, figures: Figures) -> Evidence | None:
        minutes, limit = figures[f"{act}_minutes"], figures[f"{act}_max"]
        number = sum(1 for seconds in seen["times"] if seconds < minutes * 60)
        return {"count": number, "limit": limit, "window_minutes": minutes} if number > limit else None

    labels = {
        LOGIN: _("Too many logins"),
        DEVICE_VERIFICATION: _("Too many verifications of devices"),
        APPLICATION: _("Too many applications"),
        LOAN: _("Too many loans asked for"),
    }
    return Condition(f"{act}_too_often", labels[act], test, (act,))


# R37: the window ends at the act itself, which is counted.
BEHAVIOUR_FREQUENCY = Layer(
    "behaviour_frequency",
    (
        count("login_max", _("logins, at most"), 1, TIMES_KEPT - 1),
        count("login_minutes", _("in minutes (logins)"), 1, WINDOW_MINUTES_MAX),
        count("device_verification_max", _("verifications of devices, at most"), 1, TIMES_KEPT - 1),
        count("device_verification_minutes", _("in minutes (verifications)"), 1, WINDOW_MINUTES_MAX),
        count("application_max", _("applications, at most"), 1, TIMES_KEPT - 1),
        count("application_minutes", _("in minutes (applications)"), 1, WINDOW_MINUTES_MAX),
        count("loan_max", _("loans, at most"), 1, TIMES_KEPT - 1),
        count("loan_minutes", _("in minutes (loans)"), 1, WINDOW_MINUTES_MAX),
    ),
    tuple(_too_often(act) for act in (LOGIN, DEVICE_VERIFICATION, APPLICATION, LOAN)),
)
