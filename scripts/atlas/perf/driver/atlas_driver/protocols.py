"""How requests are put to an engine, and how its tokens are seen to come.

`streamer`: one call takes a batch and an object whose `put` is called for each step of all rows; or, where
`read` says which row a step is of, for each of them. `told` is that method, or None in a bare loop.
`steps`: requests are added one by one, and a method is called until all are done; after each call, what it
returns says how many tokens each request has.

Telling costs some engines speed, so a card may want the number of tokens alone: COUNTS are of what there is
when all is done, and there are no times then, which nobody guesses. In a bare loop it is neither.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

Objects = dict[str, Any]
Evaluate = Callable[[Objects], Any]
TIMES = "times"
COUNTS = "counts"


class Stream:
    """Told by the engine of each step; keeps when that was."""

    def __init__(self, prompt_first: bool) -> None:
        self.skip = 1 if prompt_first else 0
        self.times: list[float] = []

    def put(self, _value: object) -> None:
        self.times.append(time.monotonic())

    def end(self) -> None:
        pass

    def tokens(self, _row: int) -> list[float]:
        return self.times[self.skip :]


class RowStream(Stream):
    """Told of each step of each row; the engine's object is only read when all is done."""

    def __init__(self, prompt_first: bool, row: Callable[[Any], Any]) -> None:
        super().__init__(prompt_first)
        self.row = row
        self.steps: list[Any] = []
        self.rows: dict[int, list[float]] | None = None

    def put(self, value: object) -> None:
        self.times.append(time.monotonic())
        self.steps.append(value)

    def tokens(self, row: int) -> list[float]:
        if self.rows is None:
            self.rows = {}
            for step, now in zip(self.steps, self.times):
                self.rows.setdefault(int(self.row(step)), []).append(now)
        return self.rows.get(row, [])[self.skip :]


class Streamer:
    """The protocol `streamer`."""

    def __init__(self, spec: dict[str, Any], compile_tree: Callable[..., Evaluate], objects: Objects) -> None:
        self.objects = objects
        first = bool(spec.get("prompt_first"))
        row = _reader(spec["read"]["row"]) if "read" in spec else None
        self.output = spec.get("output", {})
        self.tokens = _reader(self.output["tokens"]) if "tokens" in self.output else None
        self.stream = functools.partial(RowStream, first, row) if row else functools.partial(Stream, first)
        names = [*objects, "prompts", "output_tokens", "stream", "told"]
        self.prepare = {name: compile_tree(tree, names) for name, tree in spec.get("request", {}).items()}
        self.generate = compile_tree(spec["generate"], [*names, *self.prepare])

    def run(self, prompts: list[list[int]], output_tokens: int, wanted: str | None) -> list[dict[str, Any]]:
        stream = self.stream() if wanted == TIMES else None
        told = stream.put if stream else None
        asked = {"prompts": prompts, "output_tokens": output_tokens, "stream": stream, "told": told}
        objects = {**self.objects, **asked}
        sent = time.monotonic()
        objects.update({name: make(objects) for name, make in self.prepare.items()})
        made = self.generate(objects)
        done = time.monotonic()
        found = []
        for row, prompt in enumerate(prompts):
            one = {"sent": sent, "done": done, "tokens": stream.tokens(row) if stream else None}
            one["n_in"] = len(prompt)
            if wanted == COUNTS:
                one["n_out"] = self._count(made[row], prompt)
            found.append(one)
        return found

    def _count(self, made: Any, prompt: list[int]) -> int:
        tokens = len(self.tokens(made) if self.tokens else made)
        return tokens - len(prompt) if self.output.get("prompt_first") else tokens


class Steps:
    """The protocol `steps`."""

    def __init__(self, spec: dict[str, Any], compile_tree: Callable[..., Evaluate], objects: Objects) -> None:
        self.objects = objects
        self.add = compile_tree(spec["add"], [*objects, "prompt", "output_tokens", "id"])
        self.step = compile_tree(spec["step"], list(objects))
        self.read = {name: _reader(path) for name, path in spec["read"].items()}
        self.count = 0

    def run(self, prompts: list[list[int]], output_tokens: int, wanted: str | None) -> list[dict[str, Any]]:
        requests: dict[str, dict[str, Any]] = {}
        for prompt in prompts:
            name = str(self.count)
            self.count += 1
            tokens: list[float] | None = [] if wanted == TIMES else None
            requests[name] = {"sent": time.monotonic(), "done": None, "tokens": tokens, "n_in": len(prompt)}
            self.add({**self.objects, "prompt": prompt, "output_tokens": output_tokens, "id": name})
        left = set(requests)
        while left:
            found = self.step(self.objects)
            now = time.monotonic()
            for one in found:
                request = requests.get(str(self.read["id"](one)))
                if request is None:
                    continue
                if wanted == TIMES:
                    more = len(self.read["tokens"](one)) - len(request["tokens"])
                    request["tokens"].extend([now] * more)
                if self.read["finished"](one):
                    request["done"] = now
                    if wanted == COUNTS:
                        request["n_out"] = len(self.read["tokens"](one))
                    left.discard(str(self.read["id"](one)))
        return list(requests.values())


PROTOCOLS = {"streamer": Streamer, "steps": Steps}


def _reader(path: str) -> Callable[[Any], Any]:
    """Follows a dotted path of attributes and numbers of items."""

    def follow(value: Any, part: str) -> Any:
        return value[int(part)] if part.isdigit() else getattr(value, part)

    return lambda value: functools.reduce(follow, path.split("."), value)


def failed(prompts: list[list[int]], sent: float, error: BaseException) -> list[dict[str, Any]]:
    """The same for a batch that the engine has refused."""
    text: str | None = "%s: %s" % (type(error).__name__, str(error)[:500])
    return [{"sent": sent, "done": None, "tokens": [], "n_in": len(p), "error": text} for p in prompts]
