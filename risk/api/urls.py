from django.urls import include, path, register_converter
from django.urls.converters import SlugConverter

from risk.api import application_views as steps
from risk.api import evidence_views as evidence
from risk.api import views


class ProductCodeConverter(SlugConverter):
    """Any code but `compare`: that address belongs to the app that can price a loan."""

    regex = r"(?!compare$)[-a-zA-Z0-9_]+"


register_converter(ProductCodeConverter, "product_code")

urlpatterns = [
    path("entry", views.EntryView.as_view(), name="entry"),
    path("products", views.ProductListView.as_view(), name="products"),
    path("products/<product_code:code>", views.ProductDetailView.as_view(), name="product"),
    path("documents", views.DocumentListView.as_view(), name="documents"),
    path("documents/<uuid:document_id>", views.DocumentDetailView.as_view(), name="document"),
    path("documents/<uuid:document_id>/pdf", views.DocumentPdfView.as_view(), name="document-pdf"),
    path("me/auxiliary-items", views.AuxiliaryItemsView.as_view(), name="auxiliary-items"),
    path("applications", steps.ApplicationListView.as_view(), name="applications"),
    path("applications/<uuid:application_id>", steps.ApplicationDetailView.as_view(), name="application"),
    path("applications/<uuid:application_id>/signatures", steps.SignatureView.as_view(), name="signatures"),
    path("applications/<uuid:application_id>/verifications", steps.VerificationView.as_view(), name="verifications"),
    path("applications/<uuid:application_id>/assessment", steps.AssessmentView.as_view(), name="assessment"),
    path("applications/<uuid:application_id>/contest", steps.ContestView.as_view(), name="contest"),
    path("applications/<uuid:application_id>/cancellation", steps.CancellationView.as_view(), name="cancellation"),
    path("credit-lines", views.CreditLineListView.as_view(), name="credit-lines"),
    path("credit-lines/<uuid:line_id>", views.CreditLineDetailView.as_view(), name="credit-line"),
    path("credit-lines/<uuid:line_id>/rate-reviews", views.RateReviewListView.as_view(), name="rate-reviews"),
    path("credit-lines/<uuid:line_id>/limit-raises", views.LimitRaiseListView.as_view(), name="limit-raises"),
    path("credit-lines/<uuid:line_id>/appeals", evidence.AppealListView.as_view(), name="appeals"),
    path("credit-lines/<uuid:line_id>/asset-proofs", evidence.AssetProofListView.as_view(), name="asset-proofs"),
    path("", include("risk.feeds.urls")),
]
