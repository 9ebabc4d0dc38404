"""Single sign-on by OpenID Connect: authorization code with PKCE, for a house that has its own accounts already.

Decides what is asked of the provider, which of its answers count (state, nonce, issuer, audience, signature, expiry),
that issuer and subject alone say whose account it is, what a new account may be called, and that the provider's groups
give roles by a list of ours and nothing else does. Leaves the session to `store.sessions`.
Sources: OpenID Connect Core 1.0 sections 3.1.2, 3.1.3, 5.7; RFC 7636; RFC 9207.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from urllib.parse import quote_plus, urlencode

import httpx
import orjson
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from firedoor.core.json_types import Json, JsonObject, as_array, as_object
from firedoor.core.problems import InvalidInput, NotPermitted, Problem, Refused, Unanswered
from firedoor.core.text import clean_text
from firedoor.interfaces.web.http import session
from firedoor.runtime.config.secrets import ReferencedSecrets
from firedoor.runtime.config.settings import Settings
from firedoor.runtime.process.application import Runtime
from firedoor.store.identity.accounts import Account, account_of_subject, change_account, create_account
from firedoor.store.identity.sessions import end_sessions_of

SINGLE_SIGN_ON = "system:single-sign-on"  # who gives roles there, as the security journal names it
COOKIE = "firedoor_signing_in"
MINUTES = 10
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")  # never "none", never a shared secret
LEEWAY = 30  # seconds
REMEMBERED = 3600.0  # seconds for which the provider's description and keys are not asked for again
MAXIMUM_ANSWER = 256 * 1024  # bytes

_known: dict[str, tuple[float, Json]] = {}


async def leave(request: Request, runtime: Runtime, way: str) -> Response:
    """Send the browser to the provider. Raises InvalidInput when it is not set up, Unanswered when it is away."""
    settings = runtime.settings
    found = await _described(settings)
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")} | {"way": way}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": settings.oidc_client_id, "redirect_uri": _address(request, settings),
        "scope": "openid profile email", "state": kept["state"], "nonce": kept["nonce"],
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    response = RedirectResponse(f"{found['authorization_endpoint']}?{urlencode(asked)}", 303)
    written = base64.urlsafe_b64encode(orjson.dumps(kept)).decode()
    response.set_cookie(
        COOKIE, written, max_age=MINUTES * 60, path="/sign-in/single", httponly=True, samesite="lax",
        secure=session.is_secure(request),
    )  # fmt: skip
    return response


async def come_back(request: Request, runtime: Runtime) -> tuple[Account, str]:
    """Return the account, made on its first visit, and the way back. Raises NotPermitted or Unanswered."""
    kept = _kept(request)
    given = request.query_params
    if given.get("error"):
        raise _refused(f"the provider refused: {given['error'][:100]}")
    if not _same(given.get("state", ""), kept["state"]) or not given.get("code"):
        raise _refused("the answer does not belong to this browser")
    settings = runtime.settings
    if given.get("iss", settings.oidc_issuer) != settings.oidc_issuer:  # RFC 9207
        raise _refused("another provider answered")
    claims = await _claims(request, settings, given["code"], kept)
    return await asyncio.to_thread(_account, runtime, claims), kept["way"]


def forget(response: Response, request: Request) -> Response:
    """Take the waiting cookie back."""
    response.delete_cookie(COOKIE, path="/sign-in/single", httponly=True, secure=session.is_secure(request))
    return response


def roles_of(claims: JsonObject, settings: Settings) -> frozenset[str]:
    """The roles that somebody's groups give, by the list of ours."""
    groups = claims.get(settings.oidc_roles_claim, [])
    has = {groups} if isinstance(groups, str) else set(map(str, as_array(groups)))
    pairs = (pair.partition("=") for pair in settings.oidc_roles.split(",") if "=" in pair)
    return frozenset(role.strip() for group, _, role in pairs if group.strip() in has)


