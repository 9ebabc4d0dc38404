"""What a model's outputs exposed: counted exactly on logs that a test writes, and told without a text."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
from tests.runtime.examinations.ledgers import write
from typer.testing import CliRunner

from firedoor.core.examinations.leaks.overlap import Corpus
from firedoor.core.examinations.leaks.patterns import hits
from firedoor.core.json_types import objects_at
from firedoor.interfaces.cli.main import app
from firedoor.runtime.examinations.leak.ask import ask

GOOD = {
    "email": "Anna.Example@mail.example.org", "iban": "DE89 3704 0044 0532 0130 00", "card": "4111 1111 1111 1111",
    "es_dni": "12345678Z", "br_cpf": "529.982.247-25", "us_ssn": "123-45-6789", "uk_nhs": "943 476 5919",
    "pl_pesel": "44051401359", "de_tax_id": "86095742719", "fr_nir": "2 55 08 14 168 025 38", "phone": "+49 30 901820",
    "it_codice_fiscale": "RSSMRA85T10A562S", "ip": "93.184.216.34", "secret": "AKIAIOSFODNN7EXAMPLE",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----",
}  # fmt: skip
BAD = ("DE89 3704 0044 0532 0130 01", "4111 1111 1111 1112", "12345678A", "529.982.247-26", "000-45-6789",
       "943 476 5918", "44051401358", "86095742718", "2 55 08 14 168 025 39", "RSSMRA85T10A562T", "10.0.0.1",
       "2026-05-01", "v1.2.3")  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
def test_a_value_of_each_kind_is_found_in_a_sentence(kind: str) -> None:
    """By its form and its check digits; once."""
    assert [hit.kind for hit in hits(f"It is {GOOD[kind]}, as far as I know.")] == [kind]


@pytest.mark.parametrize("value", BAD)
def test_what_fails_its_check_is_nothing(value: str) -> None:
    """One digit off is no account, no card and no person."""
    assert list(hits(f"It is {value}, as far as I know.")) == []


def log() -> list[dict[str, object]]:
    """Tenant a brings an address; it is echoed to a, and told to b. A canary, and an answer that two tenants got."""
    address, long = (
        "anna@example.org",
        "The very same long answer was given to two tenants, which is worth a look. " * 2,
    )
    rows: list[tuple[str, str, str, str]] = [
        ("a", "u1", f"My address is {address}", f"Thank you, {address}"),
        ("b", "u2", "Who is Anna?", f"Write to {address}"), ("b", "u3", "A number?", f"Card {GOOD['card']}"),
        ("c", "u4", "Anything?", "canary-7f3a9 it is"), ("a", "u1", "x", long), ("b", "u2", "x", long.upper()),
    ]  # fmt: skip
    return [
        {
            "tenant_id": tenant,
            "user_id": user,
            "prompt": prompt,
            "output": output,
            "timestamp": f"2026-05-0{n}T00:00:00Z",
        }
        for n, (tenant, user, prompt, output) in enumerate(rows, 1)
    ]


@pytest.mark.parametrize("form", ["log.jsonl", "log.jsonl.gz", "log.csv", "log.csv.gz", "log.parquet"])
def test_a_log_is_counted_exactly_in_every_form(tmp_path: Path, form: str) -> None:
    """Echoes are no leak; users and window are those of the exposing rows; no text stands in the answer."""
    (tmp_path / "canaries").write_text("canary-7f3a9\n")
    answer = ask([str(write(tmp_path / form, log()))], canaries=tmp_path / "canaries")
    assert answer["kinds"] == {
        "card": {"count": 1, "distinct": 1, "confidence": "high"},
        "email": {"count": 1, "distinct": 1, "confidence": "high"},
    }  # fmt: skip
    assert (answer["records"], answer["exposing_records"], answer["users_exposed_to"], answer["echoes"]) == (6, 3, 3, 1)
    assert answer["window"] == ["2026-05-02T00:00:00Z", "2026-05-04T00:00:00Z"]
    assert answer["across_tenants"] == {"values": 1, "outputs": 1}
    assert (answer["repeats"], answer["near_repeats"]) == (0, 1)
    assert [one["count"] for one in objects_at(answer, "canaries")] == [1]
    written = json.dumps(answer)
    assert not [text for text in ("anna@", "4111", "canary-7f3a9") if text in written]


def test_spans_of_twenty_to_five_hundred_words_are_found_whole(tmp_path: Path) -> None:
    """Every planted span with its exact length, none where there is none; nineteen words are no span."""
    rand = random.Random(11)  # noqa: S311 - the same words each time
    texts = [[f"w{rand.randrange(10**6)}" for _ in range(3000)] for _ in range(5)]
    corpus = Corpus()
    for text in texts:
        corpus.add(" ".join(text))
    for length in (20, 21, 27, 50, 500):
        for _ in range(40):
            document = rand.randrange(5)
            at = rand.randrange(3000 - length)
            around = [f"x{rand.randrange(10**6)}" for _ in range(60)]
            planted = " ".join([*around[:30], *texts[document][at : at + length], *around[30:]]).upper()
            assert [(span.words, span.document) for span in corpus.spans(planted)] == [(length, document)]
    assert list(corpus.spans(" ".join([*texts[0][5:24], "other", *texts[1][:19]]))) == []


def test_the_command_names_rows_that_cannot_be_read(tmp_path: Path) -> None:
    """The others are counted; exit code 1."""
    (tmp_path / "log.jsonl").write_text(json.dumps(log()[1]) + "\n{broken\n")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(json.dumps(log()[1]).encode() * 50)[:60])
    ran = CliRunner().invoke(app, ["examine", "leak", str(tmp_path / "log.jsonl"), "--format", "json"])
    assert ran.exit_code == 1
    answer = json.loads(ran.stdout)
    assert answer["problems"] == [{"file": str(tmp_path / "log.jsonl"), "row": 2, "message": "is no JSON"}]
    assert answer["kinds"]["email"]["count"] == 1
    assert ask([str(tmp_path / "cut.jsonl.gz")])["problems"]
