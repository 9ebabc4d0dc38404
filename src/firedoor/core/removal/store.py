"""How a place that holds content is written in the inventory: the section `content:` of a target.

Decides its form: where its hashes are looked up, how content is taken away there, how uploads are kept out, and how it
looks to a stranger. Leaves the configuration of each part to the driver that it names, and asking to the runtime.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Driven(_Part):
    """One capability of a store. `via` names the driver, which checks `config`."""

    via: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    config: dict[str, object] = Field(default_factory=dict)


class Index(_Part):
    """Where hashes of everything that is stored are looked up: exactly one of these.

    `hashes` is a file (CSV, or JSON lines) with `locator`, `sha256`, `pdq`, `quality`; `paths` are folders, buckets and
    manifests that are hashed here, in isolation, with `seen` as the file that keeps what was hashed; `service` asks
    one.
    """

    hashes: str | None = None
    paths: tuple[str, ...] = ()
    seen: str | None = None
    service: Driven | None = None

    @model_validator(mode="after")
    def _one(self) -> Index:
        if sum((self.hashes is not None, bool(self.paths), self.service is not None)) != 1:
            raise ValueError("write exactly one of `hashes`, `paths` and `service`")
        return self


class Upload(_Part):
    """How a stranger's upload is tried, with a picture that Firedoor draws: never anybody's."""

    url: str
    method: Literal["POST", "PUT"] = "POST"
    field: str = "file"  # of a multipart form; empty: the bytes alone
    headers: dict[str, str] = Field(default_factory=dict)
    refused: tuple[int, ...] = (403, 409, 422, 451)
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)


class Outside(_Part):
    """How the store looks from outside. Nothing is asked but addresses below `base`, so no stranger chooses a host.

    `hidden_is_gone`: whether a 401, a 403 or a sign-in page counts as gone, for content that is sealed in place.
    """

    base: str
    hidden_is_gone: bool = False
    timeout_seconds: float = Field(default=10.0, gt=0, le=60)

    @field_validator("base")
    @classmethod
    def _a_folder(cls, base: str) -> str:
        if not base.startswith(("http://", "https://")) or not base.endswith("/"):
            raise ValueError("write an http(s) address that ends with a slash")
        return base


class ContentStore(_Part):
    """What can be done about content in one place. A part that is missing is done by hand, and said so.

    `prefixes` are other spellings of the beginning of an address in this store, such as a share link or `s3://bucket/`.
    """

    index: Index | None = None
    removal: Driven | None = None
    blocklist: Driven | None = None
    outside: Outside | None = None
    upload: Upload | None = None
    prefixes: tuple[str, ...] = ()

    def key_of(self, locator: str) -> str | None:
        """The name of a place within this store; None for an address that lies elsewhere."""
        own = (*((self.outside.base,) if self.outside else ()), *self.prefixes)
        for prefix in own:
            if locator.startswith(prefix):
                return _tidy(locator.removeprefix(prefix))
        return None if "://" in locator else _tidy(locator)


def _tidy(key: str) -> str | None:
    """A key without a way out of its folder, and without what a browser adds."""
    key = key.partition("#")[0].lstrip("/")
    return key if key and not {".", ".."} & set(key.split("/")) else None