async def _claims(request: Request, settings: Settings, code: str, kept: Mapping[str, str]) -> JsonObject:
    found = await _described(settings)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": _address(request, settings),
        "code_verifier": kept["verifier"],
    }  # fmt: skip
    login, ours = _our_secret(found, settings)
    answer = as_object(await _ask("POST", str(found["token_endpoint"]), data=form | ours, login=login))
    claims = await _trusted(str(answer.get("id_token", "")), str(found["jwks_uri"]), settings)
    if claims.get("azp", settings.oidc_client_id) != settings.oidc_client_id:  # Core section 2: whom it was issued to
        raise _refused("the answer was given to another client")
    if not _same(str(claims.get("nonce", "")), kept["nonce"]):
        raise _refused("the answer was given for another sign-in")
    return claims


def _our_secret(found: JsonObject, settings: Settings) -> tuple[tuple[str, str] | None, dict[str, str]]:
    """How we prove to be the client: by HTTP Basic, unless the provider takes it in the form only.

    Discovery 1.0 section 3: where a provider says nothing it takes Basic. RFC 6749 section 2.3.1: both parts of it are
    written as in a form.
    """
    if not settings.oidc_client_secret:
        return None, {"client_id": settings.oidc_client_id}
    secret = ReferencedSecrets().resolve(settings.oidc_client_secret)
    taken = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if "client_secret_basic" in (taken if isinstance(taken, str | list) else ()):
        return (quote_plus(settings.oidc_client_id), quote_plus(secret)), {}
    return None, {"client_id": settings.oidc_client_id, "client_secret": secret}


async def _trusted(token: str, address: str, settings: Settings) -> JsonObject:
    """The claims, by the provider's keys. Where those that we remember do not fit, they are asked for once more."""
    remembered = address in _known
    try:
        return await asyncio.to_thread(_verified, token, await _remembered(address), settings)
    except NotPermitted:
        if not remembered:
            raise
    _known.pop(address, None)
    return await asyncio.to_thread(_verified, token, await _remembered(address), settings)


