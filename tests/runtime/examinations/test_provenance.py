"""Marks of origin in pictures that the tests draw, and in tags of sounds and films: no wrong model is named."""

from __future__ import annotations

import io
import json
import random
import struct
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

from firedoor.core.examinations.marks import containers, generators
from firedoor.core.json_types import objects_at
from firedoor.interfaces.cli.main import app
from firedoor.runtime.examinations.provenance import worker
from firedoor.runtime.examinations.provenance.ask import ask

A1111 = "a tree\nSteps: 20, Sampler: Euler a, Model hash: abc, Model: tree-painter, Version: v1.9.4"
COMFY = json.dumps(
    {"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub/tree-painter.safetensors"}}}
)
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" I:AISystemUsed="tree-painter"
 I:AISystemVersionUsed="3.1"/></rdf:RDF></x:xmpmeta>"""
SOURCE = XMP.replace('I:AISystemUsed="tree-painter"', "").replace(
    'I:AISystemVersionUsed="3.1"',
    'I:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"',
)


def drawn(seed: int = 1, size: int = 64) -> Image.Image:
    """A picture of nothing."""
    rand = random.Random(seed)  # noqa: S311 - the same picture each time
    return Image.frombytes("RGB", (size, size), rand.randbytes(size * size * 3))


def png(**texts: str) -> bytes:
    """A picture with text chunks."""
    info, out = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        info.add_itxt(name.replace("__", "-"), text) if len(text) > 200 else info.add_text(
            name.replace("__", "-"), text
        )
    drawn().save(out, "PNG", pnginfo=info)
    return out.getvalue()


def jpeg(**options: object) -> bytes:
    """A picture as JPEG, with Exif or a comment."""
    out = io.BytesIO()
    drawn().save(out, "JPEG", **options)
    return out.getvalue()


def exif(tag: int, text: str) -> bytes:
    """An Exif block with one text."""
    found = Image.Exif()
    found[tag] = text
    return found.tobytes()


def low_bits(record: dict[str, str]) -> bytes:
    """A picture whose lowest bits hold a record: red, green and blue in turn."""
    picture = bytearray(drawn(2).tobytes())
    bits = "".join(f"{byte:08b}" for byte in json.dumps(record).encode())
    for at, bit in enumerate(bits):
        picture[at] = picture[at] & 0xFE | int(bit)
    out = io.BytesIO()
    Image.frombytes("RGB", (64, 64), bytes(picture)).save(out, "PNG")
    return out.getvalue()


def id3(text: str) -> bytes:
    """A sound with one tag."""
    frame = b"TSSE" + struct.pack(">I", len(text) + 1) + b"\0\0" + b"\3" + text.encode()
    return b"ID3\4\0\0" + bytes((0, 0, len(frame) >> 7, len(frame) & 0x7F)) + frame + b"\xff\xfb"


def wav(text: str) -> bytes:
    """A sound with one INFO tag."""
    tag = b"INFO" + b"ISFT" + struct.pack("<I", len(text)) + text.encode() + b"\0" * (len(text) % 2)
    body = b"WAVE" + b"LIST" + struct.pack("<I", len(tag)) + tag
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp4(text: str) -> bytes:
    """A film with one tag."""
    data = struct.pack(">I", 16 + len(text)) + b"data" + b"\0\0\0\1\0\0\0\0" + text.encode()
    return b"\0\0\0\x10ftypisom\0\0\0\0" + struct.pack(">I", 8 + len(data)) + b"\xa9too" + data


def flac(text: str) -> bytes:
    """A sound with one Vorbis comment."""
    return (
        b"fLaC\4\0\0\x40" + struct.pack("<I", 0) + struct.pack("<I", 1) + struct.pack("<I", len(text)) + text.encode()
    )


def weights(told: dict[str, str]) -> bytes:
    """Weights that say what they are."""
    head = json.dumps({"__metadata__": told}).encode()
    return struct.pack("<Q", len(head)) + head


CASES = [
    ("a1111", png(parameters=A1111), "tree-painter", "v1.9.4"),
    ("a1111", jpeg(comment=A1111.encode()), "tree-painter", "v1.9.4"),
    ("comfyui", png(prompt=COMFY), "tree-painter", ""),
    ("invokeai", png(invokeai_metadata=json.dumps({"app_version": "5.1", "model": {"name": "tree-painter"}})),
     "tree-painter", "5.1"),
    ("novelai", png(Software="NovelAI", Source="Tree Diffusion XL 1"), "Tree Diffusion XL 1", ""),
    ("swarmui", png(parameters=json.dumps({"sui_image_params": {"model": "a/tree-painter", "swarm_version": "0.9"}})),
     "tree-painter", "0.9"),
    ("fooocus", png(parameters=json.dumps({"base_model": "tree-painter", "version": "2.5"}), fooocus_scheme="fooocus"),
     "tree-painter", "2.5"),
    ("midjourney", png(Description="a tree --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef"), "", "6.1"),
    ("provenance-record", png(provenance=json.dumps({"model": "tree-painter", "version": "3"})), "tree-painter", "3"),
    ("iptc-ai-system", png(**{"XML:com.adobe.xmp": XMP}), "tree-painter", "3.1"),
    ("iptc-digital-source-type", png(**{"XML:com.adobe.xmp": SOURCE}), "", ""),
    ("exif-tags", jpeg(exif=exif(0x0131, "ComfyUI 0.3.1")), "", "0.3.1"),
    ("id3-tags", id3("Suno v4.5"), "", "4.5"),
    ("riff-tags", wav("ElevenLabs 2.1"), "", "2.1"),
    ("mp4-tags", mp4("Sora 2.0"), "", "2.0"),
    ("vorbis-tags", flac("ENCODER=AudioCraft 1.3"), "", "1.3"),
    ("safetensors", weights({"modelspec.title": "tree-painter", "modelspec.architecture": "sdxl"}),
     "tree-painter", "sdxl"),
    ("low-bits", low_bits({"model_id": "tree-painter", "version": "7", "organization": "Trees"}), "tree-painter", "7"),
]  # fmt: skip


def test_every_kind_is_read_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Seventeen kinds, each from a file that a test drew, all in one run; files without a mark name no model."""
    for number, (_, content, _, _) in enumerate(CASES):
        (tmp_path / f"{number:02}").write_bytes(content)
    drawn(3).save(tmp_path / "plain.png")
    (tmp_path / "broken.png").write_bytes(png(parameters=A1111)[:60])
    rows, problems = ask([str(tmp_path)])
    assert problems == []
    for number, (kind, _, model, version) in enumerate(CASES):
        found = [row for row in rows if row["file"] == str(tmp_path / f"{number:02}")]
        assert [(row["kind"], row["model"] or "", row["version"] or "") for row in found] == [(kind, model, version)], (
            kind
        )
    for name in ("plain.png", "broken.png"):
        (row,) = [row for row in rows if row["file"] == str(tmp_path / name)]
        assert row["kind"] is row["model"] is None
        assert row["not_looked_for"]
    assert len({kind for kind, *_ in CASES}) >= 12


