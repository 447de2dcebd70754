from accounts.providers.types import Check

UNKNOWN_PERSON = "查无此人"


class Provider:
    """Every valid number passes unless nobody of that name is found."""

    def check(self, name: str, id_number: str) -> Check:
        return Check(name != UNKNOWN_PERSON, f"sandbox-{id_number[-4:]}")
