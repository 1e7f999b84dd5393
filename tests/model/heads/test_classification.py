"""Losses and probabilities of classes, by hand."""

import math

import pytest
import torch

from appkit.model.heads import BinaryHead, MulticlassHead, MultiLabelHead, OrdinalHead, OrdinalNetwork


def test_binary_loss_of_logit_zero_is_log_two():
    logits = torch.zeros(2, 3, 1)
    losses = BinaryHead().loss(logits, torch.tensor([0.0, 1.0]))
    assert losses.shape == (2, 3)
    assert losses.flatten().tolist() == pytest.approx([math.log(2)] * 6)


def test_multiclass_loss_is_minus_log_of_the_true_class():
    logits = torch.log(torch.tensor([[[0.2, 0.3, 0.5]]]))
    assert MulticlassHead(3).loss(logits, torch.tensor([2.0])).item() == pytest.approx(-math.log(0.5))


def test_ordinal_probabilities_are_differences_of_cumulative_ones():
    beyond = torch.tensor([0.9, 0.4])
    means = OrdinalHead(3).means(torch.logit(beyond).view(1, 1, 2))
    assert means.flatten().tolist() == pytest.approx([0.1, 0.5, 0.4])


def test_ordinal_loss_reads_the_probability_of_the_grade():
    logits = torch.logit(torch.tensor([0.9, 0.4])).view(1, 1, 2)
    assert OrdinalHead(3).loss(logits, torch.tensor([1.0])).item() == pytest.approx(-math.log(0.5), rel=1e-5)


def test_ordinal_network_starts_at_the_population_and_stays_ordered():
    head = OrdinalHead(4)
    target = torch.tensor([0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0])
    network = head.wrap(lambda Z: torch.zeros(len(Z), 1), target, torch.ones(8))
    assert isinstance(network, OrdinalNetwork)
    logits = network(torch.zeros(1, 2))
    assert torch.sigmoid(logits).flatten().tolist() == pytest.approx([7 / 8, 5 / 8, 4 / 8], abs=1e-3)
    torch.nn.init.normal_(network.steps, std=5.0)
    assert torch.all(network(torch.zeros(1, 2)).diff(dim=-1) <= 0)


@pytest.mark.parametrize("head", [BinaryHead(), MulticlassHead(4), OrdinalHead(4)])
def test_probabilities_sum_to_one(head):
    logits = torch.randn(5, 2, head.n_outputs).sort(dim=-1, descending=True).values
    assert torch.allclose(head.means(logits).sum(dim=-1), torch.ones(5, 2), atol=1e-6)


def test_multi_label_loss_is_the_mean_over_labels():
    logits = torch.logit(torch.tensor([[[0.25, 0.5]]]))
    target = torch.tensor([[1.0, 0.0]])
    expected = (-math.log(0.25) - math.log(0.5)) / 2
    assert MultiLabelHead(2).loss(logits, target).item() == pytest.approx(expected)
    assert MultiLabelHead(2).score(torch.sigmoid(logits)[:, 0], target).item() == pytest.approx(expected)
