"""Weights of other programs draw what they drew there, in any kind of file, and run no code.

The expected drawings come from plain functions, written from the published tables of layers. They share no
code with the program's networks.
"""

import os
import pickle
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from clips import names_in
from networks import random_animegan, random_cartoongan
from noise import noise
from PIL import Image
from processes import limit_file_size, run_program
from safetensors.torch import load_file, save_file
from small_networks import NETWORKS
from torch.nn import functional as F

from cartoonize import ModelError
from cartoonize.core.errors import SpaceError
from cartoonize.export.convert import recognise_network, write_style
from cartoonize.models import ARCHITECTURES
from cartoonize.models.checkpoint import load_style
from cartoonize.styles.card import Card, read_header
from cartoonize.training.checkpoint import Checkpoint
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.trainer import Trainer, choose_compute


def plain_cartoongan(weights, x):
    """The published layers, (N, 3, H, W) BGR in [-1, 1] -> the same."""

    def conv(x, name, stride=1, zeros=0, reflect=0):
        x = F.pad(x, (reflect,) * 4, mode="reflect") if reflect else x
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, zeros)

    def norm(x, name):
        mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        scale, shift = (weights[f"{name}.{kind}"].view(1, -1, 1, 1) for kind in ("scale", "shift"))
        return (x - mean) / torch.sqrt(variance + 1e-9) * scale + shift

    def up(x, name):
        return F.conv_transpose2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], 2, 1, 1)

    x = F.relu(norm(conv(x, "conv01_1", reflect=3), "in01_1"))
    for number in ("02", "03"):
        x = conv(conv(x, f"conv{number}_1", stride=2, zeros=1), f"conv{number}_2", zeros=1)
        x = F.relu(norm(x, f"in{number}_1"))
    for number in range(4, 12):
        y = F.relu(norm(conv(x, f"conv{number:02}_1", reflect=1), f"in{number:02}_1"))
        x = x + norm(conv(y, f"conv{number:02}_2", reflect=1), f"in{number:02}_2")
    for number, after in (("01", "in12_1"), ("02", "in13_1")):
        x = F.relu(norm(conv(up(x, f"deconv{number}_1"), f"deconv{number}_2", zeros=1), after))
    return torch.tanh(conv(x, "deconv03_1", reflect=3))


