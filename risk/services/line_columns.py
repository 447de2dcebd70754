"""What runs over many credit lines copy of each change: columns of `LineChange` and of `AuditEvent`, in their order."""

CHANGE = (
    "id", "credit_line_id", "customer_id", "business_date", "at", "reason", "actor_name", "old_limit_amount",
    "new_limit_amount", "old_daily_rate", "new_daily_rate", "old_tier", "new_tier",
)  # fmt: skip
TRAIL = (
    "id", "at", "business_date", "action", "actor_kind", "actor_id", "actor_name", "subject_type", "subject_id",
    "customer_id", "before", "after", "reason",
)  # fmt: skip
