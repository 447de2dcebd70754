"""People: customers with their cards, devices, consents and notices; staff and their roles."""

from accounts.models.card import BankCard
from accounts.models.change_request import ChangeRequest, ChangeState
from accounts.models.consent import Consent, ConsentCode
from accounts.models.contact import ContactAttempt, ContactChannel, ContactDay, ContactRule
from accounts.models.customer import Customer, Occupation
from accounts.models.device import Device
from accounts.models.erased import ErasedOpenid
from accounts.models.notification import Notification
from accounts.models.staff import StaffUser
from accounts.models.stored_image import ImagePurpose, StoredImage
from accounts.models.token import CustomerToken
from accounts.models.verification import VerificationAttempt, VerificationPurpose

__all__ = [
    "BankCard",
    "ChangeRequest",
    "ChangeState",
    "Consent",
    "ConsentCode",
    "ContactAttempt",
    "ContactChannel",
    "ContactDay",
    "ContactRule",
    "Customer",
    "CustomerToken",
    "Device",
    "ErasedOpenid",
    "ImagePurpose",
    "Notification",
    "Occupation",
    "StaffUser",
    "StoredImage",
    "VerificationAttempt",
    "VerificationPurpose",
]