def test_noise_and_cut_files_name_no_model() -> None:
    """Five hundred files of noise, and every case cut anywhere: nothing but the model that was written is named."""
    rand = random.Random(9)  # noqa: S311 - the same noise each time
    heads = [content[:12] for _, content, _, _ in CASES]
    for _ in range(500):
        content = rand.choice(heads) + rand.randbytes(400)
        assert not [mark for mark in generators.marks(containers.texts(content)) if mark.model]
    for _, content, model, _ in CASES:
        for cut in range(0, min(len(content), 3000), 97):
            named = {mark.model for mark in generators.marks(containers.texts(content[:cut]))}
            assert named <= {"", model}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Two targets, of which one serves the model."""
    door = "doors: [{name: platform, connector: http, config: {}}]"
    file = tmp_path / "targets.yaml"
    file.write_text(
        f"targets:\n  painter:\n    kind: endpoint\n    model: Tree-Painter\n    {door}\n"
        f"  other:\n    kind: endpoint\n    model: other\n    {door}\n"
    )
    return file


def test_content_credentials_name_the_model_and_only_while_they_fit_the_bytes(tmp_path: Path) -> None:
    """Signed here with a key of the test's own; one changed byte of the picture, and no model is named."""
    signed = _signed(tmp_path)
    (tmp_path / "good.png").write_bytes(signed)
    at = signed.rfind(b"IDAT") + 40
    (tmp_path / "bad.png").write_bytes(signed[:at] + bytes((signed[at] ^ 1,)) + signed[at + 1 :])
    rows, _ = ask([str(tmp_path / "good.png"), str(tmp_path / "bad.png")])
    good = [row for row in rows if row["file"].endswith("good.png")]
    bad = [row for row in rows if row["file"].endswith("bad.png")]
    assert [(row["kind"], row["model"], row["version"]) for row in good] == [("c2pa", "tree-painter", "3.1")]
    assert not any(row["model"] for row in bad)


