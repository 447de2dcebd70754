from django.conf import settings

from accounts.errors import ProviderUnavailable, WechatCodeRefused
from accounts.providers.http.client import call

# WeChat's answers for a code that is wrong, used or expired.
REFUSED = {40029, 40163, 41008, 42003}


class Provider:
    """Code exchange of WeChat mini programs: `GET {url}/sns/jscode2session`."""

    def openid_of(self, code: str) -> str:
        config = settings.PROVIDERS["wechat"]
        answer = call(
            "wechat",
            "GET",
            "/sns/jscode2session",
            params={
                "appid": config["key_id"],
                "secret": config["secret"],
                "js_code": code,
                "grant_type": "authorization_code",
            },
        )
        openid = answer.get("openid")
        if isinstance(openid, str) and openid:
            return openid
        if answer.get("errcode") in REFUSED:
            raise WechatCodeRefused
        raise ProviderUnavailable
