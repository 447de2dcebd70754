from django.urls import path

from risk.feeds.api import FeedView

urlpatterns = [path("feeds/<slug:kind>", FeedView.as_view(), name="feed")]
