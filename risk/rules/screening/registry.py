"""The twelve, in the order of the specification. A pipeline names each exactly once, in an order of its own."""

from risk.rules.screening.amounts import SINGLE_AMOUNT, VELOCITY
from risk.rules.screening.people import DENY_LIST, DEVICE_FINGERPRINT, IDENTITY_CONSISTENCY
from risk.rules.screening.places import BEHAVIOUR_FREQUENCY, GEOLOCATION
from risk.rules.screening.spec import Condition, Layer
from risk.rules.screening.standing import CREDIT_HISTORY, DEBTS_ELSEWHERE, RELATIONSHIP_NETWORK
from risk.rules.screening.use import PURPOSE, REPAYMENT_CAPACITY

LAYERS: dict[str, Layer] = {
    layer.code: layer
    for layer in (
        DENY_LIST,
        IDENTITY_CONSISTENCY,
        DEVICE_FINGERPRINT,
        GEOLOCATION,
        BEHAVIOUR_FREQUENCY,
        SINGLE_AMOUNT,
        VELOCITY,
        RELATIONSHIP_NETWORK,
        DEBTS_ELSEWHERE,
        CREDIT_HISTORY,
        PURPOSE,
        REPAYMENT_CAPACITY,
    )
}
LAYER_CODES = tuple(LAYERS)
CONDITIONS: dict[str, Condition] = {
    condition.name: condition for layer in LAYERS.values() for condition in layer.conditions
}
