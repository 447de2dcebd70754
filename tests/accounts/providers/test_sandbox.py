from decimal import Decimal

import pytest
from pytest_django import Settings as Settings

from accounts.errors import ProviderUnavailable, WechatCodeRefused
from accounts.providers import provider
from accounts.providers.sandbox.face import Provider as Face
from accounts.providers.sandbox.identity import Provider as Identity
from accounts.providers.sandbox.sms import Provider as Sms
from accounts.providers.sandbox.wechat import Provider as Wechat

LIMIT = Decimal("0.003")


def test_code_names_the_openid() -> None:
    assert Wechat().openid_of("sandbox:alice") == "alice"


@pytest.mark.parametrize(
    "code", ["alice", "sandbox:", "sandbox: ", "Sandbox:alice", "sandbox:a\tb", "sandbox:" + "x" * 129]
)
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(WechatCodeRefused):
        Wechat().openid_of(code)


def test_everybody_is_known_but_one() -> None:
    assert Identity().check("张三", "11010519491231002X").passed
    assert not Identity().check("查无此人", "11010519491231002X").passed


@pytest.mark.req("R11")
@pytest.mark.parametrize(
    ("token", "counts"),
    [
        ("ok", True),
        ("bad", False),
        ("rate:0.0029", True),
        ("rate:0.002999", True),
        ("rate:0.003", False),
        ("rate:0.0030", False),
        ("rate:0.5", False),
        ("rate:0", True),
        ("rate:-0.1", False),
        ("rate:NaN", False),
        ("rate:-Infinity", False),
        ("rate:", False),
        ("rate:x", False),
        ("", False),
        ("OK", False),
    ],
)
def test_a_pass_counts_only_under_the_error_rate(token: str, counts: bool) -> None:
    assert Face().liveness(token).counts(LIMIT) is counts
    assert Face().voiceprint(token).counts(LIMIT) is counts


def test_settings_choose_the_institution(settings: Settings) -> None:
    assert provider("wechat").__module__ == "accounts.providers.sandbox.wechat"
    settings.PROVIDERS = {**settings.PROVIDERS, "wechat": {"kind": "http"}}
    assert provider("wechat").__module__ == "accounts.providers.http.wechat"


@pytest.mark.parametrize(("phone", "delivered"), [("13800138000", True), ("13800138051", False)])
def test_the_number_says_whether_a_message_arrives(phone: str, delivered: bool) -> None:
    assert Sms().send("r", phone, "x").passed is delivered


def test_a_silent_provider_on_demand() -> None:
    with pytest.raises(ProviderUnavailable):
        Sms().send("r", "13800138052", "x")
