#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Every check and chore of the project: ``nox`` alone runs them all, ``nox --list`` names them."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
WORKERS = ("-n", "2", "--dist", "worksteal")
USES_KERAS = (
    *("tests/models", "tests/training", "tests/inference", "tests/gallery"),
    *("tests/evaluation/test_explanations.py", "tests/testing/test_architecture.py"),
    *("tests/test_cross_validation.py", "tests/test_photo_classifier.py"),
)
"""The tests of what calls Keras. Everything else uses only this, and runs on one backend."""
SAME_FOR_EVERY_VERSION = (
    *("tests/test_docs.py", "tests/test_import.py", "tests/test_layers.py"),
    *("tests/test_csv.py", "tests/test_json.py", "tests/test_json_stream.py"),
    "tests/test_watch.py",
)
"""The tests of what no version of a dependency can change, and the code of pages."""
GOLDEN = (
    *("tests/data", "tests/augment/test_golden.py", "tests/gallery/test_file.py"),
    *("tests/inference/test_bundle.py", "tests/export/test_predictor.py"),
)
"""The tests of what is decided, and of files that were made elsewhere."""
UNMARKED = "not backend and not slow and not fuzz and not kills and not processes and not photos"
"""The tests of `quick` in its folders."""
QUICK = [f"tests/{room}" for room in ("augment", "boxes", "data", "predictions", "review")]
"""The folders of tests that need no backend; most take far less than half a second."""
STORAGE = (
    *("tests/test_object_store.py", "tests/test_remote_files.py", "tests/test_url_arguments.py"),
    "tests/test_command_line_urls.py",
    *("tests/data/test_remote.py", "tests/inference/test_remote.py"),
)
"""The tests of files by URL."""
FAST_COMPILER = "--xla_backend_optimization_level=0"
"""Compiling takes most of the time of tests on jax, and their networks only run a few steps."""

MUTANTS = PROJECT["tool"]["shelfvision"]["mutants"]
"""What of the core is changed by mutation, and which tests have to notice, by room."""
LEAST_KILLED = 0.85
"""The share of all changes that the tests have to notice."""

VERSION_LINES = {
    "pyproject.toml": 'version = "{}"',
    "src/shelfvision/__init__.py": '__version__ = "{}"',
    "CITATION.cff": "version: {}",
    "packaging/conda/recipe.yaml": '  version: "{}"',
}
"""The line with the version of the package, by file."""

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|venv"  # uv installs in a tenth of the time
nox.options.reuse_existing_virtualenvs = True


def group(name: str) -> list[str]:
    """Return the requirements of one dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def test_settings(session: nox.Session) -> dict[str, str | None]:
    """Return an environment in which the reader's own Keras settings do not matter."""
    keras_home = Path(session.create_tmp()).resolve() / "keras"
    shutil.rmtree(keras_home, ignore_errors=True)
    return {"KERAS_HOME": str(keras_home), "KERAS_BACKEND": None, "TF_CPP_MIN_LOG_LEVEL": "2"}


def run_tests(session: nox.Session, *chosen: str, **settings: str) -> None:
    """Run the chosen tests with what is installed, or those named after --."""
    arguments = session.posargs or (*WORKERS, *chosen)
    session.run("pytest", *arguments, env={**test_settings(session), **settings})


