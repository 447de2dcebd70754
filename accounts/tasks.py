"""The bell of text messages. What is due stands in the database."""

from celery import shared_task
from django.utils import timezone

from accounts.services.sms import sms_send_due
from weilidai.lib.business_date import current_business_date

PAGES_MAX = 20


@shared_task(name="accounts.sms_send_due")
def sms_send_due_task() -> int:
    """Notices looked at in this ring; what is left over waits for the next."""
    done = 0
    for _ in range(PAGES_MAX):
        page = sms_send_due(at=timezone.now(), as_of=current_business_date())
        if not page:
            break
        done += page
    return done
