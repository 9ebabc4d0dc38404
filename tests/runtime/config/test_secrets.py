"""Secrets are read at the moment of use, and no message ever shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.runtime.config.secrets import ReferencedSecrets


def test_a_secret_comes_from_the_environment_as_it_is_now() -> None:
    """A rotated key works at once."""
    environment = {"KEY": "first"}
    secrets = ReferencedSecrets(environment)
    assert secrets.resolve("secret://env/KEY") == "first"
    environment["KEY"] = "second"
    assert secrets.resolve("secret://env/KEY") == "second"


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    """Files that an orchestrator mounts mostly end in a line break."""
    (tmp_path / "key").write_text("from-a-file\n")
    assert ReferencedSecrets({}).resolve(f"secret://file{tmp_path}/key") == "from-a-file"
    assert ReferencedSecrets({}).resolve(f"secret://file/{tmp_path}/key") == "from-a-file"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("secret://env/NOT_SET", "has no value"),
        ("secret://env/BLANK", "has no value"),
        ("secret://vault/x", 'names the source "vault"'),
        ("secret://env/", "is no reference"),
        ("env:KEY", "is no reference"),
        ("secret://file/no/such/file", "cannot be read"),
        ("secret://file/", "is no reference"),
        ("secret://file/dev/zero", "is not a regular file"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_what_to_do(reference: str, words: str) -> None:
    """The reference is shown, for it is no secret; the advice is there."""
    with pytest.raises(InvalidInput) as caught:
        ReferencedSecrets({"BLANK": " \n", "KEY": "the-value"}).resolve(reference)
    assert words in caught.value.problems[0].message
    assert caught.value.problems[0].do
    assert "the-value" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 70_000])
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """Not text, or far too large: a wrong file was named, and its content is not shown."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        ReferencedSecrets({}).resolve(f"secret://file{tmp_path}/key")
    assert len(str(caught.value)) < 400