@nox.session
@nox.parametrize("backend", ["tensorflow", "jax"], ids=["tensorflow", "jax"])
def tests(session: nox.Session, backend: str) -> None:
    """Run the test suite on one backend; arguments after -- go to pytest."""
    # On jax, exported files are run but not written.
    runs = "export" if backend == "tensorflow" else "onnx"
    installed = f".[{backend},plot,pretrained,{runs}]"
    session.install("-e", installed, *group("service"), *group("test"))
    if backend == "tensorflow":
        run_tests(session, "-m", "not kills")
    else:
        # Programs start quickest on jax, so that is where some are killed; `kills` does both.
        killed = "tests/scale/jobs/test_kills.py"
        run_tests(session, *USES_KERAS, killed, XLA_FLAGS=FAST_COMPILER)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the test suite with the lowest version of every direct dependency."""
    session.install("uv")
    python = str(Path(session.bin) / "python")
    session.run(
        *("uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct"),
        *("-e", ".[tensorflow,plot,pretrained]", *group("test")),
    )
    # A version lacks a function or gives another result; this shows in one example of each call.
    left_out = [f"--ignore={path}" for path in SAME_FOR_EVERY_VERSION]
    run_tests(
        session, *left_out, "-m", "not fuzz and not hypothesis and not kills and not processes"
    )


@nox.session(default=False)
def tests_torch(session: nox.Session) -> None:
    """Run the test suite on torch, whose packages are large."""
    session.install("-e", ".[torch,plot,pretrained,onnx]", *group("service"), *group("test"))
    run_tests(session, *USES_KERAS)


@nox.session(default=False)
def adapters(session: nox.Session) -> None:
    """Run the tests of augmenters, regions and reviews with the packages that they work with."""
    session.install("-e", ".[torch,plot]", *group("test"), *group("adapters"))
    settings = test_settings(session)
    session.run(
        "pytest",
        "-rs",
        *(session.posargs or ("tests/augment", "tests/regions", "tests/review")),
        env=settings,
    )


@nox.session(default=False)
def engines(session: nox.Session) -> None:
    """Score in Ray Data, Dask and Spark (which needs Java), and kill workers, machines and jobs."""
    session.install(".[onnx,scale]", *group("engines"))
    chosen = session.posargs or ("-rs", "tests/engines")
    # Ray refuses a temporary folder in its environment, and then waits for ever.
    settings = {**test_settings(session), "TMPDIR": tempfile.gettempdir()}
    # Workers import the functions of the tests, and what these import.
    settings["PYTHONPATH"] = str(Path("tests").resolve())
    session.run("pytest", *chosen, env=settings)


@nox.session(default=False)
def storage(session: nox.Session) -> None:
    """Run the tests of files by URL, with a local server of S3."""
    session.install("-e", ".[jax,onnx,scale]", *group("test"), *group("storage"))
    chosen = session.posargs or STORAGE
    session.run("pytest", "-rs", *chosen, env=test_settings(session))


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Run the test suite on tensorflow and count the lines and branches that it takes."""
    extras = "tensorflow,plot,pretrained,export"
    session.install("-e", f".[{extras}]", *group("service"), *group("test"), *group("coverage"))
    chosen = session.posargs or WORKERS
    report = ("--cov", "--cov-report=term:skip-covered")
    session.run("pytest", *report, *chosen, env=test_settings(session))


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style, spelling, wording, docstrings, dead code and dependencies."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("zizmor", "--offline", ".github")
    session.run("python", "tests/support/prose.py")
    sources = sorted(str(path) for path in Path("src").rglob("*.py"))
    session.run("numpydoc", "lint", *sources)
    session.run("interrogate")
    session.run("vulture")
    session.run("deptry", ".")


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """Check style, wording, types, and the quick tests of data, boxes, augmenters and predictions.

    The environment has no backend, so a test that needs one and is not marked fails here. mypy
    checks what changed since its last run. Arguments after -- go to pytest.
    """
    session.install("-e", ".[plot,scale]", *group("lint"), *group("types"))
    session.run("ruff", "check", "--quiet")
    session.run("ruff", "format", "--check", "--quiet")
    session.run("codespell")
    session.run("python", "tests/support/prose.py")
    session.run("mypy")
    chosen = session.posargs or (*WORKERS, "-q", "-m", UNMARKED, *QUICK)
    session.run("pytest", *chosen, env=test_settings(session))


