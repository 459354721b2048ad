"""Models made on the spot: random weights of an architecture, the same on every machine.

A folder as the model hub has it (config.json, model.safetensors, a tokenizer), written without any engine.
"""

from __future__ import annotations

import array
import functools
import json
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from atlas.canonical import digest, dump_json, sha256_file, write_atomic

FORMAT = 2
BLOCK = 1 << 18
SPECIAL = ("<unk>", "<s>", "</s>")
SPREAD = 0.035
"""Weights are uniform in ±SPREAD, which is a deviation of 0.02, as new models have it."""


def config_of(spec: dict[str, Any]) -> dict[str, Any]:
    """config.json of a spec."""
    heads = spec["heads"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": spec["hidden_size"] // heads,
        "hidden_act": "silu",
        "hidden_size": spec["hidden_size"],
        "initializer_range": 0.02,
        "intermediate_size": _intermediate(spec),
        "max_position_embeddings": spec.get("context", 2048),
        "num_attention_heads": heads,
        "num_hidden_layers": spec["layers"],
        "num_key_value_heads": spec.get("kv_heads", heads),
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "vocab_size": spec["vocabulary"],
    }


def tokenizer_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The files of a tokenizer with a word for each token (`t17` is token 17), for what asks for texts."""
    words = {**{name: number for number, name in enumerate(SPECIAL)}}
    words |= {f"t{number}": number for number in range(len(SPECIAL), spec["vocabulary"])}
    special = [
        {"id": number, "content": name, "special": True, "normalized": False, "single_word": False,
         "lstrip": False, "rstrip": False}
        for number, name in enumerate(SPECIAL)
    ]  # fmt: skip
    unknown, begin, end = SPECIAL
    return {
        "tokenizer.json": {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": special,
            "normalizer": None,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": words, "unk_token": unknown},
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": spec.get("context", 2048),
            "unk_token": unknown,
            "bos_token": begin,
            "eos_token": end,
            "clean_up_tokenization_spaces": False,
            "chat_template": "{% for message in messages %}{{ message['content'] }} {% endfor %}",
        },
    }


def tensors_of(spec: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes, in the order that they are drawn in."""
    hidden, inner = spec["hidden_size"], _intermediate(spec)
    narrow = hidden // spec["heads"] * spec.get("kv_heads", spec["heads"])
    yield "model.embed_tokens.weight", (spec["vocabulary"], hidden)
    for layer in range(spec["layers"]):
        start = f"model.layers.{layer}"
        for name, rows in (("q", hidden), ("k", narrow), ("v", narrow), ("o", hidden)):
            yield f"{start}.self_attn.{name}_proj.weight", (rows, hidden)
        for name, shape in (("gate", (inner, hidden)), ("up", (inner, hidden)), ("down", (hidden, inner))):
            yield f"{start}.mlp.{name}_proj.weight", shape
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{start}.{name}.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (spec["vocabulary"], hidden)


def make_model(spec: dict[str, Any], cache: Path) -> Path:
    """The model's folder in the cache, made if it isn't there."""
    folder = cache / "models" / digest({"format": FORMAT, "spec": spec})[7:23]
    done = folder / "model.json"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not done.is_file():
            folder.mkdir(exist_ok=True)
            write_atomic(folder / "config.json", dump_json(config_of(spec)))
            for name, content in tokenizer_of(spec).items():
                write_atomic(folder / name, dump_json(content))
            weights = folder / "model.safetensors"
            with weights.open("wb") as file:
                _write(file, spec)
            write_atomic(done, dump_json({"spec": spec, "weights": sha256_file(weights)}))
    return folder


def weights_digest(folder: Path) -> str:
    return str(json.loads((folder / "model.json").read_text(encoding="utf-8"))["weights"])


def _intermediate(spec: dict[str, Any]) -> int:
    return int(spec.get("intermediate_size", 4 * spec["hidden_size"]))


def _write(file: IO[bytes], spec: dict[str, Any]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors_of(spec):
        start, end = end, end + 4 * _count(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    source = random.Random(spec["seed"])
    for name, shape in tensors_of(spec):
        if name.endswith("norm.weight"):
            file.write(_little(array.array("f", [1.0]) * _count(shape)))
            continue
        for start in range(0, _count(shape), BLOCK):
            file.write(_draw(source, min(BLOCK, _count(shape) - start)))


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _draw(source: random.Random, count: int) -> bytes:
    """So many uniform numbers of 16 random bits: what is in a bfloat16 anyway."""
    bits = array.array("H", source.randbytes(2 * count))
    if sys.byteorder == "big":
        bits.byteswap()
    return _little(array.array("f", map(_values().__getitem__, bits)))


@functools.cache
def _values() -> list[float]:
    return [bits * (2 * SPREAD / 65535) - SPREAD for bits in range(65536)]


def _little(values: array.array[float]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
