"""`field__among=keys`: as `__in`, for hundreds of keys at once.

PostgreSQL is given them as one array. With a place for each, Django and the driver take longer to write the statement
than the database to answer it.
"""

from typing import Any

from django.db.models import Lookup, UUIDField
from django.db.models.fields.related import ForeignObject
from django.db.models.lookups import In


@UUIDField.register_lookup
@ForeignObject.register_lookup
class Among(Lookup[Any]):
    """Plain keys only, no objects."""

    lookup_name = "among"

    def get_prep_lookup(self) -> Any:
        return list(self.rhs)

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, self.rhs]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return compiler.compile(In(self.lhs, self.rhs))
