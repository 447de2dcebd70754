from django.urls import path

from loans.api import loan_views as views
from loans.api.repayment_urls import urlpatterns as repayment_urls

urlpatterns = [
    path("products/compare", views.ProductCompareView.as_view(), name="products-compare"),
    path("loan-quotes", views.LoanQuoteView.as_view(), name="loan-quotes"),
    path("loans", views.LoanList.as_view(), name="loans"),
    path("loans/<uuid:loan_id>", views.LoanDetail.as_view(), name="loan"),
    path("loans/<uuid:loan_id>/schedule", views.LoanScheduleView.as_view(), name="loan-schedule"),
    path("gateways/payout", views.PayoutResultView.as_view(), name="gateway-payout"),
    *repayment_urls,
]
