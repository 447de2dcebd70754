"""What the rules about people say no to; codes are those a client can rely on."""

from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError


class WechatCodeRefused(DomainError):
    code = "wechat_code_invalid"
    title = _("The WeChat log-in code is not valid")
    http_state = 401


class ProviderUnavailable(DomainError):
    code = "provider_unavailable"
    title = _("An institution does not answer, please try again later")
    http_state = 503


class IdentityNotVerified(DomainError):
    code = "identity_not_verified"
    title = _("Please verify your identity card first")
    http_state = 409


class IdentityRefused(DomainError):
    code = "identity_refused"
    title = _("The identity could not be verified")
    http_state = 422


class IdentityFixed(DomainError):
    code = "identity_already_verified"
    title = _("A verified identity cannot be changed")
    http_state = 409


class BankCardRequired(DomainError):
    code = "bank_card_required"
    title = _("Please bind a bank card of your own first")
    http_state = 409


class BankCardNotOwn(DomainError):
    code = "bank_card_not_own"
    title = _("The bank card must be in your own name")
    http_state = 422


class BankCardRefused(DomainError):
    code = "bank_card_refused"
    title = _("The bank could not verify this card")
    http_state = 422


class PaymentPasswordMissing(DomainError):
    code = "payment_password_required"
    title = _("Please set a payment password first")
    http_state = 409


class PaymentPasswordWrong(DomainError):
    code = "payment_password_wrong"
    title = _("The payment password is wrong")
    http_state = 422


class PaymentPasswordLocked(DomainError):
    code = "payment_password_locked"
    title = _("The payment password is locked")
    http_state = 423


class VerificationFailed(DomainError):
    code = "verification_failed"
    title = _("The verification failed. Please use good light and speak clearly.")
    http_state = 422


class VerificationLocked(DomainError):
    code = "verification_locked"
    title = _("Too many failed verifications. Please use good light next time.")
    http_state = 423


class DeviceIdRequired(DomainError):
    code = "device_id_required"
    title = _("The header X-Device-Id is missing or not valid")
    http_state = 400


class DeviceNotVerified(DomainError):
    code = "device_not_verified"
    title = _("Please verify this new device first")
    http_state = 403


class DeletionRefused(DomainError):
    code = "deletion_not_possible"
    title = _("Personal data cannot be deleted while a credit line or debt is open")
    http_state = 409


class ContactQuietHours(DomainError):
    code = "contact_quiet_hours"
    title = _("Nobody may be contacted about a debt at this hour")
    http_state = 409


class ContactDailyLimit(DomainError):
    code = "contact_daily_limit"
    title = _("This number was contacted about a debt often enough today")
    http_state = 409


class ContactNotOwnNumber(DomainError):
    code = "contact_not_own_number"
    title = _("A debt is spoken of with the customer only, on the customer's own number")
    http_state = 409


class ChangePending(DomainError):
    code = "change_pending"
    title = _("A change of this object already waits for a second person")
    http_state = 409


class ChangeOutdated(DomainError):
    code = "change_outdated"
    title = _("The object has changed since the request: refuse it and ask again")
    http_state = 409


class SecondFactorMissing(DomainError):
    code = "second_factor_missing"
    title = _("This person has no second factor that could be reset")
    http_state = 409
