"""What a change must pass, and what measures. `nox` runs the first four; the others are named."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "layers", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True


def _install(session: nox.Session) -> None:
    session.install("--no-deps", "--require-hashes", "-r", "requirements-dev.lock")
    session.install("--no-deps", "--no-build-isolation", "-e", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Lint."""
    _install(session)
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    _install(session)
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Who may import whom."""
    _install(session)
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The offline suite."""
    _install(session)
    session.run("pytest", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measures; prints tables with medians and ratios."""
    _install(session)
    session.run("pytest", "tests/bench", "-m", "bench", "-s", *session.posargs)


@nox.session
def kill(session: nox.Session) -> None:
    """Kills publishers by the hundred and counts: twice, lost, false. `nox -s kill -- --trials 1000`."""
    _install(session)
    session.run("python", "tests/proof/kill.py", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Thirty days on a fast clock: memory, files, threads flat. `nox -s soak -- --shift-hours 0`, `--with-prefect`."""
    _install(session)
    session.run("python", "tests/proof/soak.py", *session.posargs)


@nox.session
def scale(session: nox.Session) -> None:
    """Two and three workers on a Prefect server with PostgreSQL, whose own programs it needs; `nox -s scale -- -k s3`.

    Each scenario takes three to ten minutes. DRUMBEAT_REALSERVERS: where the start script of the S3 server lies, else
    moto is one.
    """
    _install(session)
    session.run("pytest", "tests/proof/test_scale.py", "-m", "scale", "-s", *session.posargs)


@nox.session
def realservers(session: nox.Session) -> None:
    """Against servers that others wrote, on loopback; what is missing of them is installed, which takes minutes.

    DRUMBEAT_REALSERVERS names the folder of their start scripts; without it, ../shared/realservers.
    """
    _install(session)
    session.env.setdefault("DRUMBEAT_REALSERVERS", str(Path("../shared/realservers").resolve()))
    session.run("pytest", "-m", "realservers", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The newest releases that pyproject.toml allows, not the lock: one has broken Prefect's server before."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Renews both lock files: versions and hashes for every platform, no addresses."""
    session.install("uv")
    common = (
        "uv",
        "pip",
        "compile",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-header",
        "--no-annotate",
        "pyproject.toml",
    )
    session.run(*common, "-o", "requirements.lock")
    session.run(*common, "--extra", "dev", "-c", "requirements.lock", "-o", "requirements-dev.lock")
