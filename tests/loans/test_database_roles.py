"""The application's own database role can write evidence and read it, and cannot touch it again."""

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from loans.models import Posting
from tests.loans.builders import Borrower
from tests.loans.life import active_loan


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_applications_role_lives_a_loan_and_cannot_touch_the_journal(alice: Borrower):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE weilidai_app")
        call_command("database_roles", "--app", "weilidai_app", "--apply")
        cursor.execute("SET ROLE weilidai_app")
        try:
            active_loan(alice)
            assert Posting.objects.count() == 2
            for statement in ("UPDATE loans_posting SET amount = 1", "DELETE FROM lib_auditevent"):
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    cursor.execute(statement)
        finally:
            cursor.execute("RESET ROLE")


@pytest.mark.django_db
def test_what_is_printed_takes_the_change_of_evidence_away(capsys: pytest.CaptureFixture[str]):
    if connection.vendor != "postgresql":
        pytest.skip("roles exist on PostgreSQL only")
    call_command("database_roles", "--app", 'we"ird')
    *grants, revoke = capsys.readouterr().out.splitlines()
    assert all(line.startswith("GRANT") and line.endswith('TO "weird";') for line in grants)
    assert revoke.startswith("REVOKE UPDATE, DELETE, TRUNCATE ON")
    assert '"loans_posting"' in revoke
