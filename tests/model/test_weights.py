"""Weights load by name or not at all, whatever they were wrapped in, and no file runs code."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from appkit.exceptions import ArtefactError
from appkit.model.weights import load_weights


def network(n_outputs=2, *, seed=0):
    torch.manual_seed(seed)
    module = nn.Sequential()
    for name, part in (("body", nn.Linear(3, 4)), ("norm", nn.BatchNorm1d(4)), ("output", nn.Linear(4, n_outputs))):
        module.add_module(name, part)
    return module


def same(first, second):
    known = second.state_dict()
    return all(torch.equal(value, known[name]) for name, value in first.state_dict().items())


def prefixed(state, prefix):
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_saved_state_dict_fills_a_network(tmp_path, suffix):
    saved, path = network(seed=1), tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(saved.state_dict(), path)
    module = network()
    report = load_weights(module, path)
    assert same(module, saved)
    assert str(report) == f"9 tensors loaded from {path}."


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": prefixed(state, "module.")},
        lambda state: {"model": {"state_dict": prefixed(state, "module.model.")}},
        lambda state: prefixed(state, "_orig_mod."),
    ],
)
def test_what_wraps_weights_is_taken_off(wrap):
    saved, module = network(seed=1), network()
    load_weights(module, wrap(saved.state_dict()))
    assert same(module, saved)


def test_a_prefix_that_belongs_to_the_names_stays():
    saved = nn.Sequential()
    saved.add_module("model", network(seed=1))
    module = nn.Sequential()
    module.add_module("model", network())
    load_weights(module, saved.state_dict())
    assert same(module, saved)


def test_an_output_for_other_classes_is_left_out_and_told():
    module = network(2)
    own = module.output.weight.clone()
    report = load_weights(module, network(1000, seed=1).state_dict())
    assert report.dropped == report.kept == ("output.weight", "output.bias")
    assert torch.equal(module.output.weight, own)
    assert "Left out, for other classes: output.weight, output.bias." in str(report)


def test_a_file_without_an_output_leaves_that_as_it_was():
    state = {k: v for k, v in network(seed=1).state_dict().items() if not k.startswith("output")}
    report = load_weights(network(), state)
    assert report.kept == ("output.weight", "output.bias")
    assert report.dropped == ()


def test_a_mapping_that_lacks_counters_of_batches_is_complete():
    state = network(seed=1).state_dict()
    del state["norm.num_batches_tracked"]
    assert load_weights(network(), state).kept == ()


def test_published_names_are_translated_by_the_module():
    class Translating(nn.Sequential):
        def own_name(self, published):
            return published.replace("fc.", "0.")

    module = Translating(nn.Linear(2, 1))
    load_weights(module, {"module.fc.weight": torch.ones(1, 2), "module.fc.bias": torch.zeros(1)})
    assert module[0].weight.tolist() == [[1.0, 1.0]]


def test_what_no_published_file_has_may_be_absent():
    module = network()
    module.unpublished = ("norm",)
    state = {name: value for name, value in network(seed=1).state_dict().items() if not name.startswith("norm")}
    assert load_weights(module, state).kept == tuple(
        f"norm.{k}" for k in ("weight", "bias", "running_mean", "running_var")
    )


def test_all_that_does_not_fit_is_named_and_counted_and_nothing_is_changed():
    state = network(seed=1).state_dict()
    state["body.weight"] = torch.zeros(4, 5)
    state["surplus"] = torch.zeros(1)
    del state["norm.bias"]
    module = network()
    with pytest.raises(ArtefactError) as caught:
        load_weights(module, state)
    assert str(caught.value) == (
        "The weights of a mapping are not those of this network. 1 of 9 missing: norm.bias. 1 unexpected: surplus. "
        "1 of another shape: body.weight (4, 5) instead of (4, 3)."
    )
    assert same(module, network())


def test_at_most_ten_names_are_shown():
    state = network().state_dict() | {f"extra{k}": torch.zeros(1) for k in range(12)}
    with pytest.raises(ArtefactError, match=r"12 unexpected: extra0, .*, extra9 and 2 more\.$"):
        load_weights(network(), state)


def test_weights_that_are_no_numbers_are_refused():
    state = network().state_dict()
    state["body.bias"] = torch.tensor([0.0, torch.nan, 1.0, torch.inf])
    with pytest.raises(ArtefactError, match=r"1 with NaN or infinite values: body\.bias"):
        load_weights(network(), state)


class Harmful:
    """Unpickled, writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"body.weight": Harmful(tmp_path / "harm")}, tmp_path / "weights.pt")
    with pytest.raises(ArtefactError, match="holds more than tensors and plain values"):
        load_weights(network(), tmp_path / "weights.pt")
    assert not (tmp_path / "harm").exists()


def test_a_plain_pickle_is_not_opened(tmp_path):
    (tmp_path / "weights.pth").write_bytes(pickle.dumps({"path": Harmful(tmp_path / "harm")}))
    with pytest.raises(ArtefactError, match="is not opened"):
        load_weights(network(), tmp_path / "weights.pth")
    assert not (tmp_path / "harm").exists()


def test_a_whole_module_is_not_opened(tmp_path):
    torch.save(network(), tmp_path / "module.pt")
    with pytest.raises(ArtefactError, match="save the state_dict alone"):
        load_weights(network(), tmp_path / "module.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 cut off"])
def test_damaged_files_are_named(tmp_path, suffix, content):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match="weights"):
        load_weights(network(), path)


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({}, "an empty mapping"),
        ({"epoch": 3, "loss": 0.5}, "a mapping of epoch, loss"),
        ({"state_dict": {"epoch": 3}}, "a mapping of epoch"),
        (torch.zeros(3), "a Tensor"),
    ],
)
def test_what_is_no_state_dict_is_described(tmp_path, saved, message):
    torch.save(saved, tmp_path / "weights.pt")
    with pytest.raises(ArtefactError, match=f"must hold a state dict, names with tensors, got {message}"):
        load_weights(network(), tmp_path / "weights.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        load_weights(network(), tmp_path / "none.pt")


def test_weights_of_half_precision_become_the_networks_own():
    module = network(seed=1)
    load_weights(module, network().half().state_dict())
    assert module.body.weight.dtype == torch.float32
