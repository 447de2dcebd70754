"""The collectors' desk: a queue, a page per task with everything on it, and what can be done (R60)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from loans.admin.collection_dashboard import CollectionDashboard
from loans.admin.collection_file import OUTCOMES, PROMISE_TONES, TASK_TONES, task_file
from loans.admin.collection_forms import (
    WORK,
    CallForm,
    DisputeForm,
    HandOverForm,
    HardshipForm,
    NoteForm,
    OutcomeForm,
    PriorityForm,
    PromiseForm,
)
from loans.models import CollectionAction, CollectionStep, CollectionTask, Outcome, PaymentPromise, TaskState
from loans.selectors.collection import OPEN_TASKS
from loans.selectors.collection_page import phones_of, tasks_of
from loans.services.collection_contact import Told, call_begin, call_finish, hardship_record, note_add, open_call
from loans.services.collection_task import (
    dispute_end,
    queue,
    task_assign,
    task_claim_next,
    task_priority_set,
    task_release,
    task_take,
)
from weilidai.lib.backoffice import (
    ConfirmForm,
    ReadOnlyAdmin,
    ReasonForm,
    act,
    acts_within,
    badge,
    finish,
    may,
    staff_of,
    when,
)
from weilidai.lib.business_date import current_business_date

DIRECT = "loans.direct_collections"
# What is offered while a call is open, and while none is.
IN_CALL = {"promise", "dispute", "outcome"}
IN_HAND = {"call", "note", "hardship", "release"}
OF_SUPERVISOR = {"hand_over", "urgency", "dispute_over"}


class DeskFilter(admin.SimpleListFilter):
    """The queue is what one sees first."""

    title = _("show")
    parameter_name = "desk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("queue", _("Waiting today")), ("mine", _("My tasks")), ("open", _("All open ones")),
            ("disputed", _("Disputed")), ("all", _("Closed ones too")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[CollectionTask]) -> Any:
        match self.value():
            case "all":
                return queryset
            case "mine":
                return queryset.filter(pk__in=tasks_of(staff_of(request)).values("pk"))
            case "disputed":
                return queryset.filter(is_disputed=True, state__in=OPEN_TASKS)
            case "queue":
                return queryset.filter(pk__in=queue(current_business_date()).order_by().values("pk"))
        return queryset.filter(state__in=OPEN_TASKS)


class TaskActs:
    """What a collector, and a supervisor, does on the page of a task."""

    detail_url: Any

    def _do(self, request: HttpRequest, object_id: str, call: Callable[[], Any], success: Any) -> HttpResponse:
        return finish(request, self.detail_url(object_id), call, success)

    def _end_call(self, request: HttpRequest, object_id: str, told: Told, success: Any) -> HttpResponse:
        return self._do(
            request,
            object_id,
            lambda: call_finish(task_id=UUID(object_id), user=staff_of(request), told=told, **when()),
            success,
        )

    @act(
        title=_("Take it"), warning=_("The task is yours until you give it back."), permission=WORK, form=ConfirmForm,
        icon="back_hand",
    )  # fmt: skip
    def take(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self._do(
            request,
            object_id,
            lambda: task_take(task_id=UUID(object_id), user=staff_of(request), **when()),
            _("The task is yours."),
        )

    @act(
        title=_("Call"),
        warning=_("The attempt is counted before you dial. To nobody but the customer a word of debt."),
        permission=WORK,
        form=CallForm,
        icon="call",
    )
    def call(self, request: HttpRequest, form: CallForm, object_id: str) -> HttpResponse:
        task = CollectionTask.objects.select_related("customer").filter(pk=object_id).first()
        if task is None:
            raise Http404
        number = next((row.number for row in phones_of(task) if row.key == form.cleaned_data["phone"]), "")

        def begin() -> None:
            call_begin(task_id=UUID(object_id), user=staff_of(request), phone=number, **when())
            # Shown once; the attempt just recorded tells who saw it and when.
            messages.warning(request, translate("Please dial {number}").format(number=number))

        return self._do(request, object_id, begin, _("The call is counted. Please tell how it ended."))

    @act(
        title=_("Promised to pay"), warning=_("The customer is left in peace until the end of that day."),
        permission=WORK, form=PromiseForm, icon="handshake",
    )  # fmt: skip
    def promise(self, request: HttpRequest, form: PromiseForm, object_id: str) -> HttpResponse:
        data = form.cleaned_data
        told = Told(
            outcome=Outcome.PROMISED, note=data["note"], promise_amount=data["promise_amount"],
            promise_date=data["promise_date"],
        )  # fmt: skip
        return self._end_call(request, object_id, told, _("The promise is kept in mind."))

    @act(
        title=_("Disputes the debt"), warning=_("Nobody calls or writes until the dispute is answered."),
        permission=WORK, form=DisputeForm, icon="gavel",
    )  # fmt: skip
    def dispute(self, request: HttpRequest, form: DisputeForm, object_id: str) -> HttpResponse:
        told = Told(outcome=Outcome.DISPUTED, note=form.cleaned_data["note"])
        return self._end_call(request, object_id, told, _("The dispute is recorded."))

    @act(
        title=_("Another outcome"), warning=_("Without a day the task comes up again by the outcome."),
        permission=WORK, form=OutcomeForm, icon="call_end",
    )  # fmt: skip
    def outcome(self, request: HttpRequest, form: OutcomeForm, object_id: str) -> HttpResponse:
        data = form.cleaned_data
        told = Told(data["outcome"], note=data["note"], next_action_date=data["next_action_date"])
        return self._end_call(request, object_id, told, _("The outcome is recorded."))

    @act(
        title=_("Add note"), warning=_("Notes stay with the case and cannot be changed."), permission=WORK,
        form=NoteForm, icon="sticky_note_2",
    )  # fmt: skip
    def note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        data = {name: form.cleaned_data[name] for name in ("note", "next_action_date")}
        return self._do(
            request,
            object_id,
            lambda: note_add(task_id=UUID(object_id), user=staff_of(request), **data, **when()),
            _("The note is kept."),
        )

    @act(
        title=_("Wish for relief"),
        warning=_("An alert tells those who can offer another schedule. The next call waits a week."),
        permission=WORK,
        form=HardshipForm,
        icon="volunteer_activism",
    )
    def hardship(self, request: HttpRequest, form: HardshipForm, object_id: str) -> HttpResponse:
        wish = form.cleaned_data["wish"]
        return self._do(
            request,
            object_id,
            lambda: hardship_record(task_id=UUID(object_id), user=staff_of(request), wish=wish, **when()),
            _("The wish is passed on."),
        )

    @act(
        title=_("Give it back"), warning=_("Somebody else can take it at once."), permission=WORK, form=ConfirmForm,
        icon="undo",
    )  # fmt: skip
    def release(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self._do(
            request,
            object_id,
            lambda: task_release(task_id=UUID(object_id), user=staff_of(request), **when()),
            _("The task is back in the queue."),
        )

    @act(
        title=_("Hand over"), warning=_("The task goes to this collector, whoever has it."), permission=DIRECT,
        form=HandOverForm, icon="person_add",
    )  # fmt: skip
    def hand_over(self, request: HttpRequest, form: HandOverForm, object_id: str) -> HttpResponse:
        data = {name: form.cleaned_data[name] for name in ("to", "reason")}
        return self._do(
            request,
            object_id,
            lambda: task_assign(task_id=UUID(object_id), user=staff_of(request), **data, **when()),
            _("The task is handed over."),
        )

    @act(
        title=_("Set the urgency"), warning=_("9 is the most urgent."), permission=DIRECT, form=PriorityForm,
        icon="priority_high",
    )  # fmt: skip
    def urgency(self, request: HttpRequest, form: PriorityForm, object_id: str) -> HttpResponse:
        data = {name: form.cleaned_data[name] for name in ("priority", "reason")}
        return self._do(
            request,
            object_id,
            lambda: task_priority_set(task_id=UUID(object_id), user=staff_of(request), **data, **when()),
            _("The urgency is set."),
        )

    @act(title=_("End the dispute"), warning=_("It was answered: the steps go on."), permission=DIRECT, icon="task_alt")
    def dispute_over(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._do(
            request,
            object_id,
            lambda: dispute_end(task_id=UUID(object_id), user=staff_of(request), reason=reason, **when()),
            _("The dispute is over."),
        )


@admin.register(CollectionTask)
class CollectionTaskAdmin(TaskActs, CollectionDashboard, ReadOnlyAdmin):
    list_display = ("customer", "state_badge", "priority", "bucket", "overdue_amount", "overdue_since_date",
                    "next_action_date", "last_word", "is_disputed", "assigned_to")  # fmt: skip
    list_filter = (DeskFilter, "bucket", "priority")
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "assigned_to")
    ordering = ("-priority", "overdue_since_date", "id")
    actions_list = ["take_next", *ReadOnlyAdmin.actions_list]
    actions_detail = ["take", "call", "promise", "dispute", "outcome", "note", "hardship", "release", "hand_over",
                      "urgency", "dispute_over"]  # fmt: skip
    change_form_template = "backoffice/collection_task.html"

    def get_urls(self) -> list[Any]:
        return [*self.dashboard_urls(), *super().get_urls()]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, task: CollectionTask) -> SafeString:
        return badge(TASK_TONES[task.state], task.get_state_display())

    @admin.display(description=_("last outcome"), ordering="last_outcome")
    def last_word(self, task: CollectionTask) -> str:
        return str(OUTCOMES.get(task.last_outcome, "–"))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only what this person can do with this task now."""
        task = CollectionTask.objects.filter(pk=object_id).exclude(state=TaskState.CLOSED).first()
        if task is None:
            return []
        allowed = OF_SUPERVISOR - ({"dispute_over"} if not task.is_disputed else set())
        if task.assigned_to_id == request.user.pk:
            allowed |= IN_CALL | {"note"} if open_call(task) is not None else IN_HAND
        elif task.assigned_to_id is None:
            allowed |= {"take"}
        return acts_within(self, super().get_actions_detail(request, object_id), allowed)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        task = self.get_object(request, object_id)
        extra = task_file(task, current_business_date(), timezone.now(), request.user) if task is not None else {}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return page

    @action(
        description=_("Take the next one"),
        url_path="take-next",
        icon="play_arrow",
        permissions=[may(WORK)],
        dialog={
            "title": _("Take the next one"),
            "description": _("The most urgent task nobody has becomes yours."),
            "form_class": ConfirmForm,
            "form_submit_text": _("Take it"),
        },
    )
    def take_next(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        task = task_claim_next(user=staff_of(request), **when())
        url = self.list_url() if task is None else self.detail_url(task.pk)
        if task is None:
            messages.info(request, translate("No task waits today."))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": url})
        return redirect(url)


@admin.register(PaymentPromise)
class PaymentPromiseAdmin(ReadOnlyAdmin):
    list_display = ("promised_date", "customer", "amount", "due_date", "state_badge", "received_amount",
                    "decided_date", "staff")  # fmt: skip
    list_filter = ("state",)
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "staff")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, promise: PaymentPromise) -> SafeString:
        return badge(PROMISE_TONES[promise.state], promise.get_state_display())


@admin.register(CollectionAction)
class CollectionActionAdmin(ReadOnlyAdmin):
    list_display = ("at", "customer", "kind", "outcome", "note", "staff")
    list_filter = ("kind", "outcome")
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "staff")


@admin.register(CollectionStep)
class CollectionStepAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "loan", "code", "bucket", "segment", "template", "result")
    list_filter = ("result", "bucket")
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan")
