"""Every address of the platform, and the bare ones under /bare/. Served by the benchmarks only."""

from django.urls import include, path

from weilidai.bench.bare import stored_read

urlpatterns = [
    path("bare/stored/<uuid:customer_id>/", stored_read),
    path("", include("weilidai.urls")),
]
