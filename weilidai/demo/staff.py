"""One member of staff per role, with a password made up on the spot and shown once."""

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.crypto import get_random_string

from accounts.models import StaffUser
from accounts.roles import ROLES, roles_sync
from weilidai.lib.audit import Actor, audit_record

NAMES = {
    "credit_officer": "林静",
    "risk_analyst": "周敏",
    "collector": "马超",
    "finance": "何平",
    "supervisor": "郭伟",
    "auditor": "孙艳",
    "administrator": "管理员",
}


@transaction.atomic
def staff_create() -> list[tuple[str, str, str]]:
    """(user name, role, password) of the accounts made now; none for those that exist."""
    roles_sync()
    made = []
    for role in ROLES:
        username = "admin" if role == "administrator" else role
        if StaffUser.objects.filter(username=username).exists():
            continue
        password = get_random_string(14)
        user = StaffUser.objects.create_user(
            username, password=password, is_staff=True, display_name=NAMES[role], is_superuser=role == "administrator"
        )
        user.groups.add(Group.objects.get(name=role))
        audit_record(action="staff.create", actor=Actor.system("demo"), subject=user, after={"role": role})
        made.append((username, role, password))
    return made
