import pytest
import torch

from appkit.model.recommenders.two_tower import TwoTowerScorer


def scorer(*, n_item_features: int = 2, n_user_features: int = 3) -> TwoTowerScorer:
    """Six items, the last without events."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = TwoTowerScorer(
            6, n_item_features=n_item_features, n_user_features=n_user_features, n_factors=4, n_hidden=5
        )
        made.item_features.copy_(torch.randn(6, n_item_features))
    made.has_events.copy_(torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.0]))
    return made.eval()


def test_scores_are_cosines_over_the_temperature_plus_the_constant_of_the_item():
    towers, histories = scorer(), torch.tensor([[6, 1, 4]])
    encoded = towers.encoded(torch.arange(6))
    user = towers.user_vectors(histories, encoded)[0]
    cosine = torch.cosine_similarity(user, encoded[2, :-1], dim=0)
    assert towers(histories)[0, 2].item() == pytest.approx((cosine / 0.1 + encoded[2, -1]).item(), abs=1e-4)


def test_an_item_without_events_is_what_its_features_say():
    towers = scorer()
    expected = towers.encode_items(towers.item_features[5:])
    torch.testing.assert_close(towers.encoded(torch.tensor([5])), expected)


def test_items_of_later_catalogues_can_be_scored_by_their_features():
    towers, histories = scorer(), torch.tensor([[0, 2]])
    users = towers.user_vectors(histories, towers.encoded(torch.arange(6)))
    later = towers.scores(users, towers.encode_items(towers.item_features[5:]))
    torch.testing.assert_close(later, towers(histories)[:, 5:])


def test_without_item_features_nothing_can_be_said_of_new_items():
    with pytest.raises(ValueError, match="needs a scorer fitted with item_features"):
        scorer(n_item_features=0).encode_items(torch.ones(1, 2))


def test_user_features_speak_for_those_without_a_history():
    towers, nobody = scorer(), torch.tensor([[6], [6]])
    scores = towers(nobody, torch.eye(3)[:2])
    assert not torch.allclose(scores[0], scores[1])


def test_someone_of_whom_nothing_is_known_is_advised_by_the_constants():
    towers = scorer()
    torch.testing.assert_close(towers(torch.tensor([[6, 6]]))[0], towers.encoded(torch.arange(6))[:, -1])


def test_order_repeats_and_padding_of_a_history_do_not_matter():
    towers = scorer()
    torch.testing.assert_close(towers(torch.tensor([[6, 3, 1, 3]])), towers(torch.tensor([[1, 3]])))


def test_config_rebuilds_the_scorer():
    towers, histories = scorer(), torch.tensor([[0, 5]])
    rebuilt = TwoTowerScorer(**towers.config())
    rebuilt.load_state_dict(towers.state_dict())
    assert torch.equal(rebuilt.eval()(histories), towers(histories))


def test_item_vectors_have_length_one():
    torch.testing.assert_close(scorer().item_vectors().norm(dim=1), torch.ones(6))
