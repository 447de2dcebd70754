"""The twelve layers at a loan beside zen-engine, a rules engine in Rust: one core, the same figures and inputs.

Before the clock starts both must give every customer of the round the same verdict. Both are made ready once and are
asked with ready inputs, so that neither pays for a database.
"""

import json
from collections import Counter
from itertools import cycle
from random import Random
from typing import Any

import zen

from risk.rules.screening import LAYERS, Program, definition_check, program_of
from risk.rules.screening.spec import CHALLENGE, ENFORCED, LOAN, STRENGTH, VERDICTS
from risk.services.presets import PRESETS
from weilidai.bench.measure import Result, Sizes, rate
from weilidai.lib.chance import seeded

CUSTOMERS = 400
BASELINE = "zen-engine, the same rules and inputs"
# Each condition in zen's language; {name} is the layer's figure.
RULES: dict[str, str] = {
    "denied_here": "len(deny_list.entries) > 0",
    "denied_by_bureau": "deny_list.bureau == true",
    "holder_differs": "identity_consistency.holder_matches == false",
    "card_shared": "identity_consistency.card_customers > {card_customers_max}",
    "phone_shared": "identity_consistency.phone_customers > {phone_customers_max}",
    "new_device": "device_fingerprint.verified == false",
    "device_shared": "device_fingerprint.customers > {device_customers_max}",
    "emulator": "some({emulator_words}, contains(lower(device_fingerprint.agent), #))",
    "unusual_place": "geolocation.city != null and geolocation.city != '' and len(geolocation.usual) > 0"
    " and not (geolocation.city in geolocation.usual)",
    "loan_too_often": "count(behaviour_frequency.times, # < {loan_minutes} * 60) > {loan_max}",
    "single_transfer": "single_amount.transfer != null and number(single_amount.transfer.amount) > {transfer_amount}",
    "single_loan": "single_amount.loan != null and number(single_amount.loan) > {loan_amount}",
    "loans_count_24h": "velocity.count_24h > {count_24h_max}",
    "loans_amount_24h": "number(velocity.amount_24h) > {amount_24h_max}",
    "loans_count_7d": "velocity.count_7d > {count_7d_max}",
    "loans_amount_7d": "number(velocity.amount_7d) > {amount_7d_max}",
    "friends_in_trouble": "relationship_network.friends >= {friends_min} and relationship_network.troubled >"
    " relationship_network.friends * {troubled_share_max}",
    "mutual_transfers": "relationship_network.ring != null and"
    " number(relationship_network.ring.amount) > {mutual_amount}",
    "debts_elsewhere_high": "debts_elsewhere.debts != null and number(debts_elsewhere.debts) > {debts_max}",
    "monthly_due_elsewhere_high": "debts_elsewhere.monthly_due != null and"
    " number(debts_elsewhere.monthly_due) > {monthly_due_max}",
    "accounts_high": "debts_elsewhere.accounts != null and debts_elsewhere.accounts > {accounts_max}",
    "worst_days_high": "credit_history.worst_days != null and credit_history.worst_days > {worst_days_max}",
    "inquiries_high": "credit_history.inquiries != null and credit_history.inquiries > {inquiries_max}",
    "own_days_high": "credit_history.own_days != null and credit_history.own_days > {own_days_max}",
    "forbidden_purpose": "purpose.purpose in {forbidden}",
    "misused_before": "purpose.misused > 0",
    "dues_above_income": "repayment_capacity.income != null and number(repayment_capacity.due) >"
    " number(repayment_capacity.income) * {due_share_max}",
}
ANSWERED = "device_fingerprint.verified_minutes != null and device_fingerprint.verified_minutes < {minutes}"


def layers(sizes: Sizes) -> list[Result]:
    """Screenings of a loan a second."""
    definition = json.loads((PRESETS / "screening.json").read_text(encoding="utf-8"))["definition"]
    definition_check(definition)
    program, decision = program_of(definition), zen.ZenEngine().create_decision(json.dumps(graph(definition)))
    people = customers(sizes[0] if sizes else CUSTOMERS)
    verdicts = agree(program, decision, people)
    ours, theirs = cycle(people), cycle(people)
    # `rate` counts calls; the next customer of the round each time.
    own = rate(lambda: program.run(next(ours)))
    other = rate(lambda: decision.evaluate(next(theirs)))
    figures = {"conditions": float(_conditions(program)), **{f"of which {name}": float(n) for name, n in verdicts}}
    return [Result("layers", own, BASELINE, other, len(people), figures)]


