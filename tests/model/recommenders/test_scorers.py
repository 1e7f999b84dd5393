"""What a file says of a scorer is held against its weights before room is made for it."""

import resource

import pytest
import torch

from appkit.model.recommenders.blend import BlendedScorer
from appkit.model.recommenders.linear import LinearScorer
from appkit.model.recommenders.popularity import PopularityScorer
from appkit.model.recommenders.scorers import build_scorer, describe_scorer, rebuilt_scorers
from appkit.model.recommenders.sequential import SequentialScorer
from appkit.model.recommenders.two_tower import TwoTowerScorer


def weights_of(scorer):
    return torch.nn.ModuleDict({"scorer": scorer, "popular": PopularityScorer(scorer.n_items)}).state_dict()


@pytest.mark.parametrize(
    "scorer",
    [
        SequentialScorer(5, width=4, length=3),
        TwoTowerScorer(5, n_item_features=2, n_user_features=3),
        BlendedScorer(5, [LinearScorer(5), SequentialScorer(5, width=4)], [3, 1]),
    ],
)
def test_a_scorer_is_rebuilt_and_nothing_is_drawn(scorer):
    before = torch.get_rng_state()
    again = rebuilt_scorers(describe_scorer(scorer), weights_of(scorer), n_items=5)["scorer"]
    assert torch.equal(torch.get_rng_state(), before)
    history = torch.tensor([[5, 2, 0]])
    torch.testing.assert_close(again.eval()(history), scorer.eval()(history), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_items": 10**9}, r"is for 1000000000 items, and 5 are known"),
        ({"width": 10**6}, r"items.weight of shape \(6, 1000000\), and there are \(6, 4\)"),
        ({"length": 10**12}, r"nearness of shape \(2, 1000000000000\)"),
        ({"n_layers": 10**9}, "n_layers must be 100 or less"),
        ({"n_layers": 2}, r"scorer.layers.1.* and there are none"),
        ({"width": "wide"}, r"cannot be built|must be"),
        ({"hook": 1}, "cannot be built from its config"),
    ],
)
def test_what_the_weights_do_not_bear_out_is_refused_without_making_room(change, message):
    scorer = SequentialScorer(5, width=4, length=3)
    described = describe_scorer(scorer)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message):
        rebuilt_scorers(described | {"config": described["config"] | change}, weights_of(scorer), n_items=5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < most + 200_000  # KiB


def test_weights_nobody_asked_for_are_refused():
    scorer = PopularityScorer(3)
    with pytest.raises(ValueError, match="more of shape no such weights"):
        rebuilt_scorers(describe_scorer(scorer), weights_of(scorer) | {"more": torch.zeros(1)}, n_items=3)


def test_only_scorers_of_appkit_are_built():
    with pytest.raises(ValueError, match="must be one of ALSScorer"):
        build_scorer({"class": "Popen", "config": {}}, n_items=3)
