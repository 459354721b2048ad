"""Which sentences, comments, warnings and flags say that a parameter is deprecated.

The sentences are real: each is cited with the engine, version and place it was found in.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.schema.facts import ClassFact, DeprecationFact, FieldFact, FlagFact
from atlas.schema.static.deprecation_text import deprecation_in, merged, subjects
from atlas.schema.static.deprecations import with_deprecations
from atlas.schema.static.evaluate import Evaluator
from atlas.schema.static.flags import CliFacts
from atlas.schema.static.modules import SourceIndex

# (name, text, since, replacement)
DEPRECATED = {
    "vllm 0.11.0 config/model.py task": (
        "task",
        "[DEPRECATED] The task to use the model for. If the model supports more than one model runner, …",
        None,
        None,
    ),
    "vllm 0.11.0 config/model.py override_pooler_config": (
        "override_pooler_config",
        "[DEPRECATED] Use `pooler_config` instead. This field will be removed in v0.12.0 or v1.0.0.",
        None,
        "pooler_config",
    ),
    "vllm 0.11.0 config/lora.py lora_extra_vocab_size": (
        "lora_extra_vocab_size",
        "(Deprecated) Maximum size of extra vocabulary that can be present in a LoRA adapter. "
        "Will be removed in v0.12.0.",
        None,
        None,
    ),
    "vllm 0.11.0 config/parallel.py eplb_window_size": (
        "eplb_window_size",
        "`eplb_window_size` is deprecated and has been replaced with `eplb_config.window_size`. "
        "This will be removed in v0.12.0. Please use `eplb_config.window_size` instead.",
        None,
        "eplb_config.window_size",
    ),
    "vllm 0.11.0 config/compilation.py full_cuda_graph": (
        "full_cuda_graph",
        "This may provide performance benefits for smaller models. Warning: This flag is deprecated and will "
        "be removed in the next major or minor release, i.e. v0.11.0 or v1.0.0. "
        "Please use cudagraph_mode instead.",
        None,
        "cudagraph_mode",
    ),
    "vllm 0.11.0 sampling_params.py guided_decoding": (
        "guided_decoding",
        "Deprecated alias for structured_outputs.",
        None,
        "structured_outputs",
    ),
    "vllm 0.11.0 engine/arg_utils.py disable_mm_preprocessor_cache": (
        "disable_mm_preprocessor_cache",
        "`--disable-mm-preprocessor-cache` is deprecated and will be removed in v0.13. "
        "Please use `--mm-processor-cache-gb 0` instead.",
        None,
        "--mm-processor-cache-gb 0",
    ),
    "vllm 0.33.0 config/device.py device": (
        "device",
        "Device type for vLLM execution. This parameter is deprecated and will be removed in a future "
        "release. It will now be set automatically based on the current platform.",
        None,
        None,
    ),
    "vllm 0.33.0 config/kernel.py ir_op_priority": (
        "ir_op_priority",
        "Platform defaults appended automatically during VllmConfig.__post_init__. Deprecated: vLLM IR is "
        "being removed, and this option will be removed in v0.34.0.",
        None,
        None,
    ),
    "vllm 0.33.0 engine/arg_utils.py --ir-op-priority": (
        "ir_op_priority",
        "ir_op_priority (--ir-op-priority) is deprecated because vLLM IR is being removed.",
        None,
        None,
    ),
    "vllm 0.33.0 engine/arg_utils.py --log-config-file": (
        "log_config_file",
        "--log-config-file is deprecated and will be removed in v0.33.0. "
        "Use --logging-config.pylogging_config_file instead.",
        None,
        "--logging-config.pylogging_config_file",
    ),
    "transformers 5.23.0 generation/configuration_utils.py block_size": (
        "block_size",
        "Deprecated in 5.17: now page_size is used instead.",
        "5.17",
        "page_size",
    ),
    "transformers 5.23.0 generation/configuration_utils.py use_default_compile_configs": (
        "use_default_compile_configs",
        "Deprecated in 5.11: please use default_compile_level instead.",
        "5.11",
        "default_compile_level",
    ),
    "transformers 5.23.0 utils/quantization_config.py run_compressed": (
        "run_compressed",
        "deprecated, use `dequantize` instead. Its only effect is to set `dequantize` to its opposite.",
        None,
        "dequantize",
    ),
    "transformers 4.57.6 modeling_utils.py torch_dtype": (
        "torch_dtype",
        "`torch_dtype` is deprecated! Use `dtype` instead!",
        None,
        "dtype",
    ),
    "transformers 4.57.6 modeling_utils.py load_in_8bit": (
        "load_in_8bit",
        "The `load_in_4bit` and `load_in_8bit` arguments are deprecated and will be removed in the future "
        "versions.",
        None,
        None,
    ),
    "transformers 5.23.0 modeling_utils.py tp_plan": (
        "tp_plan",
        "Passing `tp_plan` directly to `from_pretrained` is deprecated and will be removed in v5.18. "
        "Pass it in `distributed_config=DistributedConfig(tp_plan=...)` instead.",
        None,
        "distributed_config=DistributedConfig(tp_plan=...)",
    ),
    "sglang 0.5.23 arg_groups/fields/serving.py grpc_mode": (
        "grpc_mode",
        "(Deprecated, use --smg-grpc-mode) Legacy SMG gRPC server selector.",
        None,
        "--smg-grpc-mode",
    ),
    "sglang 0.5.23 server_args.py --enable-flashinfer-allreduce-fusion": (
        "enable_flashinfer_allreduce_fusion",
        "(Deprecated: use --flashinfer-allreduce-fusion-backend=auto) Enable FlashInfer allreduce fusion.",
        None,
        "--flashinfer-allreduce-fusion-backend=auto",
    ),
    "reStructuredText": ("x", "The x. .. deprecated:: 0.9 Use :attr:`y`.", "0.9", "y"),
}


@pytest.mark.parametrize("name, text, since, replacement", DEPRECATED.values(), ids=DEPRECATED.keys())
def test_a_text_says_it(name: str, text: str, since: str | None, replacement: str | None) -> None:
    found = deprecation_in(text, [name])
    assert found is not None
    assert (found.since, found.replacement) == (since, replacement)
    assert found.message


# (name, text): about values, other parameters, other things, or the future
NOT_DEPRECATED = {
    "vllm 0.33.0 config/model.py allow_deprecated_quantization": (
        "allow_deprecated_quantization",
        "Whether to allow deprecated quantization methods.",
    ),
    "vllm 0.33.0 config/observability.py show_hidden_metrics_for_version": (
        "show_hidden_metrics_for_version",
        "Enable deprecated Prometheus metrics that have been hidden since the specified version. For "
        "example, if a previously deprecated metric has been hidden since the v0.7.0 release, you use …",
    ),
    "vllm 0.33.0 config/parallel.py dcp_kv_cache_interleave_size": (
        "dcp_kv_cache_interleave_size",
        "dcp_kv_cache_interleave_size has been replaced by cp_kv_cache_interleave_size, and will be "
        "deprecated when PCP is fully supported.",
    ),
    "vllm 0.33.0 config/structured_outputs.py backend": (
        "backend",
        'The "lm-format-enforcer" backend is deprecated and will be removed in v0.35.0. Use "auto" instead.',
    ),
    "vllm 0.33.0 config/model.py quantization": (
        "quantization",
        "The quantization method %s is deprecated and will be removed in future versions of vLLM.",
    ),
    "transformers 5.23.0 utils/quantization_config.py include_input_output_embeddings": (
        "include_input_output_embeddings",
        "Whether to include embedding in quantization or not, input embedding will be removed from the "
        "module_not_to_convert list as well if this flag is set.",
    ),
    "transformers 4.57.6 generation/utils.py past_key_values": (
        "past_key_values",
        "Passing a tuple of `past_key_values` is deprecated and will be removed in Transformers v4.58.0.",
    ),
    "transformers 5.23.0 generation/utils.py cache_implementation": (
        "cache_implementation",
        "Using `cache_implementation='{generation_config.cache_implementation}' is deprecated.",
    ),
    "transformers 5.23.0 modeling_utils.py dtype": (
        "dtype",
        "Using different dtypes per module is deprecated and will be removed in future versions.",
    ),
    "sglang 0.5.23 arg_groups/fields/serving.py smg_grpc_mode": (
        "smg_grpc_mode",
        "Use the legacy SMG gRPC server instead of the HTTP server. Replaces the deprecated --grpc-mode.",
    ),
    "sglang 0.5.23 arg_groups/fields/memory.py unified_cache_external_linker_config": (
        "unified_cache_external_linker_config",
        "The fallback to that flag for external linkers is deprecated; ordinary HiCache use of that flag is "
        "unaffected.",
    ),
    "sglang 0.5.23 arg_groups/serving_hook.py tool_call_parser": (
        "tool_call_parser",
        "The tool_call_parser '{cfg.tool_call_parser}' is deprecated. Please use '…' instead.",
    ),
    "lmdeploy 0.18.0 cli/utils.py communicator": (
        "communicator",
        'Communication backend. The "native" option is deprecated and serves as an alias for "cuda-ipc".',
    ),
    "another parameter": ("a", "The `b` option is deprecated."),
    "the opposite": ("a", "A non-deprecated way to set it."),
    "models": ("a", "Deprecated models are loaded from the hub."),
}


@pytest.mark.parametrize("name, text", NOT_DEPRECATED.values(), ids=NOT_DEPRECATED.keys())
def test_a_text_says_it_of_something_else(name: str, text: str) -> None:
    assert deprecation_in(text, [name]) is None


def test_all_subjects_of_a_sentence_are_named() -> None:
    assert subjects("The `a`, `b` and --c-d flags have been deprecated.") == {"a", "b", "c_d"}


def test_a_sentence_tells_more_than_a_word() -> None:
    found = merged(
        [DeprecationFact(message="DEPRECATED"), None, DeprecationFact("1.0", "Gone soon, use y.", "y")]
    )
    assert found == DeprecationFact("1.0", "Gone soon, use y.", "y")


# --- in code ------------------------------------------------------------------------------------------

Index = Callable[..., SourceIndex]


def deprecated(index: SourceIndex, *names: str, cli: tuple[CliFacts, ...] = (), **more: object) -> set[str]:
    return set(facts(index, *names, cli=cli, **more))


def facts(
    index: SourceIndex, *names: str, cli: tuple[CliFacts, ...] = (), **more: object
) -> dict[str, DeprecationFact]:
    owner = "toy.config.Config"
    fields = tuple(FieldFact(name, owner, **more) for name in names)  # type: ignore[arg-type]
    found = with_deprecations({owner: ClassFact(owner, "plain", fields=fields)}, Evaluator(index), cli)
    return {field.name: field.deprecated for field in found[owner].fields if field.deprecated}


CODE = {
    "warning": (
        """
        class Config:
            def __post_init__(self):
                if self.x is not None:
                    warnings.warn("`x` is deprecated, use `y`.", FutureWarning)
        """,
        {"x"},
    ),
    "message in a constant of the module": (
        """
        _X_DEPRECATION_MESSAGE = ("--x is deprecated "
                                  "and has no effect.")
        class Config:
            def make(self):
                logger.warning_once(_X_DEPRECATION_MESSAGE)
        """,
        {"x"},
    ),
    "message in a local variable": (
        """
        class Config:
            def __init__(self, x, y):
                msg = "x is deprecated"
                warnings.warn(DeprecationWarning(msg))
        """,
        {"x"},
    ),
    "a parameter of another method has the same name": (
        """
        class Config:
            def to(self, x=None):
                warnings.warn("The `x` argument is deprecated.")
        """,
        set(),
    ),
    "decorated constructor": (
        """
        class Config:
            @deprecate_kwarg("x", new_name="y", version="5.0")
            def __init__(self, **kwargs): ...
        """,
        {"x"},
    ),
    "deprecated property": (
        """
        class Config:
            @property
            @deprecated("`x` is deprecated.")
            def x(self): ...
        """,
        {"x"},
    ),
    "comment over one": (
        """
        class Config:
            # Deprecated spelling of `y`. TODO: remove
            x: int = 1
            y: int = 2
        """,
        {"x"},
    ),
    "comment behind": ("class Config:\n    x: int = 1  # DEPRECATED\n    y: int = 2\n", {"x"}),
    "comment over several": (
        """
        class Config:
            def __init__(self, **kwargs):
                # Deprecated (moved elsewhere). TODO remove for v5
                self.x = kwargs.pop("x", None)
                self.y = kwargs.pop("y", None)

                self.z = kwargs.pop("z", None)
        """,
        {"x", "y"},
    ),
    "heading over several": (
        """
        class Config:
            # Deprecated arguments
            x: int | None = None
            y: int | None = None

            z: int = 1
        """,
        {"x", "y"},
    ),
    "comment about something else": (
        """
        class Config:
            # All of these are redundant and deprecated upstream, but
            x: int = 1
        """,
        set(),
    ),
}


@pytest.mark.parametrize("source, expected", CODE.values(), ids=CODE.keys())
def test_code_says_it(index: Index, source: str, expected: set[str]) -> None:
    assert deprecated(index(source), "x", "y", "z") == expected


def test_a_decorator_names_the_replacement(index: Index) -> None:
    source = 'class Config:\n    @deprecate_kwarg("x", new_name="y")\n    def __init__(self): ...\n'
    assert facts(index(source), "x")["x"].replacement == "y"


def test_an_annotation_can_carry_it(index: Index) -> None:
    source = index("class Config: ...")
    assert deprecated(source, "x", annotation='Annotated[int, deprecated("Use y.")]') == {"x"}


def cli(*flags: tuple[str, str], marked: frozenset[str] = frozenset()) -> CliFacts:
    facts = (FlagFact((name,), name[2:], "toy.config.Config", "x", help=text) for name, text in flags)
    return CliFacts(tuple(facts), deprecated=marked)


def test_a_parameter_whose_only_flag_is_deprecated_is_too(index: Index) -> None:
    source = index("class Config: ...")
    assert deprecated(source, "x", cli=(cli(("--x", "Deprecated. Use --y instead.")),)) == {"x"}
    assert deprecated(source, "x", cli=(cli(("--x", "The x."), marked=frozenset({"x"})),)) == {"x"}


def test_an_old_spelling_of_a_flag_leaves_its_parameter_alone(index: Index) -> None:
    both = cli(("--x", "The x."), ("--old-x", "Deprecated. Use --x instead."))
    assert deprecated(index("class Config: ..."), "x", cli=(both,)) == set()


def test_a_joined_field_shares_it(index: Index) -> None:
    config = ClassFact(
        "toy.config.Config", "plain", fields=(FieldFact("a", "toy.config.Config", description="Deprecated."),)
    )
    args = ClassFact(
        "toy.config.Args", "plain", fields=(FieldFact("b", "toy.config.Args", joins="toy.config.Config.a"),)
    )
    found = with_deprecations(
        {"toy.config.Args": args, "toy.config.Config": config}, Evaluator(index("class Config: ..."))
    )
    assert found["toy.config.Args"].fields[0].deprecated is not None


WORDS = st.lists(
    st.sampled_from(
        ["deprecated", "is", "Use", "`x`", "the", ",", ".", ":", "(", ")", "[", "]", "--y", "5.1"]
    ),
    max_size=20,
)


@given(st.one_of(st.text(max_size=80), WORDS.map(" ".join)))
def test_any_text_is_judged(text: str) -> None:
    found = deprecation_in(text, ["x"])
    assert found is None or found.message is None or found.message == " ".join(found.message.split())
