"""Which parts of a URL are secrets, and the URL without them."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import unquote_plus

HIDDEN = "***"
# URLs within URLs beyond this depth are hidden whole, and a URL that does not settle from its host on.
_MOST_NESTED = 4
_MOST_ROUNDS = 8
# RFC 3986, 3.2.1: what stands before an `@` in the authority, which ends at the first `/`, `?` or `#`.
_USER = re.compile(r"(?<=://)[^/?#]*@")
# A password with one of these in it, typed as it is: a colon that no port number follows, and an `@`.
_TORN_USER = re.compile(r"(?<=://)[^/?#@:]*:(?!\d*(?:[/?#]|\Z))\S*@")
_AUTHORITY = re.compile(r"\A[^:/?#]+://[^/?#]*")
_AFTER_AUTHORITY = re.compile(r"\A([^:/?#]*://[^/?#]*/?).*\Z", re.DOTALL)
# A JSON web token (RFC 7519): its header is a JSON object, and `{"` begins with `eyJ` in base64.
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]*(?:\.[\w-]*)+")
# In a path, `name=value` ends with its segment; `~` joins the fields of CDN tokens.
_IN_PATH = re.compile(r"(?<![^/?&;#~=,\s])([^/?&;#~=,\s]+)=([^/?&;#~]*)")
# In a query or fragment a value may hold anything but `&`, `#`, and `;` where that begins another parameter.
_IN_QUERY = re.compile(r"(?<![^/?&;#~=,\s])([^/?&;#~=,\s]+)=((?:[^&;#]|;(?![^&;#=]*=))*)")
# Where camel case begins a new word: `accessToken`, `SAMLResponse`.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# The last word of a parameter's name that makes its value a secret: `X-Amz-Signature`, `client_secret`.
_SECRET_WORDS = frozenset(
    (
        *(
            "pass",
            "passwd",
            "password",
            "passphrase",
            "passcode",
            "pwd",
            "pw",
            "pin",
            "otp",
            "secret",
            "nonce",
        ),
        *("token", "tok", "tkn", "jwt", "bearer", "ticket", "code", "verifier", "assertion", "csrf", "xsrf"),
        *("signature", "sig", "sign", "hmac", "md5", "hdnts", "hdnea", "hdntl", "hdnst"),
        *("auth", "authorization", "key", "credential", "credentials", "cred", "creds"),
        *("session", "sess", "sid", "sessid", "cookie"),
    )
)
# Words that may follow and change nothing: `sessionId`, `token[0]`, `auth_value`.
_TRAILING = frozenset({"id", "value", "val", "data", "str", "string", "raw", "hash", "base", "b"})
# Written as one word in small letters: `accesstoken`, `PHPSESSID`, `sharedaccesskey`.
_SECRET_ENDINGS = (
    *("token", "password", "passwd", "passphrase", "secret", "signature", "credential", "credentials", "jwt"),
    *("apikey", "accesskey", "authkey", "secretkey", "privatekey", "sessionkey", "accountkey", "sharedkey"),
    *("sessionid", "sessid", "authcode", "accesscode", "samlresponse", "samlrequest", "samlart", "authsign"),
)


def redacted(url: str) -> str:
    """A URL with `***` for user and password, tokens, and values of parameters whose name means a secret.

    Parameters are looked for in the path, query and fragment, and in URLs that are values themselves,
    percent-encoded or not. Applied to its own result it changes nothing: a ledger gives back what was shown.
    """
    return _redacted(url, _MOST_NESTED)


def _redacted(url: str, nested: int) -> str:
    # Each round hides more; what it hid may make a parameter of what follows.
    for _ in range(_MOST_ROUNDS):
        shown = _USER.sub(f"{HIDDEN}@", url, count=1)
        shown = shown if HIDDEN in shown else _TORN_USER.sub(f"{HIDDEN}@", shown, count=1)
        authority = _AUTHORITY.match(shown)
        begin = authority.end() if authority else 0
        shown = shown[:begin] + _JWT.sub(HIDDEN, _hide(shown[begin:], nested))
        if shown == url:
            return shown
        url = shown
    return _AFTER_AUTHORITY.sub(rf"\g<1>{HIDDEN}", url)


def names_secret(name: str) -> bool:
    """Whether a parameter of that name holds a secret: `access_token`, `X-Amz-Signature`, `sessionid`."""
    plain = unquote_plus(name)
    words = [word.lower() for word in _WORD.findall(plain)]
    while len(words) > 1 and (words[-1] in _TRAILING or words[-1].isdigit()):
        words.pop()
    if not words:
        return False
    return words[-1] in _SECRET_WORDS or "".join(words).endswith(_SECRET_ENDINGS)


def _hide(rest: str, nested: int) -> str:
    """Path, query and fragment without their secrets.

    A fragment is not sent to the server, so that one without parameters says nothing of what is read, but
    may be a key.
    """
    end = min((place for mark in "?#" if (place := rest.find(mark)) >= 0), default=len(rest))
    parameter = partial(_parameter, nested)
    query, mark, fragment = _IN_QUERY.sub(parameter, rest[end:]).partition("#")
    if fragment and "=" not in fragment:
        fragment = HIDDEN
    return _IN_PATH.sub(parameter, rest[:end]) + query + mark + fragment


def _parameter(nested: int, match: re.Match[str]) -> str:
    name, value = match.groups()
    if not value or value == HIDDEN:
        return match[0]
    if names_secret(name):
        return f"{name}={HIDDEN}"
    return f"{name}={_hidden_within(value, nested - 1)}"


def _hidden_within(value: str, nested: int) -> str:
    """A value that is harmless by its name, without the secrets of a URL or parameters within it."""
    plain = unquote_plus(value)
    if "=" not in plain and "://" not in plain:
        return value
    if nested == 0:
        return HIDDEN
    parameter = partial(_parameter, nested)
    if plain != value and (_redacted(plain, nested) != plain or _IN_QUERY.sub(parameter, plain) != plain):
        return HIDDEN
    if "://" in value:
        return _redacted(value, nested)
    return _IN_QUERY.sub(parameter, value)