@nox.session
def types(session: nox.Session) -> None:
    """Check types: ours strictly, and those that users of the installed wheel see."""
    session.install(".[plot]", *group("types"))
    session.run("mypy")
    session.run("pyright", "--verifytypes", "shelfvision", "--ignoreexternal")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; every warning is an error. `tests` runs the code of its pages."""
    session.install("-e", ".[tensorflow,plot,scale]", *group("docs"))
    build = ("sphinx-build", "-W", "-n", "--keep-going", "-q")
    settings = test_settings(session)
    session.run(*build, "-b", "html", "docs", "docs/_build/html", env=settings)
    session.run("python", "docs/check_search.py", "docs/_build/html")
    session.run("python", "docs/versions.py", "docs/_build/html", "docs/_build/site")


@nox.session
def judges(session: nox.Session) -> None:
    """Build the packages and have them judged from outside."""
    session.install(*group("judges"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    packages = sorted(str(path) for path in Path("dist").iterdir())
    session.run("twine", "check", "--strict", *packages)
    session.run("check-wheel-contents", "dist")
    session.run("validate-pyproject", "pyproject.toml")
    # The project has no page and no address of its own to name yet.
    session.run("pyroma", "-n", "10", "--skip-tests", "Url,AuthorEmail", ".")
    session.run("sp-repo-review", ".")
    check_against_the_last_release(session)


def check_against_the_last_release(session: nox.Session) -> None:
    """Compare the public interface with the last release; a patch version must not break it."""
    # Without the tags of HEAD, so that a release is compared with the one before it.
    command = ("git", "tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD")
    newest = "--sort=-version:refname"
    # Git ends with 128 outside a checkout, as in an unpacked sdist.
    told = session.run(*command, newest, external=True, silent=True, success_codes=[0, 128]) or ""
    tags = [line for line in str(told).splitlines() if line.startswith("v")]
    if not tags:
        session.log("Nothing has been released yet, so there is nothing to compare with.")
        return
    is_patch = minor_version(tags[0].removeprefix("v")) == minor_version(declared_version())
    session.run(
        *("griffe", "check", "shelfvision", "--search", "src", "--against", tags[0]),
        success_codes=[0] if is_patch else [0, 1],
    )
    if not is_patch:
        session.log("A minor version may remove what was deprecated; the changelog lists it.")


def declared_version() -> str:
    """Return the version in pyproject.toml."""
    return str(PROJECT["project"]["version"])


def minor_version(version: str) -> list[str]:
    """Return the first two numbers of a version."""
    return version.split(".")[:2]


@nox.session(default=False)
def version(session: nox.Session) -> None:
    """Write the version after -- into every file; of a release, also the changelog."""
    (new,) = session.posargs
    for name, line in VERSION_LINES.items():
        text = Path(name).read_text(encoding="utf-8")
        old = f"{line.format(declared_version())}\n"
        if text.count(old) != 1:
            session.error(f"{name} has the line {old!r} {text.count(old)} times, not once")
        Path(name).write_text(text.replace(old, f"{line.format(new)}\n"), encoding="utf-8")
    if ".dev" not in new:
        session.install(*group("release"))
        session.run("towncrier", "build", "--yes", "--version", new)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Check that the tag after -- can be published, and build its packages into dist/."""
    (tag,) = session.posargs or ("v" + declared_version(),)
    for fault in faults_of_release(tag.removeprefix("v")):
        session.error(fault)
    judges(session)
    built = {path.name: path.read_bytes() for path in Path("dist").iterdir()}
    again = Path(session.create_tmp()).resolve() / "again"
    shutil.rmtree(again, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(again), silent=True)
    if built != {path.name: path.read_bytes() for path in again.iterdir()}:
        session.error("a second build gives other bytes, so the packages are not reproducible")