def plain_animegan(weights, x):
    """The published layers, (N, 3, H, W) RGB in [-1, 1] -> the same."""

    def norm(x, name):
        return F.group_norm(x, 1, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def unit(x, name, stride=1, groups=1):
        kernel = weights[f"{name}.1.weight"]
        pad = (0, 1, 0, 1) if stride == 2 else (kernel.shape[-1] // 2,) * 4
        x = F.conv2d(
            F.pad(x, pad, mode="reflect"), kernel, weights.get(f"{name}.1.bias"), stride, groups=groups
        )
        return F.leaky_relu(norm(x, f"{name}.2"), 0.2)

    def residual(x, name):
        y = unit(x, f"{name}.0")
        y = unit(y, f"{name}.1", groups=y.shape[1])
        y = norm(F.conv2d(y, weights[f"{name}.2.weight"]), f"{name}.3")
        return x + y if x.shape == y.shape else y

    def enlarge(x, sides):
        return F.interpolate(x, sides, mode="bilinear", align_corners=True)

    whole = x.shape[-2:]
    x = unit(unit(unit(x, "block_a.0"), "block_a.1", stride=2), "block_a.2")
    half = x.shape[-2:]
    x = unit(unit(unit(x, "block_b.0", stride=2), "block_b.1"), "block_c.0")
    for number in range(1, 5):
        x = residual(x, f"block_c.{number}.layers")
    x = enlarge(unit(x, "block_c.5"), half)
    x = enlarge(unit(unit(x, "block_d.0"), "block_d.1"), whole)
    x = unit(unit(unit(x, "block_e.0"), "block_e.1"), "block_e.2")
    return torch.tanh(F.conv2d(x, weights["out_layer.0.weight"]))


FOREIGN = {
    "cartoongan": (random_cartoongan, plain_cartoongan, True),
    "animegan2": (random_animegan, plain_animegan, False),
}


def plain_picture(plain, weights, image, bgr):
    """(H, W, 3) uint8 RGB -> the same: padded to a multiple of 8 by its border, and cropped again."""
    height, width = image.shape[:2]
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    x = F.pad(x, (0, -width % 8, 0, -height % 8), mode="replicate")
    y = plain(weights, x.flip(1)).flip(1) if bgr else plain(weights, x)
    y = y[0, :, :height, :width].permute(1, 2, 0)
    return ((y + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


@pytest.fixture
def hayao(tmp_path):
    """A file with the keys of a published CartoonGAN generator."""
    path = tmp_path / "hayao.pth"
    torch.save(random_cartoongan(), path)
    return path


@pytest.mark.parametrize("architecture", FOREIGN)
@pytest.mark.parametrize("size", [(24, 40), (56, 48)])
def test_imported_networks_compute_what_was_published(tmp_path, architecture, size):
    """An imported network equals the published layers to 1e-4; CartoonGAN's takes RGB where it took BGR."""
    make, plain, bgr = FOREIGN[architecture]
    weights = make()
    torch.save(weights, tmp_path / "a.pth")
    network = recognise_network(tmp_path / "a.pth")
    x = 2 * torch.rand(2, 3, *size) - 1
    with torch.inference_mode():
        ours = network.generator(x)
        theirs = plain(weights, x.flip(1)).flip(1) if bgr else plain(weights, x)
        assert bgr == ((ours - plain(weights, x)).abs().max() > 0.1)
    assert ours.std() > 0.1
    assert (ours - theirs).abs().max() < 1e-4


@pytest.mark.parametrize("architecture", FOREIGN)
@pytest.mark.parametrize("size", [(37, 51), (19, 90)])
def test_an_imported_style_draws_what_was_published(run, tmp_path, architecture, size):
    """A style of `import-weights` draws the published picture, within a grey level."""
    make, plain, bgr = FOREIGN[architecture]
    weights, picture = make(), noise(*size)
    torch.save(weights, tmp_path / "a.pth")
    Image.fromarray(picture).save(tmp_path / "in.png")
    style, drawn = tmp_path / "a.safetensors", tmp_path / "out.png"
    code, out, err = run("import-weights", tmp_path / "a.pth", style)
    assert (code, out) == (0, "")
    assert f"{architecture} (width 8, blocks" in err
    options = ("--style", style, "--precision", "fp32", "--detail", "full")
    assert run("image", tmp_path / "in.png", drawn, *options)[0] == 0
    expected = plain_picture(plain, weights, picture, bgr)
    assert np.abs(np.asarray(Image.open(drawn)).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("architecture", "base", "count"), [("cartoongan", 64, 11.1e6), ("animegan2", 32, 2.14e6)]
)
def test_the_published_sizes_are_recognised(tmp_path, architecture, base, count):
    """At the published width, the program prints the network and its parameters. Weights are not rounded."""
    weights = FOREIGN[architecture][0](base)
    torch.save(weights, tmp_path / "a.pth")
    network = recognise_network(tmp_path / "a.pth")
    write_style(tmp_path / "a.safetensors", network, Card("a"))
    header = read_header(tmp_path / "a.safetensors")
    assert header.config["width"] == base
    assert header.parameters == pytest.approx(count, rel=0.01)
    assert f"{header.parameters:,} parameters" in network.description
    stored = load_file(tmp_path / "a.safetensors")
    assert sum(v.double().sum() for v in stored.values()) == pytest.approx(
        float(sum(v.double().sum() for v in weights.values())), abs=1e-6
    )


def wrapped(kind, weights, path):
    """The same weights as other programs put them into files."""
    if kind == "safetensors":
        save_file(weights, path)
    elif kind == "legacy":
        torch.save(weights, path, _use_new_zipfile_serialization=False)
    elif kind == "state_dict":
        torch.save({"epoch": 3, "state_dict": weights}, path)
    elif kind == "generator":
        torch.save({"generator": weights, "discriminator": {"conv.weight": torch.zeros(3)}}, path)
    elif kind == "module":
        torch.save({f"module.{name}": value for name, value in weights.items()}, path)
    elif kind == "half":
        torch.save({name: value.half() for name, value in weights.items()}, path)
    elif kind == "parameters":
        torch.save({name: torch.nn.Parameter(value) for name, value in weights.items()}, path)


@pytest.mark.parametrize(
    "kind", ["safetensors", "legacy", "state_dict", "generator", "module", "half", "parameters"]
)
def test_weights_are_found_in_what_they_come_in(tmp_path, kind):
    """Weights are found in PyTorch files, old and new, and in safetensors, in the usual wrappers."""
    weights = random_animegan(4)
    wrapped(kind, weights, tmp_path / "a")
    network = recognise_network(tmp_path / "a")
    assert "AnimeGANv2" in network.title
    exact = weights["out_layer.0.weight"]
    assert torch.equal(network.generator.out.weight, exact.half().float() if kind == "half" else exact)


@pytest.mark.parametrize(("architecture", "config"), NETWORKS)
def test_training_checkpoints_are_recognised(tmp_path, architecture, config):
    """Every network of this program is recognised in a checkpoint of its training, with its settings."""
    generator = ARCHITECTURES[architecture](**config | {"blocks": 2})
    schedule = load_recipe("deck").schedule("pretrain")
    trainer = Trainer(generator, schedule, choose_compute("cpu", "fp32"), 1.0)
    folder = tmp_path / "run" / "pretrain" / "checkpoints"
    checkpoint = Checkpoint(folder, generator=trainer)
    checkpoint.save(16)
    for place in (checkpoint.latest(), folder, folder.parent, tmp_path / "run"):
        network = recognise_network(place)
        assert type(network.generator) is ARCHITECTURES[architecture]
        assert network.generator.config == generator.config
        assert "training" in network.title
        for name, value in generator.state_dict().items():
            assert torch.equal(network.generator.state_dict()[name], value)


def test_style_files_keep_their_card(run, tmp_path, tiny_style):
    """A style file can be imported: it keeps its card, except for the options, and its float16."""
    out = tmp_path / "out.safetensors"
    assert run("import-weights", tiny_style, out, "--source", "me")[0] == 0
    card = read_header(out).card
    assert card == replace(read_header(tiny_style).card, credit="me")
    assert card.licence == "CC0"
    assert abs(out.stat().st_size - tiny_style.stat().st_size) < 100


def test_licence_and_source_are_kept(run, hayao, tmp_path):
    """`--licence` and `--source` stand on the card, beside what the file was; `styles show` prints them."""
    style = tmp_path / "hayao.safetensors"
    options = ("--licence", "MIT", "--source", "https://example.org/hayao")
    assert run("import-weights", hayao, style, *options)[0] == 0
    card = read_header(style).card
    assert (card.name, card.licence, card.credit) == ("hayao", "MIT", "https://example.org/hayao")
    assert "CartoonGAN" in card.summary
    assert "hayao.pth (SHA-256 " in card.recipe
    shown = run("styles", "show", style)[1]
    assert "MIT" in shown
    assert "example.org" in shown


def test_an_unknown_licence_is_shown(run, hayao, tmp_path):
    """Without a licence, and without a terminal to ask at, "unknown" is stored and shown."""
    style = tmp_path / "hayao.safetensors"
    assert "Licence: unknown" in run("import-weights", hayao, style)[2]
    shown = run("styles", "show", style)[1]
    assert [line.split()[1] for line in shown.splitlines() if line.startswith(("licence", "credit"))] == [
        "unknown",
        "unknown",
    ]


def test_licence_and_source_are_asked_for(hayao, tmp_path):
    """At a terminal, `import-weights` asks for licence and source; Enter leaves them unknown."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    os.write(ours, b"CC BY 4.0\n\n")
    style = tmp_path / "hayao.safetensors"
    done = run_program("import-weights", hayao, style, cwd=tmp_path, stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert "Under which licence" in done.stderr
    card = read_header(style).card
    assert (card.licence, card.credit) == ("CC BY 4.0", "unknown")


class Malicious:
    """Unpickled by an ordinary reader, it writes a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return exec, (f"open({str(self.target)!r}, 'w').close()",)


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle 2", "pickle 4"])
def test_pickles_with_code_are_refused(run, tmp_path, kind):
    """A file that would run code is refused in a sentence, and its code is not run."""
    path, mark = tmp_path / "a.pth", tmp_path / "ran"
    saved = random_animegan(4) | {"extra": Malicious(mark)}
    if kind in ("zip", "legacy"):
        torch.save(saved, path, _use_new_zipfile_serialization=kind == "zip")
        torch.load(path, weights_only=False)
    else:
        path.write_bytes(pickle.dumps(saved["extra"], int(kind[-1])))
        pickle.loads(path.read_bytes())  # noqa: S301  # our own
    mark.unlink()  # it was there: the code works, where it is run
    code, _, err = run("import-weights", path, tmp_path / "a.safetensors")
    assert code == 1
    assert "a.pth" in err
    assert "Traceback" not in err
    assert kind == "pickle 4" or "exec" in err
    assert names_in(tmp_path) == ["a.pth"]


def packed(path):
    """An archive whose members are compressed: a thousandth of what it takes in memory."""
    torch.save({"conv01_1.weight": torch.zeros(1 << 20)}, path)
    with zipfile.ZipFile(path) as plain:
        members = {name: plain.read(name) for name in plain.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def crowded(path):
    """Millions of empty objects, of a byte in the file and sixty in memory."""
    path.write_bytes(b"\x80\x02(" + b"}" * (1 << 23) + b"l.")


def crowded_archive(path):
    torch.save({"name": "x" * (1 << 23)}, path)


def spread(path):
    """One number that claims to be 400 GB of weights."""
    torch.save({"conv01_1.weight": torch.zeros(1).expand(100_000, 1_000_000)}, path)


def hollow(path):
    """A pickle that asks for 1 TB, by a call that PyTorch allows."""
    path.write_bytes(b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.")


def endless(path):
    """A dict inside itself."""
    inside = {}
    inside["generator"] = inside
    torch.save(inside, path)


def cut(path):
    torch.save(random_animegan(4), path)
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (packed, "would grow"),
        (crowded, "more beside its weights"),
        (crowded_archive, "more beside its weights"),
        (spread, "more weights than it holds"),
        (endless, "no weights by name"),
        (cut, "damaged"),
        (lambda path: path.write_bytes(b""), "neither"),
        (lambda path: path.write_bytes(b"\x80\x02hello"), "damaged"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)), "damaged"),
        (lambda path: path.write_bytes(b"\x10\0\0\0\0\0\0\0{"), "damaged"),
        (lambda path: torch.save([torch.zeros(3)], path), "no weights by name"),
        (lambda path: torch.save({"epoch": 3}, path), "no weights by name"),
        (lambda path: torch.save(torch.nn.Linear(2, 2), path), "torch.nn.modules.linear.Linear"),
        (lambda path: path.mkdir(), "no training checkpoint"),
        (lambda _: None, "No such file"),
    ],
)  # fmt: skip
def test_bad_files_are_refused(tmp_path, make, message):
    """Files that are damaged, or made to fill the memory, are an error that names them."""
    make(tmp_path / "a.pth")
    with pytest.raises(ModelError, match=message) as raised:
        recognise_network(tmp_path / "a.pth")
    assert "a.pth" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_lack_of_memory_is_no_damage(tmp_path):
    """What no memory can hold, here by a made-up file, is not called damage."""
    hollow(tmp_path / "a.pth")
    with pytest.raises(MemoryError):
        recognise_network(tmp_path / "a.pth")


def test_unknown_networks_are_named_by_their_keys(tmp_path):
    """The error lists the known networks and a few of the file's keys, without control characters."""
    torch.save({f"encoder.{n}\033[2J.weight": torch.zeros(3, n + 1) for n in range(40)}, tmp_path / "a.pth")
    with pytest.raises(ModelError) as raised:
        recognise_network(tmp_path / "a.pth")
    sentence = str(raised.value)
    assert all(name in sentence for name in ARCHITECTURES)
    assert "(3x1)" in sentence
    assert "and 35 more" in sentence
    assert "\033" not in sentence


def test_keys_that_do_not_fit_are_named(tmp_path):
    """If a network is nearly recognised, the error says what it looks like and what differs."""
    weights = random_cartoongan()
    weights["conv05_2.weight"] = torch.zeros(32, 32, 5, 5)
    weights["surprise"] = torch.zeros(3)
    weights["in12_1.scale"] = weights["in12_1.scale"].to(torch.float8_e4m3fn)
    del weights["in13_1.shift"]
    torch.save(weights, tmp_path / "a.pth")
    with pytest.raises(ModelError) as raised:
        recognise_network(tmp_path / "a.pth")
    sentence = str(raised.value)
    assert "published CartoonGAN" in sentence
    for part in ("conv05_2.weight is 32x32x5x5 in place of 32x32x3x3", "in13_1.shift is missing", "surprise",
                 "in12_1.scale holds torch.float8_e4m3fn in place of torch.float32"):  # fmt: skip
        assert part in sentence


def test_the_architecture_can_be_stated(hayao, tiny_style):
    """`--architecture` tries that one only; an unknown name is answered with the known ones."""
    assert recognise_network(hayao, "cartoongan").generator.config["norm"] == "instance"
    with pytest.raises(ModelError, match="holds no swift: its keys are conv01_1"):
        recognise_network(hayao, "swift")
    with pytest.raises(ModelError, match="of swift, not of cartoongan"):
        recognise_network(tiny_style, "cartoongan")
    with pytest.raises(ModelError, match="choose animegan2"):
        recognise_network(hayao, "monet")


def test_our_names_are_not_taken_for_theirs(tmp_path):
    """A CartoonGAN of this program's keys is RGB already: its channels stay where they are."""
    generator = ARCHITECTURES["cartoongan"](width=4, norm="instance")
    torch.save(generator.state_dict(), tmp_path / "a.pth")
    assert torch.equal(recognise_network(tmp_path / "a.pth").generator.out.weight, generator.out.weight)


def test_nothing_is_written_that_should_not_be(run, hayao, tmp_path):
    """An earlier file stays without -y, and broken weights are not stored."""
    out = tmp_path / "a.safetensors"
    out.write_text("earlier")
    code, _, err = run("import-weights", hayao, out)
    assert (code, out.read_text()) == (1, "earlier")
    assert "exists already" in err
    weights = random_cartoongan()
    weights["in01_1.scale"][0] = float("nan")
    torch.save(weights, tmp_path / "b.pth")
    code, _, err = run("import-weights", tmp_path / "b.pth", out, "-y")
    assert (code, out.read_text()) == (1, "earlier")
    assert "not finite" in err
    assert names_in(tmp_path) == ["a.safetensors", "b.pth", "hayao.pth"]
    assert run("import-weights", hayao, out, "-y")[0] == 0
    assert load_style(out)[1].architecture == "cartoongan"


def test_a_full_disk_leaves_an_earlier_style(hayao, tmp_path):
    """If the disk is full, the error is a sentence, and the earlier style stays."""
    out = tmp_path / "a.safetensors"
    out.write_text("earlier")
    options = {"cwd": tmp_path, "stdin": subprocess.DEVNULL, "preexec_fn": limit_file_size(100_000)}
    done = run_program("import-weights", hayao, out, "-y", **options)
    assert done.returncode == SpaceError.exit_code
    assert "File too large" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert out.read_text() == "earlier"
    assert names_in(tmp_path) == ["a.safetensors", "hayao.pth"]
