from django.urls import path

from loans.api.paper_views import (
    MonthlyStatementList,
    MonthlyStatementView,
    SettlementCertificateView,
    StatementView,
)
from loans.api.repayment_views import PrepaymentView, RepaymentList, SettlementView
from weilidai.lib.months import MONTH

urlpatterns = [
    path("statements", MonthlyStatementList.as_view(), name="statements"),
    path(f"statements/{MONTH}", MonthlyStatementView.as_view(), name="statement"),
    path("loans/<uuid:loan_id>/repayments", RepaymentList.as_view(), name="loan-repayments"),
    path("loans/<uuid:loan_id>/settlement", SettlementView.as_view(), name="loan-settlement"),
    path(
        "loans/<uuid:loan_id>/settlement-certificate",
        SettlementCertificateView.as_view(),
        name="loan-settlement-certificate",
    ),
    path("loans/<uuid:loan_id>/statement", StatementView.as_view(), name="loan-statement"),
    path("loans/<uuid:loan_id>/prepayments", PrepaymentView.as_view(), name="loan-prepayments"),
]
