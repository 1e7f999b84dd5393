"""What our training costs beside a bare torch loop of the same network on the same images."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from appkit.data.image_dataset import ImageDataset
from appkit.explanation.certificate.randomisation import with_random_weights
from appkit.model.device import Placement, place_images
from appkit.model.training import TrainingSettings
from benchmarks.marks import told
from benchmarks.medical.ours import our_classifier, our_model, pixel_hash
from benchmarks.results import Record
from benchmarks.runs import Outcome, Runs, markdown, spread, timed
from domains.medical import MedicalImageClassifier

__all__ = ["bare_loop", "measure_training_speed"]

_EPOCHS, _QUICK_EPOCHS = 3, 1
_MARK = {"asked": 0.8}
_AT_ONCE = 1024


def measure_training_speed(runs: Runs, data: ImageDataset, *, seeds: Sequence[int]) -> str:
    """Return the table; each seed is a round, ours first in even ones."""
    epochs = _QUICK_EPOCHS if runs.is_quick else _EPOCHS
    data_hash = pixel_hash(np.asarray(data.X))
    model = our_model(is_quick=runs.is_quick, epochs=epochs)
    records = [
        runs.once(
            "training_speed",
            model,
            partial(_round, data, epochs, seed, is_quick=runs.is_quick),
            data_hash=data_hash,
            seed=seed,
        )
        for seed in seeds
    ]
    return _table(runs, data, records, epochs=epochs)


def bare_loop(
    network: nn.Module,
    learnt: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    settings: TrainingSettings,
    *,
    placement: Placement,
    seed: int,
) -> None:
    """Train as anybody would: shuffle, augment, cross-entropy, AdamW, and a look at held-out images after each epoch.

    Parameters
    ----------
    network
        From images ``(n, n_channels, height, width)`` to one logit, ``(n, 1)``.
    learnt, held
        Standardised images, and whether each is an event, float32.
    settings
        Epochs, batches, optimiser and augmentation; the rate stays as it is, and weights are not averaged.
    placement
        Precision.
    seed
        Of the order of images and of their alterations.
    """
    images, target = learnt
    rate, decay = settings.learning_rate, settings.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(settings.max_epochs):
            network.train()
            for rows in torch.randperm(len(images)).split(settings.batch_size):
                loss = _loss(network, images[rows], target[rows], settings, placement=placement)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            network.eval()
            with torch.inference_mode():
                logits = torch.cat([network(part) for part in held[0].split(_AT_ONCE)])[:, 0]
                functional.binary_cross_entropy_with_logits(logits, held[1]).item()


def _loss(
    network: nn.Module, images: Tensor, target: Tensor, settings: TrainingSettings, *, placement: Placement
) -> Tensor:
    if settings.augment is not None:
        images = settings.augment(images)
    if settings.mixup:
        share = float(torch.distributions.Beta(settings.mixup, settings.mixup).sample())
        other = torch.randperm(len(images))
        images, target = images[other].lerp(images, share), target[other].lerp(target, share)
    with placement.autocast():
        logits = network(images)[:, 0]
    return functional.binary_cross_entropy_with_logits(logits.float(), target)


def _round(data: ImageDataset, epochs: int, seed: int, *, is_quick: bool) -> Outcome:
    pictures, pictures_val, _, *labels = data.split_three(random_state=0)
    X, X_val = np.asarray(pictures), np.asarray(pictures_val)
    y, y_val, _ = ((part == data.event).to_numpy() for part in labels)
    options = {"n_networks": 1, "max_epochs": epochs, "random_state": seed, "average_flips": False}
    ours = our_classifier(is_quick=is_quick, **options)
    images, held, network, settings = _as_the_loop_takes_them(ours, (X, y), X_val)
    targets = [torch.tensor(part, dtype=torch.float32) for part in (y, y_val)]
    placement = place_images("cpu", ours.precision)
    loop = partial(bare_loop, network, (images, targets[0]), (held, targets[1]), settings)
    runners: dict[str, Callable[[], object]] = {
        "ours": lambda: ours.fit(X, y, X_val=X_val, y_val=y_val),
        "loop": lambda: loop(placement=placement, seed=seed),
    }
    order = ("ours", "loop") if seed % 2 == 0 else ("loop", "ours")
    costs = {runner: timed(runners[runner])[1] for runner in order}
    n_seen = len(y) * epochs
    scores = {
        "ours per CPU s": n_seen / costs["ours"].cpu,
        "loop per CPU s": n_seen / costs["loop"].cpu,
        "ratio, CPU": costs["loop"].cpu / costs["ours"].cpu,
        "ratio, clock": costs["loop"].wall / costs["ours"].wall,
        "batch": float(settings.batch_size),
        "is bfloat16": float(placement.precision == "bfloat16"),
    }
    return Outcome(scores, len(y), len(y_val), costs["ours"], costs["loop"])


def _as_the_loop_takes_them(
    ours: MedicalImageClassifier, learnt: tuple[np.ndarray, np.ndarray], X_val: np.ndarray
) -> tuple[Tensor, Tensor, nn.Module, TrainingSettings]:
    """Return images already standardised, the very network our estimator builds, with fresh weights, and its settings.

    The settings are the estimator's own affair, and asked of it all the same: another copy of them would not stay one.
    """
    X, y = learnt
    few = np.arange(min(256, len(y)))
    fitted = our_classifier(**{**ours.get_params(), "max_epochs": 1}).fit(X[few], y[few])
    network = with_random_weights(fitted.module_.networks[0], random_state=0).requires_grad_(True)
    settings = fitted.set_params(max_epochs=ours.max_epochs)._settings(len(y), is_blind=False)
    return fitted.encode(X)[:], fitted.encode(X_val)[:], network, settings


def _table(runs: Runs, data: ImageDataset, records: Sequence[Record], *, epochs: int) -> str:
    scores = [record.scores for record in records]
    rates = [spread([one[f"{runner} per CPU s"] for one in scores], 0) for runner in ("ours", "loop")]
    shares = {clock: [one[f"ratio, {clock}"] for one in scores] for clock in ("CPU", "clock")}
    heads = ["ours, images per CPU s", "bare loop", "share of the bare loop, CPU", "by the clock", "by round, CPU"]
    cells = [*rates, *(spread(values) for values in shares.values()), " ".join(f"{one:.2f}" for one in shares["CPU"])]
    return (
        f"speed, training on {data.name}: {records[0].n_train:,} images, batches of {scores[0]['batch']:.0f}, "
        f"{'bfloat16' if scores[0]['is bfloat16'] else 'float32'}, {epochs} epochs, {len(records)} rounds in turn; "
        "same network, precision, batches and augmentation; ours reads, checks, averages weights and calibrates in "
        f"that time, the loop is given standardised images. `{runs.command}`\n"
        + markdown(heads, [cells])
        + f"\nShare, mean {told(float(np.mean(shares['CPU'])), _MARK, digits=2)}."
    )
