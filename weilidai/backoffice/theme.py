"""Look and navigation of the back office. Read by the settings, so nothing here may touch a model."""

from typing import Any

from django.urls import reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from weilidai.backoffice.navigation import navigation


def _item(title: Any, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    def allowed(request: Any) -> bool:
        return bool(request.user.has_perm(permission))

    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}"), "permission": allowed}


def _list(title: Any, icon: str, app: str, model: str, query: str = "") -> dict[str, Any]:
    item = _item(title, icon, f"{app}_{model}_changelist", f"{app}.view_{model}")
    return item | {"link": format_lazy("{}{}", item["link"], query)} if query else item


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {"title": _("Home"), "icon": "home", "link": reverse_lazy("admin:index")},
            _list(_("Customers"), "group", "accounts", "customer"),
            _item(_("Risk dashboard"), "monitoring", "risk_dashboard", "risk.view_decision"),
            _item(_("Portfolio quality"), "donut_large", "loans_portfolio", "loans.view_portfoliofigure"),
        ]
    },
    {
        "title": _("Credit granted"),
        "separator": True,
        "items": [
            _list(_("Invitations"), "mail", "risk", "invitation"),
            _list(_("Applications"), "description", "risk", "creditapplication"),
            _list(_("Review queue"), "rule", "risk", "creditapplication", "?state__exact=referred"),
            _list(_("Decisions"), "gavel", "risk", "decision"),
            _list(_("Contested decisions"), "record_voice_over", "risk", "decisioncontest"),
            _list(_("Credit lines"), "credit_score", "risk", "creditline"),
            _list(_("Rate review runs"), "event_repeat", "risk", "ratereviewrun"),
            _list(_("Rate reviews"), "price_change", "risk", "ratereview"),
            _list(_("Runs of raises"), "moving", "risk", "limitraiserun"),
            _list(_("Raises given"), "trending_up", "risk", "limitraise"),
            _list(_("Appeals"), "how_to_vote", "risk", "appeal"),
            _list(_("Asset proofs"), "real_estate_agent", "risk", "assetproof"),
            _list(_("Alerts"), "notifications_active", "risk", "alert"),
            _list(_("Snoozes of alerts"), "snooze", "risk", "alertsnooze"),
            _list(_("Screenings"), "filter_alt", "risk", "screening"),
            _list(_("Deny list"), "block", "risk", "denyentry"),
        ],
    },
    {
        "title": _("Credit used"),
        "separator": True,
        "items": [
            _list(_("Loans"), "payments", "loans", "loan"),
            _list(_("Repayments"), "south_west", "loans", "repayment"),
            _list(_("Payouts"), "north_east", "loans", "payout"),
            _list(_("Credit gifts"), "redeem", "loans", "creditgift"),
            _list(_("Vouchers"), "receipt_long", "loans", "voucher", "?state__exact=submitted"),
            _list(_("Demands for vouchers"), "pending_actions", "loans", "voucherdemand"),
            _list(_("Forbidden uses"), "gavel", "loans", "forbiddenuse"),
            _list(_("Acts for two persons"), "how_to_reg", "loans", "approval"),
            _list(_("Money held"), "savings", "loans", "unappliedbalance"),
            _list(_("Movements of held money"), "swap_vert", "loans", "unappliedmovement"),
            _list(_("Money received unasked"), "move_to_inbox", "loans", "moneyreceipt"),
            _list(_("Refunds"), "undo", "loans", "refund"),
            _list(_("Overdue facts"), "event_busy", "loans", "delinquencyfact"),
            _list(_("Rearrangements"), "calendar_month", "loans", "rearrangement"),
            _list(_("Offers of a new schedule"), "contract_edit", "loans", "rearrangementoffer"),
            _list(_("Journal"), "menu_book", "loans", "journalentry"),
            _list(_("Accruals"), "trending_up", "loans", "productaccrual"),
            _item(_("Trial balance"), "account_balance", "loans_trial_balance", "loans.view_accountingperiod"),
            _list(_("Closed periods"), "lock_clock", "loans", "accountingperiod"),
            _list(_("Faults in the books"), "rule", "loans", "bookfault"),
        ],
    },
    {
        "title": _("Collections"),
        "separator": True,
        "items": [
            _list(_("Collection desk"), "support_agent", "loans", "collectiontask", "?desk=queue"),
            _item(_("Collections dashboard"), "monitoring", "loans_collection_dashboard", "loans.view_collectiontask"),
            _list(_("Promises to pay"), "handshake", "loans", "paymentpromise"),
            _list(_("Calls and notes"), "call", "loans", "collectionaction"),
            _list(_("Steps taken"), "checklist", "loans", "collectionstep"),
        ],
    },
    {
        "title": _("Policy"),
        "separator": True,
        "collapsible": True,
        "items": [
            _list(_("Products"), "category", "risk", "product"),
            _list(_("Product terms"), "tune", "risk", "productterms"),
            _list(_("Scorecards"), "scoreboard", "risk", "scorecard"),
            _item(_("Variables"), "data_object", "risk_variables", "risk.view_scorecard"),
            _list(_("Scorecard workbench"), "query_stats", "risk", "labelledset"),
            _list(_("Workbench runs"), "model_training", "risk", "workbenchrun"),
            _list(_("Shadow decisions"), "visibility", "risk", "shadowdecision"),
            _list(_("Back-tests"), "fast_rewind", "risk", "backtestrun"),
            _list(_("Layers of risk control"), "filter_list", "risk", "screeningpolicy"),
            _list(_("Monitoring policy"), "monitor_heart", "risk", "monitoringpolicy"),
            _list(_("Limit raises"), "trending_up", "risk", "limitraisepolicy"),
            _list(_("Rate review policy"), "percent", "risk", "ratereviewpolicy"),
            _list(_("Regulation"), "balance", "risk", "regulationparameter"),
            _list(_("Legal documents"), "contract", "risk", "legaldocument"),
            _list(_("Collection strategies"), "route", "loans", "collectionpolicy"),
            _list(_("Contact rules"), "do_not_disturb_on", "accounts", "contactrule"),
            _list(_("Chart of accounts"), "account_tree", "loans", "ledgeraccount"),
        ],
    },
    {
        "title": _("Operations"),
        "separator": True,
        "collapsible": True,
        "items": [
            _list(_("Business days"), "calendar_month", "lib", "businessday"),
            _list(_("Job runs"), "checklist", "lib", "jobrun"),
            _list(_("Feed deliveries"), "move_to_inbox", "risk", "feeddelivery"),
            _list(_("Payout call-backs"), "sync_alt", "loans", "payoutcallback"),
            _list(_("Simulations"), "groups", "lib", "simulationrun"),
            _list(_("Audit trail"), "policy", "lib", "auditevent"),
            _list(_("State changes"), "swap_horiz", "lib", "statechange"),
            _list(_("Staff"), "badge", "accounts", "staffuser"),
            _list(_("Roles"), "admin_panel_settings", "auth", "group"),
            _list(_("Requests for changes"), "how_to_reg", "accounts", "changerequest"),
        ],
    },
]

