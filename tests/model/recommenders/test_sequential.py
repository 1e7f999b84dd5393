"""Hold the Transformer to causality, to padding that changes nothing, and to brute-force attention."""

import json

import numpy as np
import pytest
import torch

from appkit.model.recommenders.sequential import SequentialScorer, _Layer

PAD = 9


def network(**settings: object) -> SequentialScorer:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        scorer = SequentialScorer(PAD, **({"width": 8, "n_layers": 2, "length": 5} | settings))  # type: ignore[arg-type]
        for parameter in scorer.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    return scorer.eval()


def test_scores_are_finite_and_of_every_item_whatever_the_history():
    scores = network()(torch.tensor([[PAD, PAD, PAD], [PAD, PAD, 2], [2, 2, 2]]))
    assert scores.shape == (3, PAD)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()


def test_a_state_depends_on_nothing_that_comes_later():
    scorer = network()
    states = scorer.states(torch.tensor([[1, 2, 3, 4], [1, 2, 8, 0]]))
    torch.testing.assert_close(states[0, :2], states[1, :2])
    assert (states[0, 2] - states[1, 2]).abs().max() > 1e-3


def test_padding_on_the_left_changes_no_score():
    scorer = network()
    torch.testing.assert_close(scorer(torch.tensor([[1, 4]])), scorer(torch.tensor([[PAD, PAD, PAD, 1, 4]])))


def test_the_empty_history_has_one_answer_however_long_its_padding():
    scorer = network()
    torch.testing.assert_close(scorer(torch.tensor([[PAD]])), scorer(torch.tensor([[PAD] * 12])))


def test_of_long_histories_the_latest_events_count():
    scorer = network()
    long = torch.tensor([[7, 7, 0, 1, 2, 3, 4]])
    torch.testing.assert_close(scorer(long), scorer(long[:, -5:]))
    assert not torch.equal(scorer(long), scorer(long[:, -4:]))


def test_the_order_of_a_history_matters():
    scorer = network()
    assert (scorer(torch.tensor([[1, 2, 3]])) - scorer(torch.tensor([[2, 1, 3]]))).abs().max() > 1e-3


def test_attention_is_the_softmax_of_products_and_nearness_over_what_came_before():
    layer = network(n_heads=2).layers[0]
    assert isinstance(layer, _Layer)
    states = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(1))
    query, key, value = layer.asked(states)[0].view(4, 3, 2, 4).permute(1, 2, 0, 3)
    expected = torch.zeros(4, 2, 4)
    for head in range(2):
        for t in range(4):
            logits = [query[head, t] @ key[head, s] / 2 + layer.nearness[head, t - s] for s in range(t + 1)]
            expected[t, head] = torch.stack(logits).softmax(dim=0) @ value[head, : t + 1]
    mask = torch.zeros(1, 1, 4, 4).masked_fill(~torch.ones(4, 4, dtype=torch.bool).tril(), -1e9)
    torch.testing.assert_close(layer._attended(states, mask)[0], expected.view(4, 8))


def test_attention_starts_as_a_power_law_of_distance():
    layer = SequentialScorer(PAD, width=4, n_heads=1, length=3).layers[0]
    assert isinstance(layer, _Layer)
    np.testing.assert_allclose(layer.nearness.exp().detach(), [[1, 2**-0.75, 3**-0.75]], rtol=1e-6)


def test_a_network_is_rebuilt_from_its_config_and_weights():
    scorer = network()
    twin = SequentialScorer(**json.loads(json.dumps(scorer.config()))).eval()
    twin.load_state_dict(scorer.state_dict())
    histories = torch.tensor([[PAD, 0, 2], [1, 2, 3]])
    assert torch.equal(twin(histories), scorer(histories))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_layers": 0}, "n_layers must be 1 or more, got 0"),
        ({"width": 9, "n_heads": 2}, "width must be a multiple of n_heads=2, got 9"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, got 1.0"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        SequentialScorer(PAD, **settings)
