from django.urls import path

from loans.api import loan_views as views
from loans.api.gift_views import GiftAcceptance, GiftList, GiftRefusal, GiftRevocation
from loans.api.offer_views import OfferConfirmation, OfferDetail, OfferDisclosure, OfferList, OfferRefusal
from loans.api.repayment_urls import urlpatterns as repayment_urls
from loans.api.voucher_views import VoucherListView

urlpatterns = [
    path("products/compare", views.ProductCompareView.as_view(), name="products-compare"),
    path("loan-quotes", views.LoanQuoteView.as_view(), name="loan-quotes"),
    path("loans", views.LoanList.as_view(), name="loans"),
    path("loans/<uuid:loan_id>", views.LoanDetail.as_view(), name="loan"),
    path("loans/<uuid:loan_id>/schedule", views.LoanScheduleView.as_view(), name="loan-schedule"),
    path("loans/<uuid:loan_id>/disclosures", views.LoanFormsView.as_view(), name="loan-disclosures"),
    path("loans/<uuid:loan_id>/vouchers", VoucherListView.as_view(), name="loan-vouchers"),
    path("gateways/payout", views.PayoutResultView.as_view(), name="gateway-payout"),
    path("credit-gifts", GiftList.as_view(), name="credit-gifts"),
    path("credit-gifts/<uuid:gift_id>/acceptance", GiftAcceptance.as_view(), name="credit-gift-acceptance"),
    path("credit-gifts/<uuid:gift_id>/refusal", GiftRefusal.as_view(), name="credit-gift-refusal"),
    path("credit-gifts/<uuid:gift_id>/revocation", GiftRevocation.as_view(), name="credit-gift-revocation"),
    path("rearrangement-offers", OfferList.as_view(), name="rearrangement-offers"),
    path("rearrangement-offers/<uuid:offer_id>", OfferDetail.as_view(), name="rearrangement-offer"),
    path(
        "rearrangement-offers/<uuid:offer_id>/disclosure",
        OfferDisclosure.as_view(),
        name="rearrangement-offer-disclosure",
    ),
    path(
        "rearrangement-offers/<uuid:offer_id>/confirmation",
        OfferConfirmation.as_view(),
        name="rearrangement-offer-confirmation",
    ),
    path("rearrangement-offers/<uuid:offer_id>/refusal", OfferRefusal.as_view(), name="rearrangement-offer-refusal"),
    *repayment_urls,
]
