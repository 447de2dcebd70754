from accounts.errors import WechatCodeRefused

PREFIX = "sandbox:"
OPENID_LENGTH_MAX = 128


class Provider:
    """`sandbox:<openid>` logs in as that openid."""

    def openid_of(self, code: str) -> str:
        openid = code.removeprefix(PREFIX).strip()
        if not code.startswith(PREFIX) or not openid or len(openid) > OPENID_LENGTH_MAX or not openid.isprintable():
            raise WechatCodeRefused
        return openid