def _verified(token: str, keys: Json, settings: Settings) -> JsonObject:
    try:
        import jwt
    except ImportError:
        raise _not_set_up('the package for it is missing: pip install "firedoor[oidc]"') from None
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        known = jwt.PyJWKSet.from_dict(dict(as_object(keys))).keys
        signing = [key for key in known if key.public_key_use in (None, "sig")]
        named = [key for key in signing if kid is None or key.key_id == kid]
        if len(named) != 1:  # Core section 10.1: a provider with one key need not name it
            raise _refused("its answer cannot be trusted: it does not say which of its keys has signed it")
        claims: JsonObject = jwt.decode(
            token, named[0], algorithms=list(ALGORITHMS), audience=settings.oidc_client_id, issuer=settings.oidc_issuer,
            leeway=LEEWAY, options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise _refused(f"its answer cannot be trusted: {type(error).__name__}") from None
    return claims


def _account(runtime: Runtime, claims: JsonObject) -> Account:
    """The account of a subject: its roles are those of today's groups; it is made on the first visit."""
    world, settings = runtime.world, runtime.settings
    subject, given = f"{claims['iss']} {claims['sub']}", roles_of(claims, settings)
    roles = given & runtime.roles.covering(given).known
    account = account_of_subject(world.store, subject)
    if not roles:
        raise _refused(f"none of your groups has a role here (claim {settings.oidc_roles_claim})")
    if account is None:
        account = _first_visit(runtime, subject, roles, claims)
    if account.disabled_at is not None:
        raise _refused("this account is disabled")
    if account.roles != roles:
        change_account(world.store, account.name, {"roles": roles}, world.now(), by=SINGLE_SIGN_ON)
        end_sessions_of(world.store, account.name, world.now(), "other roles at the provider", SINGLE_SIGN_ON)
    return account


def _first_visit(runtime: Runtime, subject: str, roles: frozenset[str], claims: JsonObject) -> Account:
    """Make the account. Raises Refused where another one has the name: nobody takes an account over by an address."""
    store, email = runtime.world.store, checked_email(claims)
    name = email or name_of_subject(subject)
    account = Account(name, clean_text(str(claims.get("name", "")))[:100], roles, email=email, subject=subject)
    try:
        create_account(store, account, None, runtime.world.now(), by=SINGLE_SIGN_ON)
    except Refused:
        made = account_of_subject(store, subject)  # by the same person in another window
        if made is None:
            raise
        return made
    return account


def checked_email(claims: JsonObject) -> str:
    """The e-mail address, unless the provider says that it did not check it; then it may be anybody's.

    Names of accounts open incidents to named readers, and letters go to the address. A provider that says nothing of
    `email_verified` is an organisation's own, which gives out the addresses itself. `preferred_username` is never
    used: people may change it, and the standard forbids to rely on it (section 5.7).
    """
    checked = str(claims.get("email_verified", True)).lower() == "true"  # some providers send it as a word
    email = clean_text(str(claims.get("email") or "")).strip()
    return email if checked and "@" in email and len(email) <= 100 else ""


def name_of_subject(subject: str) -> str:
    """What somebody is called here whose address nobody checked: always the same, and nobody's choice."""
    return f"sso-{hashlib.sha256(subject.encode()).hexdigest()[:16]}"


async def _described(settings: Settings) -> JsonObject:
    """The provider's description of itself (OpenID Connect Discovery 1.0), which must be about the issuer we trust."""
    if not settings.oidc_issuer or not settings.oidc_client_id:
        raise _not_set_up("FIREDOOR_OIDC_ISSUER and FIREDOOR_OIDC_CLIENT_ID are needed")
    found = await _remembered(f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration")
    if not isinstance(found, dict) or found.get("issuer") != settings.oidc_issuer:
        raise _refused("its description is about another issuer")
    return found


async def _remembered(address: str) -> Json:
    at, value = _known.get(address, (0.0, None))
    if value is None or time.monotonic() - at > REMEMBERED:
        value = await _ask("GET", address)
        _known[address] = (time.monotonic(), value)
    return value


async def _ask(
    method: str, address: str, data: Mapping[str, str] | None = None, login: tuple[str, str] | None = None
) -> Json:
    if not address.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise _not_set_up("the provider must be reached by https")
    try:
        async with httpx.AsyncClient(timeout=10, follow_redirects=False, trust_env=False) as client:
            accept = {"accept": "application/json"}
            answer = await client.request(method, address, data=data, headers=accept, auth=login)
        if answer.status_code != 200 or len(answer.content) > MAXIMUM_ANSWER:
            raise _away(f"it answered {answer.status_code}")
        said: Json = orjson.loads(answer.content)
    except (httpx.HTTPError, orjson.JSONDecodeError) as error:
        raise _away(type(error).__name__) from None
    return said


def _kept(request: Request) -> Mapping[str, str]:
    try:
        kept = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        return {name: str(kept[name]) for name in ("state", "nonce", "verifier", "way")}
    except (ValueError, KeyError, TypeError):
        raise _refused("the sign-in took too long, or was begun in another browser") from None


def _same(given: str, kept: str) -> bool:
    """In constant time, and as bytes: what came back may hold any character."""
    return secrets.compare_digest(given.encode(), kept.encode())


def _address(request: Request, settings: Settings) -> str:
    base = settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return f"{base}/sign-in/single/back"


def _refused(why: str) -> NotPermitted:
    return NotPermitted(Problem(code="W109", message=f"single sign-on: {why}", do="try again, or ask an administrator"))


def _away(why: str) -> Unanswered:
    do = "try again in a minute; an administrator can make a local account: firedoor account create"
    return Unanswered(Problem(code="W110", message=f"single sign-on: the provider did not answer: {why}", do=do))


def _not_set_up(why: str) -> InvalidInput:
    return InvalidInput(
        Problem(code="W111", message=f"single sign-on is not set up: {why}", do="see docs/how-to/sign-in.md")
    )
