"""The quarter's review: every line once, with one change and one audit row for each that changed."""

from dataclasses import dataclass


@dataclass
class Review:
    size: int
    cut_at: float = 0.3

    def begin(self) -> None:
        """The lines of the benchmark `review`, committed, and the quarter's review of them begun."""
        from django.db import connection, transaction

        from risk.services.rate_review import rate_review_begin
        from weilidai.bench import review

        with transaction.atomic():
            with connection.cursor() as cursor:
                # The lines of the benchmark have no applications behind them.
                cursor.execute("SET LOCAL session_replication_role = replica")
            review._lines_create(self.size)
        rate_review_begin(quarter=review.QUARTER, as_of=review.QUARTER, at=review.AT)

    def ring(self) -> None:
        from risk.tasks import rate_review_advance_task

        rate_review_advance_task.apply_async(expires=30)

    def done(self) -> float:
        from risk.models import RateReview

        return RateReview.objects.count() / self.size

    def finished(self) -> bool:
        from risk.models import RateReviewRun

        return RateReviewRun.objects.get().state == "done"

    def check(self) -> dict[str, int]:
        from django.db.models import F

        from risk.models import CreditLine, LineChange, RateReview, RateReviewRun
        from risk.selectors.line_runs import run_progress
        from weilidai.lib.models import AuditEvent

        reviews = RateReview.objects.count()
        once = RateReview.objects.values("credit_line").distinct().count()
        changed = RateReview.objects.exclude(
            old_daily_rate=F("new_daily_rate"), old_tier=F("new_tier"), old_limit_amount=F("new_limit_amount")
        ).count()
        changes = LineChange.objects.count()
        audited = AuditEvent.objects.filter(action="credit_line.change").count()
        stands = CreditLine.objects.filter(
            rate_reviews__new_daily_rate=F("daily_rate"), rate_reviews__new_limit_amount=F("limit_amount")
        ).count()
        progress = run_progress(RateReviewRun.objects.get())
        undone = progress.total - progress.done
        if not (reviews == once == stands == self.size and changed == changes == audited and not undone):
            raise SystemExit(f"wrong: {reviews=} {once=} {stands=} {changed=} {changes=} {audited=} {undone=}")
        return {"reviews": reviews, "changes": changes, "audit rows": audited}