def faults_of_release(version: str) -> list[str]:
    """Return what has to be done before a version can be released."""
    changelog = Path("CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    heading = re.compile(rf"## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d")
    fragments = [path.name for path in Path("changelog.d").glob("*.*.md")]
    checks = {
        f"{name} has another version than {version}": line.format(version)
        in Path(name).read_text(encoding="utf-8").splitlines()
        for name, line in VERSION_LINES.items()
    }
    checks |= {
        f"CHANGELOG.md has no section [{version}] with a date": any(
            map(heading.fullmatch, changelog)
        ),
        f"changelog.d has {', '.join(fragments)}": not fragments,
    }
    missing = [fault for fault, holds in checks.items() if not holds]
    return [f"{fault}; run nox -s version -- {version}" for fault in missing]


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Run the tests marked fuzz at their full counts, and property tests on new examples."""
    session.install("-e", ".[tensorflow,plot,heif]", *group("test"))
    chosen = session.posargs or ("--fuzz-share", "1")
    settings = {**test_settings(session), "SHELFVISION_HYPOTHESIS": "search"}
    session.run("pytest", "-m", "fuzz or hypothesis", "-s", *chosen, env=settings)


@nox.session(default=False)
@nox.parametrize("backend", ["tensorflow", "jax"], ids=["tensorflow", "jax"])
def kills(session: nox.Session, backend: str) -> None:
    """Kill 60 training processes and print where; every run has to end as if nothing happened."""
    session.install("-e", f".[{backend}]", *group("test"))
    chosen = session.posargs or ("--fuzz-share", "1")
    session.run("pytest", "-m", "kills", "-s", *chosen, env=test_settings(session))


@nox.session(default=False)
@nox.parametrize("backend", ["tensorflow", "jax"], ids=["tensorflow", "jax"])
def devices(session: nox.Session, backend: str) -> None:
    """Train on one and on two virtual devices in every way; their results have to be equal."""
    session.install("-e", f".[{backend}]", *group("test"))
    chosen = session.posargs or ("--fuzz-share", "1")
    session.run("pytest", "tests/training/devices", *chosen, env=test_settings(session))


@nox.session(default=False)
def kernels(session: nox.Session) -> None:
    """Run the tests of data and the golden tests as each kind of processor would add.

    Arguments after -- go to pytest.
    """
    session.install("-e", ".[tensorflow,plot,pretrained,onnx]", *group("test"))
    for name, environment in kernel_settings(session).items():
        session.log(f"as on: {name}")
        chosen = session.posargs or (*WORKERS, *GOLDEN)
        session.run("pytest", *chosen, env={**test_settings(session), **environment})


def kernel_settings(session: nox.Session) -> dict[str, dict[str, str]]:
    """Return environments that choose other instructions, those that this processor has."""
    # Of numpy's optional instruction sets, those in use.
    program = (
        "from numpy._core._multiarray_umath import __cpu_dispatch__ as sets, __cpu_features__ as "
        "has; print(*(name for name in sets if has.get(name)))"
    )
    found = session.run("python", "-c", program, silent=True)
    in_use = str(found).split()
    settings = {
        "OpenBLAS for Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
        "OpenBLAS for Zen": {"OPENBLAS_CORETYPE": "Zen"},
        "numpy without optional instructions": {"NPY_DISABLE_CPU_FEATURES": " ".join(in_use)},
        "oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1"},
        "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    }
    if any("AVX512" in name or name == "X86_V4" for name in in_use):
        settings["OpenBLAS for SkylakeX"] = {"OPENBLAS_CORETYPE": "SkylakeX"}
    return settings


@nox.session(default=False)
@nox.parametrize("room", list(MUTANTS), ids=list(MUTANTS))
def mutants(session: nox.Session, room: str) -> None:
    """Change the core in small ways, one at a time; quick tests have to notice 85 of 100."""
    session.install(".[jax]", *group("mutants"), *group("test"))
    # The changes are made in a copy, never here.
    copy = Path(session.create_tmp()).resolve() / room
    shutil.rmtree(copy, ignore_errors=True)
    for folder in ("src", "tests"):
        shutil.copytree(folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    chosen = MUTANTS[room]
    selection = [*chosen["tests"], "-k", f"not ({chosen['except']})"]
    settings = (
        Path("pyproject.toml")
        .read_text(encoding="utf-8")
        .replace(
            "[tool.mutmut]\n",
            f"[tool.mutmut]\nonly_mutate = {json.dumps(chosen['files'])}\n"
            f"pytest_add_cli_args_test_selection = {json.dumps(selection)}\n",
        )
    )
    (copy / "pyproject.toml").write_text(settings, encoding="utf-8")
    # The backend numpy starts no threads; of jax, Keras wants a few functions for it.
    with session.chdir(copy):
        session.run(
            *("mutmut", "run", *session.posargs),
            env={**test_settings(session), "KERAS_BACKEND": "numpy"},
        )
        session.run("mutmut", "results")
    tell_what_was_killed(session, copy / "mutants")


def tell_what_was_killed(session: nox.Session, folder: Path) -> None:
    """Print how many changes of every file were noticed; fail where too few were."""
    killed_of: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        tried = [code for code in codes if code is not None]
        if tried:
            # What survives ends with 0, and with 33 where no test comes near it.
            killed_of[path.stem] = sum(code not in (0, 33) for code in tried), len(tried)
    for name, (killed, n) in killed_of.items():
        session.log(f"{name:>20}  {killed:4} of {n:4} killed, {killed / n:.1%}")
    if not killed_of:
        session.error("no change was tried")
    killed, n = (sum(column) for column in zip(*killed_of.values(), strict=True))
    session.log(f"{'together':>20}  {killed:4} of {n:4} killed, {killed / n:.1%}")
    if killed < LEAST_KILLED * n:
        session.error(f"fewer than {LEAST_KILLED:.0%} of the changes were noticed")


@nox.session(default=False)
def openvino(session: nox.Session) -> None:
    """Export with OpenVINO and run its files, in a process of their own."""
    session.install("-e", ".[export,openvino]", *group("test"))
    session.run(
        *("pytest", "-rs", *(session.posargs or ("tests/export",))), env=test_settings(session)
    )


@nox.session(default=False)
def detectors(session: nox.Session) -> None:
    """Compare detectors with the packages that trained them; names after -- choose networks."""
    session.install("-e", ".[onnx]", *group("detectors"))
    session.run("python", "tests/export/referee_detectors.py", *session.posargs)


@nox.session(default=False)
def pretrained(session: nox.Session) -> None:
    """Compare pretrained networks with torch's, layer by layer the same, on rendered photos."""
    session.install("-e", ".[tensorflow,torch,pretrained]", *group("test"), *group("pretrained"))
    chosen = session.posargs or ("-rs", "tests/models/test_pretrained.py")
    session.run("pytest", *chosen, env=test_settings(session))


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Measure; names after -- choose scripts of benchmarks/, by default all run."""
    session.install(".[tensorflow,plot]", *group("benchmarks"), *group("service"))
    chosen = session.posargs or sorted(path.stem for path in Path("benchmarks").glob("[!_]*.py"))
    if "scaling" in chosen:
        session.install(*group("engines"))
    for name in chosen:
        session.run("python", f"benchmarks/{name}.py", env=test_settings(session))


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Train, judge, save, load and predict, with pictures; arguments after -- go to the demo."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    checks = bool(os.environ.get("CI"))
    # The checks take the wheel that the judges have just built from the sdist.
    built = sorted(str(path) for path in Path("dist").glob("*.whl")) if checks else []
    session.install(f"{built[-1] if built else '.'}[{backend},plot,pretrained]")
    session.run("python", "examples/demo.py", *session.posargs, env={"TF_CPP_MIN_LOG_LEVEL": "2"})
    if checks:
        run_the_readme(session)


def run_the_readme(session: nox.Session) -> None:
    """Run the README's lines with what is installed, in an empty folder outside the project."""
    readme = Path("README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    settings = test_settings(session)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ten_lines.py").write_text(lines, encoding="utf-8")
        with session.chdir(folder):
            session.run("python", "ten_lines.py", env=settings)


if __name__ == "__main__":
    nox.main()