def agree(program: Program, decision: Any, people: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """How often each verdict was given, strongest last; a difference between the two stops the case."""
    seen: Counter[str] = Counter()
    for person in people:
        own = program.run(person)["verdict"]
        other = VERDICTS[int(decision.evaluate(person)["result"]["overall"])]
        if own != other:
            raise AssertionError(f"{own} here, {other} by zen-engine: {json.dumps(person, ensure_ascii=False)}")
        seen[own] += 1
    return [(verdict, seen[verdict]) for verdict in VERDICTS if seen[verdict]]


def _conditions(program: Program) -> int:
    return sum(len(step.tests or ()) for step in program.steps[LOAN])


def graph(definition: dict[str, Any]) -> dict[str, Any]:
    """The pipeline at a loan as one node of expressions: each condition's strength, and the strongest of the enforced.

    A challenge answered within `challenge_minutes` does not ask again.
    """
    answered = ANSWERED.format(minutes=definition["challenge_minutes"])
    rows = [("answered", f"({answered}) ? 1 : 0")]
    acting = []
    for row in definition["layers"]:
        for condition in LAYERS[row["layer"]].conditions:
            if LOAN not in row["events"] or LOAN not in condition.events:
                continue
            verdict = row["verdicts"][condition.name]
            rule = RULES[condition.name].format(**{name: _literal(value) for name, value in row["parameters"].items()})
            rows.append((condition.name, f"({rule}) ? {STRENGTH[verdict]} : 0"))
            if row["mode"] == ENFORCED:
                asked = f"$.{condition.name}"
                acting.append(f"($.answered == 1 ? 0 : {asked})" if verdict == CHALLENGE else asked)
    rows.append(("overall", f"max([{', '.join(acting)}, 0])"))
    expressions = [{"id": str(number), "key": key, "value": value} for number, (key, value) in enumerate(rows)]
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "rules", "name": "rules", "type": "expressionNode", "content": {"expressions": expressions}},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [("in", "rules"), ("rules", "out")]
    return {
        "nodes": nodes,
        "edges": [{"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"} for a, b in edges],
    }


def _literal(value: Any) -> str:
    """A figure as zen writes it: text parameters are numbers, lists are lists of words."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def customers(number: int) -> list[dict[str, Any]]:
    """Inputs of loans around every edge; the same at every run."""
    dice = seeded(1)
    return [_customer(dice) for _ in range(number)]


def _customer(dice: Random) -> dict[str, Any]:
    def rare(value: Any, other: Any, share: float = 0.03) -> Any:
        return value if dice.random() < share else other

    minutes = dice.choice([5, 29, 30, 600])
    verified = rare(False, True)
    return {
        "event": LOAN,
        "deny_list": {"entries": rare([{"kind": "ip", "entry": "1", "reason": "x"}], []), "bureau": rare(True, False)},
        "identity_consistency": {"holder_matches": rare(False, True), "card_customers": dice.randint(0, 4),
                                 "phone_customers": rare(6, 1)},
        "device_fingerprint": {"fingerprint": "d0", "verified": verified,
                               "verified_minutes": minutes if verified else None, "customers": rare(6, 0),
                               "agent": rare("SDK_gphone64", "Mate 60")},
        "geolocation": {"city": dice.choice(["Shenzhen", "Shenzhen", "Shenzhen", None]), "ip": None,
                        "usual": rare(["Harbin"], ["Shenzhen"]), "source": "ip"},
        "behaviour_frequency": {"times": [dice.randint(0, 7200) for _ in range(rare(200, 3))]},
        "single_amount": {"loan": dice.choice(["1000.00", "50000.00", "50000.01"]), "transfer": rare(
            {"amount": dice.choice(["5000.00", "5000.01"]), "date": "2026-11-20", "row": "t"}, None, 0.2)},
        "velocity": {"count_24h": 1, "amount_24h": rare("150000.01", "1000.00"), "count_7d": rare(301, 2),
                     "amount_7d": "1000.00"},
        "relationship_network": {"friends": dice.randint(0, 20), "troubled": dice.randint(0, 3), "ring": rare(
            {"amount": "3000.01", "counterparty": "bob", "sent": "3000.01", "received": "9000.00"}, None)},
        "debts_elsewhere": {"debts": rare("500000.01", "9000.00"), "monthly_due": rare("30000.01", "500.00"),
                            "accounts": rare(21, 2)},
        "credit_history": {"worst_days": rare(90, None), "inquiries": dice.randint(0, 16), "own_days": rare(31, 0)},
        "purpose": {"purpose": rare("gambling", "daily"), "misused": 0},
        "repayment_capacity": {"income": rare(None, "6000.00"), "due": dice.choice(["4200.00", "4200.01"])},
    }  # fmt: skip
