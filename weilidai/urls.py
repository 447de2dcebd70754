"""Every address of the platform: the back office, the customer API, its documentation, health and metrics."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from weilidai import fallbacks, health
from weilidai.backoffice.images import stored_image
from weilidai.backoffice.sign_in import enrol, own_password

api: list[URLPattern | URLResolver] = [
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
    # Looked through in this order: what is called most first.
    path("", include("loans.api.urls")),
    path("", include("accounts.api.urls")),
    path("", include("risk.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/"), name="root"),
    path("admin/second-factor/", admin.site.admin_view(enrol), name="second-factor"),
    path("admin/password_change/", admin.site.admin_view(own_password), name="own-password"),
    path("admin/pictures/<uuid:image_id>/", admin.site.admin_view(stored_image), name="stored-image"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1/", include(api)),
    path("api/<path:rest>", fallbacks.api_not_found),
]

handler400 = fallbacks.bad_request
handler403 = fallbacks.permission_denied
handler404 = fallbacks.page_not_found
handler500 = fallbacks.server_error
