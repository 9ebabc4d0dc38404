"""Content in a bucket of S3: moved into a bucket that nobody outside can read, and back again.

Decides the order: refuse where the other bucket is not locked; copy; look that the copy is whole; only then delete. So
nothing is lost at any point, and a second try finds what the first one did. boto3 comes with the extra `aws`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.core.problems import InvalidInput, Problem, Refused, Unanswered
from firedoor.core.removal.ports import Removal
from firedoor.core.ternary import NO, YES, Ternary

Answer = TypeVar("Answer")
MISSING = frozenset(("404", "NoSuchKey", "NotFound"))
LOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Config(BaseModel):
    """`bucket` and `prefix` are where content is served from; `quarantine` is the bucket that it is moved to.

    The keys are references (`secret://...`); without them the credentials of the surroundings are used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: str
    prefix: str = ""
    quarantine: str
    region: str | None = None
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)


class S3Quarantine:
    """Moves objects out of reach."""

    kind: ClassVar[str] = "s3-quarantine"
    Settings: ClassVar[type[BaseModel]] = Config
    reversible: ClassVar[bool] = True

    def __init__(self, context: ConnectorContext, config: Config) -> None:
        if config.quarantine == config.bucket:
            do = "name a bucket of its own, with every public access blocked"
            raise InvalidInput(Problem(code="K125", message="the quarantine is the bucket that is served", do=do))
        self._context, self._config = context, config

    async def remove(self, locator: str, key: str) -> Removal:  # noqa: ARG002 - what is done is idempotent by itself
        """Move it."""
        return await self._asked(lambda: self._move(locator))

    async def removed(self, locator: str) -> Ternary:
        """Whether the bucket that is served has it no more. Older versions of a versioned bucket are not looked at."""
        return await self._asked(lambda: NO if self._there(self._config.bucket, self._key(locator)) else YES)

    async def restore(self, locator: str, undo: str, key: str) -> None:  # noqa: ARG002
        """Move it back."""
        config = self._config

        def back() -> None:
            if not self._there(config.quarantine, undo):
                message = "the quarantine does not hold it any more"
                raise Refused(Problem(code="K124", message=message, do="restore it from a backup, if that is lawful"))
            self._copy(config.quarantine, undo, config.bucket, self._key(locator))
            self._client.delete_object(Bucket=config.quarantine, Key=undo)

        await self._asked(back)

    def _move(self, locator: str) -> Removal:
        config, name, kept = self._config, self._key(locator), self._kept(locator)
        self._need_locked()
        if not self._there(config.bucket, name):
            there = self._there(config.quarantine, kept)
            return Removal(changed=False, undo=kept if there else "")
        self._copy(config.bucket, name, config.quarantine, kept)
        self._client.delete_object(Bucket=config.bucket, Key=name)
        return Removal(changed=True, undo=kept)

    def _copy(self, source: str, name: str, target: str, kept: str) -> None:
        self._client.copy_object(
            Bucket=target, Key=kept, CopySource={"Bucket": source, "Key": name}, ACL="private",
            MetadataDirective="COPY", TaggingDirective="COPY",
        )  # fmt: skip
        one = self._client.head_object(Bucket=source, Key=name)["ContentLength"]
        if one != self._client.head_object(Bucket=target, Key=kept)["ContentLength"]:
            raise Unanswered(Problem(code="K126", message="the copy is not whole; nothing was deleted", do="try again"))

    def _need_locked(self) -> None:
        """Nobody outside may read the quarantine, whatever a policy says later."""
        try:
            found = self._client.get_public_access_block(Bucket=self._config.quarantine)
            locks = found["PublicAccessBlockConfiguration"]
        except self._failure as error:
            if self._code(error) != "NoSuchPublicAccessBlockConfiguration":
                raise
            locks = {}
        if not all(locks.get(name) for name in LOCKS):
            message = f"the bucket {self._config.quarantine} does not block all public access; nothing was moved"
            raise Refused(Problem(code="K127", message=message, do="set all four public access blocks on it"))

    def _there(self, bucket: str, name: str) -> bool:
        try:
            self._client.head_object(Bucket=bucket, Key=name)
        except self._failure as error:
            if self._code(error) in MISSING:
                return False
            raise
        return True

    def _key(self, locator: str) -> str:
        return f"{self._config.prefix}{locator}"

    def _kept(self, locator: str) -> str:
        """Its name in quarantine, which says nothing about it."""
        return f"firedoor/{hashlib.sha256(f'{self._config.bucket}/{self._key(locator)}'.encode()).hexdigest()}"

    async def _asked(self, work: Callable[[], Answer]) -> Answer:
        """Work beside the event loop. Raises Unanswered with S3's code, never its message: that may quote a key."""
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await asyncio.to_thread(work)
        except TimeoutError:
            raise Unanswered(Problem(code="K201", message="S3 did not answer in time", do="look at it")) from None
        except self._failure as error:
            message = f"S3 answered {self._code(error)}"
            raise Unanswered(Problem(code="K204", message=message, do="see whether the key has the rights")) from None

    @staticmethod
    def _code(error: BaseException) -> str:
        return str(getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))

    @cached_property
    def _failure(self) -> tuple[type[BaseException], ...]:
        import boto3

        found = boto3.session.botocore.exceptions  # boto3 gives its own library no other name
        return found.BotoCoreError, found.ClientError

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 has no types
        try:
            import boto3
        except ImportError:
            problem = Problem(code="K128", message="boto3 is not installed", do="pip install 'firedoor[aws]'")
            raise InvalidInput(problem) from None
        config, keys = self._config, {}
        if config.access_key and config.secret_key:
            resolve = self._context.secrets.resolve
            keys = {
                "aws_access_key_id": resolve(config.access_key), "aws_secret_access_key": resolve(config.secret_key),
            }  # fmt: skip
        return boto3.client("s3", region_name=config.region, endpoint_url=config.endpoint, **keys)
