"""The two commands: what they install, when, and what they say when they cannot."""

import importlib.util
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """make.py for a project in an empty folder; pip is recorded, not run."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text("")
    module.ROOT, module.VENV = tmp_path, tmp_path / ".venv"
    module.calls, run = [], module.run

    def recorded(*command):
        module.calls.append([str(part) for part in command])
        return 0 if "pip" in module.calls[-1] else run(*command)

    monkeypatch.setattr(module, "run", recorded)
    return module


def verbs(calls: list[list[str]]) -> list[str]:
    return ["venv" if "venv" in call else "pip" for call in calls]


def test_installs_once_and_again_only_when_the_requirements_change(make):
    make.environment()
    assert verbs(make.calls) == ["venv", "pip", "pip"]
    make.environment()
    assert len(make.calls) == 3
    (make.ROOT / "requirements.txt").write_text("numpy\n")
    python = make.environment()
    assert verbs(make.calls[3:]) == ["pip", "pip"]
    assert make.works(python)


def test_a_half_made_environment_is_made_again(make):
    python = make.VENV / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert make.works(make.environment())


def test_an_installation_that_was_cut_off_is_done_again(make):
    make.environment()
    (make.VENV / "installed").unlink()
    make.calls.clear()
    make.environment()
    assert verbs(make.calls) == ["pip", "pip"]


def test_another_python_is_refused_in_one_sentence(make):
    make.PYTHONS = ((3, 98), (3, 99))
    with pytest.raises(SystemExit, match=r"Python must be 3\.98 to 3\.99, got 3\."):
        make.environment()
    assert make.calls == []


def test_a_python_without_venv_is_told_what_to_install(make, monkeypatch):
    monkeypatch.setattr(make, "run", lambda *command: 1)
    with pytest.raises(SystemExit, match="python3-venv must be installed"):
        make.environment()


def test_an_unknown_chapter_is_answered_with_the_known_ones():
    command = [sys.executable, str(ROOT / "make.py"), "build", "nowhere", "--here"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("make.py: chapter must be one of dual_process, ")
    assert done.stderr.endswith("got nowhere\n")


def test_a_taken_port_is_passed_over_and_ctrl_c_ends_quietly(tmp_path):
    (tmp_path / "index.html").write_text("the book")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = f"import make, pathlib; make.serve(pathlib.Path({str(tmp_path)!r}), {port})"
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as served:
            address = next(word for word in served.stdout.readline().split() if "http" in word)
            assert int(address.rstrip("/").rsplit(":", 1)[1]) > port
            with urllib.request.urlopen(address.replace("localhost", "127.0.0.1")) as answer:
                assert answer.read() == b"the book"
            served.send_signal(signal.SIGINT)
            assert served.wait(10) == 0


def pins() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {line.split(";")[0].strip() for line in lines if not line.startswith("#")}


def test_binder_gets_what_the_requirements_pin():
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text())
    installed = next(part for part in environment["dependencies"] if isinstance(part, dict))["pip"]
    assert set(installed) <= pins()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {name.split(">")[0] for name in project["dependencies"]} - {"torch", "numpy"}
    assert needed <= {pin.split("==")[0] for pin in installed}


def test_every_requirement_is_pinned_and_names_no_host():
    assert all("==" in pin for pin in pins())
    assert "://" not in (ROOT / "requirements.txt").read_text(encoding="utf-8")
