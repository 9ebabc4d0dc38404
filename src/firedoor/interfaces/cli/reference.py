"""The page about the command line, and `docs`, which writes every page that is written from the code.

Decides how a command and its options are described. Tests hold the committed pages
against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

HEAD = """\
# The command line

This page is written from the commands themselves (`make docs`); a test holds it against them.

Every command that shows something takes `--format json`, for programs. A command finds its server by itself: the one
that `FIREDOOR_API_URL` names (with `FIREDOOR_TOKEN`), else the one that runs on this data folder, else it does the work
in its own process and says so. The rules are the same in each case, because it is the same API.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | problems in what was given; standard error says which, and what to do |
| 2 | wrong usage |
| 3 | refused: no right, or the state forbids it |
| 4 | a system did not answer, or nothing could be proved |

Settings are variables; paths may be relative.

"""
SETTINGS = {
    "data_dir": "where everything is kept; a folder for you only",
    "keyring": "the key ring: a file, `secret://file/PATH` or `secret://env/NAME`; `keys/keyring` there otherwise",
    "database_url": "another database than SQLite in that folder, such as `postgresql+psycopg://...`",
    "host": "where `up` and `serve` listen",
    "port": "and on which port; 0 takes a free one",
    "playbooks": "a folder of playbooks in the place of those that ship",
    "targets": "the inventory file; `targets.yaml` in the data folder otherwise",
    "organisation": "the profile of your organisation; `organisation.yaml` in the data folder otherwise",
    "mappings": "a folder of mappings, each of which makes a source of alerts; `mappings` in the data folder otherwise",
    "api_url": "a server elsewhere",
    "token": "who you are there",
    "prefect": "`no` runs incidents without Prefect",
    "prefect_api_url": "a Prefect server of your own in the place of a private one",
    "prefect_database_url": "another database for the private Prefect server",
    "prefect_port": "the port of the private Prefect server; any free one, which it keeps",
    "prefect_work_pool": "the work pool, where another installation uses the same Prefect server; `firedoor`",
    "automatic_suspensions_per_hour": "how many targets all processes may suspend within an hour without asking; 20",
    "automatic_evidence": "`strong` (trusted hash, canary, two sure detectors) or `any`: what may act without a person",
    "certificates": "further authorities for TLS, as PEM",
    "alert_quotas": 'how much a source may have stored, as JSON: `{"*": {"per_minute": 0, "burst": 0, "per_day": 0, '
    '"megabytes_per_day": 2000}}`; 0 is no bound, a source by its id has its own, and these are the usual ones',
    "alert_senders": "what is asked of the senders of a source besides a token or signature, as JSON: "
    '`{"falco": {"addresses": ["10.0.0.0/8"], '
    '"certificate_header": "X-Client-Subject", "certificates": ["CN=falco"]}, "sns": {"topics": ["arn:aws:sns:..."]}}`',
    "request_patience": "seconds that a request may take to come in, its head and its body each; 20",
    "public_url": "where people reach this server, for links in messages and single sign-on",
    "report_url": "where people without an account reach `/report`, if that is another address than the console",
    "report_port": "a port of its own for `/report`: nothing else answers there, and `/report` no longer on the other",
    "report_host": "where that port listens; `FIREDOOR_HOST` otherwise",
    "report_proof": "`load`, `always` or `never`: when new requests bring a small piece of work, or wait 30 seconds",
    "reports": "`false`: nobody without an account can ask for removal; `true`",
    "allowed_hosts": "further names under which people reach the servers, with commas; other names are refused",
    "trusted_proxies": "addresses or networks of your reverse proxies; of nobody else is `X-Forwarded-For` believed",
    "codes_for_deciding": "`yes`: accounts whose roles decide sign in by password with a one-time code, or not at all",
    "oidc_issuer": "single sign-on by OpenID Connect: the issuer; empty: local accounts",
    "oidc_client_id": "single sign-on: the client id of Firedoor",
    "oidc_client_secret": "single sign-on: a reference to the client secret, `secret://env/NAME` or `secret://file/PATH`",
    "oidc_roles_claim": "single sign-on: the claim that names somebody's groups",
    "oidc_roles": "single sign-on: `group=role,group=role`; groups that are not named have no role",
    "slack_bot_token": "Slack: a reference to the bot's token, `secret://env/NAME` or `secret://file/PATH`",
    "slack_signing_secret": "Slack: a reference to the secret that its requests to `/slack/...` are signed with",
    "slack_app_token": "Slack: a reference to the app's token; then Socket Mode is used and Slack needs no way in",
    "slack_api_url": "Slack: where its API is, with a slash at the end",
    "smtp_host": "e-mail: the server that takes it; empty: none is sent",
    "smtp_port": "e-mail: its port; 587",
    "smtp_security": "e-mail: `starttls`, `tls` or `none` (on one machine only)",
    "smtp_user": "e-mail: who signs in there, if anybody must",
    "smtp_password": "e-mail: a reference to the password",
    "smtp_login": "e-mail: `password`, or `xoauth2` for an access token in its place",
    "smtp_from": "e-mail: the sender's address",
    "smtp_reply_to": "e-mail: where an answer to a letter goes, if not to the sender's address",
    "webhook_url": "messages as signed JSON: the one address that they are posted to",
    "webhook_secret": "messages as signed JSON: a reference to the key of the signature",
}


def docs(
    asked: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the pages lie, such as docs/reference.")],
) -> None:
    """Write the pages that are written from the code."""
    root = asked.find_root().command
    folder.mkdir(parents=True, exist_ok=True)
    from firedoor.interfaces.cli.alert_source_pages import pages

    written = {name: page(root) for name, page in PAGES.items()} | dict(pages())
    for name, text in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(str(folder / name))


def command_line(root: Any) -> str:  # noqa: ANN401 - a Click group, which Typer hands on without a type
    """The page about the command line, whose root command is given."""
    from firedoor.runtime.config.settings import Settings

    unknown = set(Settings.model_fields) ^ set(SETTINGS)
    assert not unknown, f"describe {unknown} in SETTINGS"  # noqa: S101 - the page must name every setting
    rows = "".join(f"| `FIREDOOR_{name.upper()}` | {meaning} |\n" for name, meaning in SETTINGS.items())
    panels: dict[str, list[str]] = {}
    for name, command in root.commands.items():
        if not command.hidden:
            panels.setdefault(str(command.rich_help_panel), []).extend(_sections(f"firedoor {name}", command))
    body = "\n".join(f"## {panel}\n\n{''.join(sections)}" for panel, sections in panels.items())
    return f"{HEAD}| variable | meaning |\n| --- | --- |\n{rows}\n{body}".rstrip() + "\n"


def _sections(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - a command as Click sees it
    if hasattr(command, "commands"):
        for child, inner in command.commands.items():
            yield from _sections(f"{name} {child}", inner)
        return
    arguments = [_written(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
    usage = " ".join([name, *arguments])
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden and p.name != "help"]
    rows = "".join(f"| `{_option(option)}` | {_cell(option.help or '')}{_usual(option)} |\n" for option in options)
    table = f"| option | meaning |\n| --- | --- |\n{rows}\n" if rows else ""
    yield f"### `{usage}`\n\n{(command.help or '').strip()}\n\n{table}"


def _written(argument: Any) -> str:  # noqa: ANN401 - a parameter as Click sees it
    return str(argument.metavar or argument.name.upper())


def _option(option: Any) -> str:  # noqa: ANN401 - a parameter as Click sees it
    name = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return name
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        choices = "\\|".join(str(member.value) for member in kind)
        return f"{name} {choices}"
    return f"{name} {option.metavar or ('NUMBER' if kind is int else 'TEXT')}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").strip()


def _usual(option: Any) -> str:  # noqa: ANN401 - a parameter as Click sees it
    if option.required:
        return " Needed."
    default = getattr(option.default, "value", option.default)
    shown = isinstance(default, str) and default and not callable(default)
    return f" Otherwise: {default}." if shown else ""


def _steps(_: object) -> str:
    from firedoor.steps.reference import reference

    return reference()


def _schema(_: object) -> str:
    import json

    from firedoor.duties.catalogue import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _changes(_: object) -> str:
    from firedoor.duties.catalogue import catalogue
    from firedoor.duties.freshness import changelog

    return changelog(catalogue())


def _access(_: object) -> str:
    from firedoor.interfaces.web.access_page import access_page

    return access_page()


PAGES: Mapping[str, Callable[[Any], str]] = {
    "command-line.md": command_line,
    "access.md": _access,
    "steps.md": _steps,
    "duty.schema.json": _schema,
    "duties-changelog.md": _changes,
}
