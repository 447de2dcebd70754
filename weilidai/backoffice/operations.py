"""Pages about the running of the house: business days, job runs, audit trail, state changes."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter
from unfold.decorators import action

from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, badge, finish, may
from weilidai.lib.backoffice.told import Told
from weilidai.lib.backoffice.words import actor_word, state_word, subject_word, words_filter
from weilidai.lib.models import AuditEvent, BusinessDay, JobRun, StateChange

JOBS = {
    **{f"end_of_day.{step.name}": step.label for step in STEPS},
    "end_of_day.cut.loan": _("Ranges of loans"),
    "end_of_day.cut.customer": _("Ranges of customers"),
    "books_watch": _("Watch the books"),
}


@admin.register(BusinessDay)
class BusinessDayAdmin(ReadOnlyAdmin):
    list_display = ("date", "state_badge", "follows_clock", "opened_at", "closed_at")
    list_filter = ("state",)
    actions_list = ["close_day", *ReadOnlyAdmin.actions_list]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, day: BusinessDay) -> SafeString:
        return badge(day.state, day.get_state_display())

    @action(
        description=_("Close the business date"),
        url_path="close-day",
        icon="nightlight",
        permissions=[may("lib.change_businessday")],
        dialog={
            "title": _("Close the business date"),
            "description": _("All steps of the end of day run now and the next day opens. This cannot be undone."),
            "form_class": ConfirmForm,
            "form_submit_text": _("Close"),
        },
    )
    def close_day(self, request: HttpRequest, form: Any) -> HttpResponse:
        def call() -> None:
            for day in days_close(steps=STEPS):
                row = BusinessDay.objects.get(date=day)
                audit_record(action="business_day.close", actor=Actor.of(request.user), subject=row, as_of=day)

        return finish(request, self.list_url(), call, _("The day is closed."))


def job_word(job: str) -> str:
    """The name of a nightly step; other jobs show their code."""
    return str(JOBS.get(job, job))


@admin.register(JobRun)
class JobRunAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "job_name", "partition", "state_badge", "progress", "attempts", "started_at",
                    "finished_at", "claimed_by")  # fmt: skip
    list_filter = ("state", ("job", words_filter(job_word)), ("business_date", RangeDateFilter))
    search_fields = ("job",)

    @admin.display(description=_("job"), ordering="job")
    def job_name(self, run: JobRun) -> str:
        return job_word(run.job)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, run: JobRun) -> SafeString:
        return badge(run.state, run.get_state_display())

    @admin.display(description=_("progress"))
    def progress(self, run: JobRun) -> str:
        return f"{run.progress_done:,} / {run.progress_total:,}"


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "actor", "actor_name", "subject", "subject_id", "reason")
    list_filter = (("actor_kind", words_filter(actor_word)), ("at", RangeDateTimeFilter))
    search_fields = ("=subject_id", "=actor_name", "=action")
    export_told = {
        "actor": Told(("actor_kind",), actor_word), "subject": Told(("subject_type",), subject_word),
    }  # fmt: skip

    @admin.display(description=_("kind of actor"), ordering="actor_kind")
    def actor(self, event: AuditEvent) -> str:
        return actor_word(event.actor_kind)

    @admin.display(description=_("object"), ordering="subject_type")
    def subject(self, event: AuditEvent) -> str:
        return subject_word(event.subject_type)


@admin.register(StateChange)
class StateChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "business_date", "subject", "subject_id", "before", "after", "actor_name", "reason")
    list_filter = (("subject_type", words_filter(subject_word)), ("business_date", RangeDateFilter))
    search_fields = ("=subject_id", "=actor_name")
    export_told = {
        "subject": Told(("subject_type",), subject_word),
        "before": Told(("subject_type", "field", "old"), state_word),
        "after": Told(("subject_type", "field", "new"), state_word),
    }

    @admin.display(description=_("object"), ordering="subject_type")
    def subject(self, change: StateChange) -> str:
        return subject_word(change.subject_type)

    @admin.display(description=_("old state"))
    def before(self, change: StateChange) -> str:
        return state_word(change.subject_type, change.field, change.old)

    @admin.display(description=_("new state"))
    def after(self, change: StateChange) -> str:
        return state_word(change.subject_type, change.field, change.new)