# A calm green: the primary colour of buttons, links and charts in both modes.
PRIMARY = {
    "50": "oklch(97.9% .021 166.1)",
    "100": "oklch(95% .052 163.1)",
    "200": "oklch(90.5% .093 164.2)",
    "300": "oklch(84.5% .143 165)",
    "400": "oklch(76.5% .177 163.2)",
    "500": "oklch(69.6% .17 162.5)",
    "600": "oklch(52.6% .125 163.2)",
    "700": "oklch(46.8% .107 165.6)",
    "800": "oklch(43.2% .095 166.9)",
    "900": "oklch(37.8% .077 168.9)",
    "950": "oklch(26.2% .051 172.6)",
}

# Drawn here, so that no browser asks for a file: a coin on the green of the theme.
FAVICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='7' fill='%23047857'/%3E%3Cpath d='M9 8l7 9 7-9M16 17v8M10 17h12M10 21h12' "
    "stroke='white' stroke-width='3' fill='none' stroke-linecap='round'/%3E%3C/svg%3E"
)

UNFOLD: dict[str, Any] = {
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": FAVICON}],
    "SITE_TITLE": _("Weilidai back office"),
    "SITE_HEADER": _("Weilidai"),
    "SITE_SUBHEADER": _("Back office"),
    "SITE_SYMBOL": "savings",
    "SITE_URL": "/api/docs/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "weilidai.backoffice.home.home_context",
    "ENVIRONMENT": "weilidai.backoffice.home.environment_badge",
    "COLORS": {"primary": PRIMARY},
    "LOGIN": {"form": "weilidai.backoffice.sign_in.SignInForm"},
    "ACCOUNT": {"navigation": [{"title": _("Second factor"), "link": reverse_lazy("second-factor")}]},
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": navigation(NAVIGATION)},
}
