from django.urls import path

from accounts.api import views

urlpatterns = [
    path("auth/token", views.TokenView.as_view(), name="auth-token"),
    path("auth/logout", views.LogoutView.as_view(), name="auth-logout"),
    path("auth/logout-all", views.LogoutAllView.as_view(), name="auth-logout-all"),
    path("me", views.MeView.as_view(), name="me"),
    path("me/identity", views.IdentityView.as_view(), name="me-identity"),
    path("me/bank-cards", views.BankCardList.as_view(), name="me-bank-cards"),
    path("me/payment-password", views.PaymentPasswordView.as_view(), name="me-payment-password"),
    path("me/consents", views.ConsentList.as_view(), name="me-consents"),
    path("me/consents/<slug:code>/withdrawal", views.ConsentWithdrawal.as_view(), name="me-consent-withdrawal"),
    path("me/export", views.ExportView.as_view(), name="me-export"),
    path("me/deletion", views.DeletionView.as_view(), name="me-deletion"),
    path("me/devices", views.DeviceList.as_view(), name="me-devices"),
    path("me/devices/<uuid:device_id>/verification", views.DeviceVerification.as_view(), name="me-device-verification"),
    path("notifications", views.NotificationList.as_view(), name="notifications"),
    path("notifications/<uuid:notification_id>", views.NotificationDetail.as_view(), name="notification"),
]
