"""Reading engine_versions/*.yaml: validated, with version ranges resolved per cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from atlas.engines.model import (
    Cell,
    CliSpec,
    DeepSpec,
    Engine,
    InvariantSpec,
    Overlay,
    ResolveSpec,
    SourceSpec,
    Surface,
    TargetSpec,
    VenvSpec,
)
from atlas.errors import InputError
from atlas.validation import check, nearest
from atlas.yamlfile import Document, Pointer, load_yaml

DEFAULT_PARSER = "argparse.ArgumentParser"
DEFAULT_TIMEOUT_S = 300
HISTORY = "history."
"""What the artefacts are called that every tracked version has, and the only ones of most."""


def load_engine(path: Path) -> Engine:
    """One engine; InputError naming file, line and column for anything wrong in its YAML."""
    document = load_yaml(path, f"{path.parent.name}/{path.name}")
    check(document, "engine")
    spec = document.value
    if spec["engine"] != path.stem:
        raise InputError(
            f"engine is `{spec['engine']}` but the file is called {path.name}",
            where=document.where(("engine",)),
            hint=f"rename the file to {spec['engine']}.yaml, or the engine to `{path.stem}`",
        )
    library = spec["library"]
    versions = sorted(_in_full(library), key=Version)
    root = path.resolve().parent.parent
    _check_surfaces(document)
    _check_versions(document)
    return Engine(
        name=spec["engine"],
        file=path,
        library_name=library["name"],
        current_version=library["current_version"],
        versions=tuple(versions),
        cells={version: _cell(document, version, root) for version in versions},
    )


def history_cells(engine: Engine) -> dict[str, Cell]:
    """Every tracked version of an engine, also those of which only the history is kept; oldest first."""
    document = load_yaml(engine.file, f"{engine.file.parent.name}/{engine.file.name}")
    library = document.value["library"]
    versions = {library["current_version"], *library.get("versions", ())}
    root = engine.file.resolve().parent.parent
    return {version: _cell(document, version, root) for version in sorted(versions, key=Version)}


def _in_full(library: dict[str, Any]) -> set[str]:
    """The versions that have all artefacts: every one, unless `in_full` says which."""
    return {library["current_version"], *library.get("in_full", library.get("versions", ()))}


def engine_names(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "engine_versions").glob("*.yaml"))


@dataclass(frozen=True)
class BrokenEngine:
    """A YAML that cannot be used, and the versions that could still be read from it."""

    name: str
    versions: tuple[str, ...]
    error: str


def load_all(root: Path) -> tuple[list[Engine], list[BrokenEngine]]:
    """Every engine; one bad file does not hide the others."""
    engines, broken = [], []
    for name in engine_names(root):
        file = root / "engine_versions" / f"{name}.yaml"
        try:
            engines.append(load_engine(file))
        except InputError as error:
            broken.append(BrokenEngine(name, _salvaged_versions(file, root / "results" / name), str(error)))
    return engines, broken


def _salvaged_versions(file: Path, results: Path) -> tuple[str, ...]:
    """The versions a broken file still names, else those built before, else a placeholder."""
    try:
        named = _in_full(load_yaml(file).value["library"])
        return tuple(sorted(str(Version(version)) for version in named))
    except (InputError, InvalidVersion, KeyError, TypeError, AttributeError):
        return tuple(sorted(path.name for path in results.glob("*") if _has_more_than_history(path))) or (
            "unreadable",
        )


def _has_more_than_history(folder: Path) -> bool:
    return folder.is_dir() and any(not path.name.startswith(HISTORY) for path in folder.iterdir())


def load_cell(root: Path, engine: str, version: str, *, history: bool = False) -> Cell:
    """One version of one engine that has all artefacts, or (`history`) any tracked one.

    InputError with the nearest names where there is none.
    """
    names = engine_names(root)
    if engine not in names:
        raise InputError(f"no engine `{engine}`{nearest(engine, names)}", where="engine_versions/")
    loaded = load_engine(root / "engine_versions" / f"{engine}.yaml")
    if not history and version in loaded.cells:
        return loaded.cell(version)
    tracked = history_cells(loaded)
    if version not in tracked:
        raise InputError(
            f"{engine} {version} is not tracked{nearest(version, tracked)}",
            where=f"engine_versions/{engine}.yaml",
            hint="add it to library.versions",
        )
    if not history:
        raise InputError(
            f"of {engine} {version} only the history is kept",
            where=f"engine_versions/{engine}.yaml",
            hint="add it to library.in_full",
        )
    return tracked[version]


def _cell(document: Document, version: str, root: Path) -> Cell:
    spec = document.value
    library = spec["library"]

    def chosen(*pointer: str | int) -> Iterator[Any]:
        return applicable(document, pointer, version)

    landmarks = [entry if isinstance(entry, str) else entry["name"] for entry in chosen("landmarks")]
    return Cell(
        engine=spec["engine"],
        version=version,
        library_name=library["name"],
        source_url=library.get("source_url"),
        packages=tuple(spec["packages"]),
        sources=tuple(SourceSpec(s["kind"], s.get("name"), s.get("path")) for s in chosen("sources")),
        venv=next((_venv(entry, spec["engine"]) for entry in chosen("environments", "venv")), None),
        surfaces={
            group: surfaces
            for group in spec["surfaces"]
            if (surfaces := tuple(map(_surface, chosen("surfaces", group))))
        },
        cli=tuple(
            CliSpec(c["method"], c.get("class"), c.get("parser", DEFAULT_PARSER), c.get("surface"))
            for c in chosen("cli")
        ),
        fixtures=spec.get("fixtures", {}),
        resolve=tuple(map(_resolve, chosen("resolve"))),
        landmarks=tuple(landmarks),
        invariants=_invariants(spec.get("invariants", {}), chosen("invariants", "targets")),
        root=root,
    )


def _venv(entry: dict[str, Any], engine: str) -> VenvSpec:
    overlay = entry.get("overlay", {})
    by_hand = "requirements" in entry and "dependencies" not in entry
    return VenvSpec(
        python=entry["python"],
        requirements=entry.get("requirements", f"envs/{engine}.txt"),
        dependencies=None if by_hand else tuple(entry.get("dependencies", ())),
        exclude=tuple(entry.get("exclude", ())),
        overlay=Overlay(
            overlay.get("version_suffix", ""), overlay.get("stubs", {}), tuple(overlay.get("folders", ()))
        ),
        env=entry.get("env", {}),
        timeout_s=entry.get("timeout_s", DEFAULT_TIMEOUT_S),
    )


def _surface(entry: dict[str, Any]) -> Surface:
    kind = "class" if "class" in entry else "function"
    return Surface(
        kind=kind,
        target=entry[kind],
        prefix=entry.get("prefix", ""),
        nested=entry.get("nested", True),
        assembled_from=tuple(entry.get("assembled_from", ())),
        include_kwargs=entry.get("include_kwargs", True),
        skip=tuple(entry.get("skip", ())),
    )


def _resolve(entry: dict[str, Any]) -> ResolveSpec:
    return ResolveSpec(
        call=entry["call"],
        cls=entry.get("class"),
        kwargs=entry.get("kwargs", {}),
        result=entry.get("result", "objects"),
        surface=entry.get("surface"),
        ignore=tuple(entry.get("ignore", ())),
        variants=tuple(entry.get("variants", ())),
        read=entry.get("read"),
    )


def _invariants(entry: dict[str, Any], targets: Iterator[Any]) -> InvariantSpec:
    usual = InvariantSpec()
    return InvariantSpec(
        targets=tuple(map(_target, targets)),
        exclude=tuple(entry.get("exclude", ())),
        platform_modules=tuple(entry.get("platform_modules", ())),
        samples=entry.get("samples", usual.samples),
        limit_s=entry.get("limit_s", usual.limit_s),
    )


def _target(entry: dict[str, Any]) -> TargetSpec:
    return TargetSpec(
        cls=entry["class"],
        given=entry.get("given", {}),
        variants=tuple(entry.get("variants", ())),
        prepare=entry.get("prepare", {}),
        steps=tuple(entry.get("steps", ())),
        skip=tuple(entry.get("skip", ())),
        samples=entry.get("samples"),
        most_asked=entry.get("most_asked"),
        deep=_deep(entry.get("deep", {})),
    )


def _deep(entry: dict[str, Any]) -> DeepSpec:
    return DeepSpec(**{**entry, "variants": tuple(entry.get("variants", ()))})


def applicable(document: Document, pointer: Pointer, version: str) -> Iterator[Any]:
    """The entries of a list whose `versions` range holds `version`."""
    entries = document.value
    for key in pointer:
        entries = entries.get(key, {})
    for index, entry in enumerate(entries or []):
        wanted = entry.get("versions", "") if isinstance(entry, dict) else ""
        try:
            specifier = SpecifierSet(wanted)
        except InvalidSpecifier as error:
            raise InputError(
                f"`{wanted}` is not a version range (PEP 440)",
                where=document.where((*pointer, index, "versions")),
                hint='write for instance ">=0.20,<0.32"',
            ) from error
        if specifier.contains(version, prereleases=True):
            yield entry


def _check_versions(document: Document) -> None:
    """What is kept in full is tracked."""
    library = document.value["library"]
    for index, version in enumerate(library.get("in_full", ())):
        if version not in library.get("versions", ()):
            raise InputError(
                f"`{version}` is none of library.versions{nearest(version, library.get('versions', ()))}",
                where=document.where(("library", "in_full", index)),
            )


def _check_surfaces(document: Document) -> None:
    """Names of surfaces used elsewhere in the file must exist."""
    groups = list(document.value["surfaces"])
    for part in ("cli", "resolve"):
        for index, entry in enumerate(document.value.get(part, [])):
            group = entry.get("surface")
            if group is not None and group not in groups:
                raise InputError(
                    f"no surface `{group}`{nearest(group, groups)}",
                    where=document.where((part, index, "surface")),
                )
