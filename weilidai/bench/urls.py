"""Every address of the platform, and the bare ones under /bare/. Served by the benchmarks only."""

from django.urls import include, path

from weilidai.bench.bare import stored_read, written

urlpatterns = [
    path("bare/stored/<uuid:customer_id>/", stored_read),
    path("bare/written/<uuid:line_id>/", written),
    path("", include("weilidai.urls")),
]
