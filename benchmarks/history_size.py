"""What the history of each engine takes: raw, and packed by git as in a clone.

python benchmarks/history_size.py
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IDENTITY = ("-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "commit.gpgsign=false")


def packed(files: list[Path]) -> int:
    """Bytes of a pack of these files alone, sidecars included."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            target = Path(folder, file.relative_to(ROOT))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "history"], ["repack", "-adq"]):
            subprocess.run(["git", *IDENTITY, *command], cwd=folder, check=True, capture_output=True)
        return sum(path.stat().st_size for path in Path(folder).glob(".git/objects/pack/*.pack"))


def main() -> None:
    for history in sorted((ROOT / "results").glob("*/history.json")):
        files = sorted(history.parent.rglob("history*.json*"))
        facts = [file for file in files if file.name == "history.facts.json"]
        raw = sum(file.stat().st_size for file in files)
        print(f"| {history.parent.name} | {len(facts)} | {raw / 1e6:.2f} MB | {packed(files) / 1e6:.2f} MB |")


if __name__ == "__main__":
    main()