def test_a_decoder_that_fails_is_one_word(tmp_path: Path) -> None:
    """A picture that is cut, and credentials that are garbled: both are told, and no message quotes the file."""
    (tmp_path / "cut.png").write_bytes(png(parameters=A1111)[:-400])
    signed = _signed(tmp_path)
    at = signed.find(b"caBX") + 60
    (tmp_path / "garbled.png").write_bytes(signed[:at] + b"garbled!" * 20 + signed[at + 160 :])
    cut, garbled = (worker._one(tmp_path / name) for name in ("cut.png", "garbled.png"))
    assert [mark["model"] for mark in objects_at(cut, "marks")] == ["tree-painter"]
    assert "low-bits: the picture is damaged" in cut["not_looked_for"]
    assert "c2pa: the manifest is damaged" in garbled["not_looked_for"]
    assert garbled["marks"] == []


def _signed(folder: Path) -> bytes:
    import c2pa
    from cryptography.hazmat.primitives import hashes, serialization

    key, chain = _certificates()

    def sign(data: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [{
            "action": "c2pa.created", "softwareAgent": {"name": "tree-painter", "version": "3.1"},
            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"}]}}],
    }  # fmt: skip
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    signer = c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg.ES256, pem.decode())
    drawn().save(folder / "raw.png")
    out = io.BytesIO()
    with (folder / "raw.png").open("rb") as raw:
        c2pa.Builder(manifest).sign(signer, "image/png", raw, out)
    return out.getvalue()


def _certificates():
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Trees"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
        )

    ca, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC) - timedelta(days=1)

    def certificate(subject, public, *, root: bool) -> x509.Certificate:
        made = (
            x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("root")).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.KeyUsage(not root, False, False, False, False, root, root, False, False), critical=True)
        )  # fmt: skip
        if not root:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        return made.sign(ca, hashes.SHA256())

    return key, [certificate("signer", key.public_key(), root=False), certificate("root", ca.public_key(), root=True)]


def test_the_command_names_the_target_that_serves_the_model(tmp_path: Path, inventory: Path) -> None:
    """Exactly the eight fields; a model that no target serves has none."""
    (tmp_path / "a.png").write_bytes(png(parameters=A1111))
    (tmp_path / "b.png").write_bytes(png(parameters=A1111.replace("tree-painter", "unknown-model")))
    files = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    ran = CliRunner().invoke(app, ["examine", "provenance", *files, "--inventory", str(inventory), "--format", "json"])
    assert ran.exit_code == 0, ran.output
    first, second = json.loads(ran.stdout)
    assert list(first) == ["file", "kind", "model", "version", "organisation", "time", "target", "not_looked_for"]
    assert (first["target"], second["target"]) == ("painter", None)
