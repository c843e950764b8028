"""The filters that draw the targets of small networks."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from msgspec.structs import replace
from PIL import Image as Pillow

from cartoonize.training.filters import bright_dots, gaussian_blur, kuwahara
from cartoonize.training.lab import lab_to_rgb, rgb_to_lab
from cartoonize.training.recipe import TargetLook
from cartoonize.training.recipe_files import load_recipe
from cartoonize.training.targets import pairs
from cartoonize.training.targets.borders import area_borders
from cartoonize.training.targets.cartoon_target import cartoon_target, draw_lines, paint_fills, pool_pigment
from cartoonize.training.targets.flow_lines import flow_lines
from cartoonize.training.targets.l0_smoothing import l0_smooth
from cartoonize.training.targets.strokes import rough_tones, step_tones, variety
from cartoonize.training.targets.two_tone import two_tone


@pytest.fixture
def scene():
    """A grainy disc on a grainy ground, 64x64."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disc = ((x - 32) ** 2 + (y - 32) ** 2 < 18**2).float()
    colours = torch.tensor([[0.2, 0.4, 0.7], [0.9, 0.7, 0.4]])
    picture = colours[0][:, None, None] * (1 - disc) + colours[1][:, None, None] * disc
    grain = 0.03 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    return (picture + grain).clamp(0, 1), disc.bool()


def test_smoothing_flattens_and_keeps_edges(scene):
    """Grain goes, the two colours stay."""
    photo, disc = scene
    smooth = l0_smooth(photo, 0.02)
    for region in (disc, ~disc):
        assert smooth[:, region].std(1).max() < 0.4 * photo[:, region].std(1).max()
        torch.testing.assert_close(smooth[:, region].mean(1), photo[:, region].mean(1), atol=0.02, rtol=0)


@pytest.fixture(scope="module")
def look():
    return load_recipe("pepper").look


def luma(picture):
    return (picture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)


def test_a_mountain_in_mist_stays(look):
    """A faint, broad shape in a grainy sky keeps most of its contrast, because it is large."""
    y, x = torch.meshgrid(torch.arange(160.0), torch.arange(160.0), indexing="ij")
    mountain = ((y - 60) > (x - 80).abs() * 0.8).float()
    grain = 0.004 * torch.randn(3, 160, 160, generator=torch.Generator().manual_seed(0))
    photo = (torch.tensor([0.70, 0.74, 0.80])[:, None, None] - 0.04 * mountain + grain).clamp(0, 1)
    drawn = luma(cartoon_target(photo, look))
    inside, outside = drawn[120:150, 60:100].mean(), drawn[5:35, 60:100].mean()
    assert 0.02 < (outside - inside).item() < 0.08


def test_a_wire_stays_whole(look):
    """A thin dark line against the sky is drawn from end to end."""
    photo = torch.full((3, 128, 160), 0.75)
    for column in range(160):
        photo[:, 40 + column // 4, column] = 0.3
    drawn = luma(cartoon_target(photo, look))
    along = torch.stack([drawn[38 + c // 4 : 43 + c // 4, c].min() for c in range(8, 152)])
    assert (along < 0.6).float().mean() > 0.98


def test_gravel_does_not_get_denser(look):
    """The drawing of a rough place has fewer edges than its photo, not a line around each stone."""
    grain = torch.randn(1, 160, 160, generator=torch.Generator().manual_seed(0))
    gravel = (0.5 + 0.8 * gaussian_blur(grain, 1.5)).clamp(0, 1).expand(3, -1, -1)
    before, after = (edges(picture).mean() for picture in (gravel, cartoon_target(gravel, look)))
    assert after < 0.7 * before


def edges(picture):
    grey = (255 * luma(picture)).round().byte().numpy()
    return (cv2.Canny(grey, 100, 200) > 0)[16:-16, 16:-16]


def test_the_smoothing_may_differ_from_place_to_place(scene):
    """A map of one value smooths as that value; where it is 0, or is everywhere, the picture stays."""
    photo, _ = scene
    torch.testing.assert_close(l0_smooth(photo, 0.0), photo, atol=1e-4, rtol=0)
    same = l0_smooth(photo, torch.full(photo.shape[1:], 0.02))
    torch.testing.assert_close(same, l0_smooth(photo, 0.02))
    half = torch.full(photo.shape[1:], 0.02)
    half[:, :32] = 0
    kept = l0_smooth(photo, half)
    assert (kept[:, :, :24] - photo[:, :, :24]).abs().mean() < 0.3 * (same - photo)[:, :, :24].abs().mean()


def test_lines_are_where_objects_end(scene):
    """Ink lies along the border of the disc, and nowhere else."""
    ink = flow_lines(l0_smooth(scene[0], 0.02))[0] < 0.5
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    radius = ((x - 32) ** 2 + (y - 32) ** 2).sqrt()
    assert ink.any()
    assert ((radius[ink] > 14) & (radius[ink] < 22)).float().mean() > 0.95


def test_an_outline_does_not_break_off_where_it_is_faint():
    """A faint stretch of a strong outline gets far more ink than a dash of the same contrast."""
    stretch = torch.zeros(160)
    stretch[74:86] = 0.14
    outline = torch.where(stretch > 0, stretch, torch.tensor(0.3))
    ink = []
    for contrast in (outline, stretch):
        picture = torch.full((3, 64, 160), 0.75)
        picture[:, 32:] -= contrast
        ink.append((1 - flow_lines(picture)[0])[28:40, 76:84].amax(0))
    assert ink[0].min() > 1.4 * ink[1].max()


def test_an_orange_wood_before_a_blue_mountain_has_an_outline():
    """A border where only the hue changes gets a line over its whole length, on one side."""
    lab = torch.zeros(3, 64, 96)
    lab[0], lab[2, :, :48], lab[2, :, 48:] = 60.0, 40.0, -30.0
    lab[0, :, :48] -= 1.0  # hardly darker: the side of the line
    ink = 1 - flow_lines(lab_to_rgb(lab).clamp(0, 1))[0]
    assert (ink[:, 42:49].amax(1) > 0.8).all()
    assert ink[:, 50:].max() < 0.2
    assert ink[:, :40].max() < 0.2


def test_a_narrow_coloured_stripe_keeps_its_colour():
    """A yellow stripe of five pixels on white is no line."""
    lab = torch.zeros(3, 64, 96)
    lab[0], lab[2, :, 46:51] = 90.0, 60.0
    lab[0, :, 46:51] -= 3.0
    assert flow_lines(lab_to_rgb(lab).clamp(0, 1))[0, :, 48].mean() > 0.5


def test_a_blurred_background_has_no_lines(look):
    """A sharp edge gets a line; the same edge out of focus gets none."""
    sharp = torch.full((3, 96, 128), 0.45)
    sharp[:, :, 64:] = 0.75
    photos = sharp, gaussian_blur(sharp, 8.0)
    darkest = [luma(cartoon_target(photo, look))[16:-16].min() for photo in photos]
    assert darkest[0] < 0.3
    assert darkest[1] > 0.4


def test_stars_stay_and_get_no_rings(look):
    """A bright dot on a night sky stays bright, and no line surrounds it."""
    sky = torch.tensor([0.10, 0.22, 0.45])[:, None, None].expand(3, 96, 96).clone()
    plain = luma(cartoon_target(sky, look))
    sky[:, 47:49, 47:49] = 0.9
    drawn = luma(cartoon_target(sky, look))
    assert drawn[46:50, 46:50].max() > 0.7
    assert (drawn - plain)[40:56, 40:56].min() > -0.05


def test_dots_are_short_in_every_direction():
    """A dot of three pixels is found with its height, a wire of one pixel in any direction is not."""
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        wire = torch.zeros(1, 64, 64)
        for step in range(-14, 15):
            wire[0, 32 + step * down, 32 + step * right] = 0.5
        assert bright_dots(wire)[0, 30:35, 30:35].max() < 0.01
    dot = torch.zeros(1, 64, 64)
    dot[0, 30:33, 30:33] = 0.5
    torch.testing.assert_close(bright_dots(dot), dot)


def test_a_line_beside_black_is_black(look):
    """Black letters on white have no brown fringe."""
    letters = torch.ones(3, 48, 64)
    letters[:, 16:32, 24:40] = 0.0
    share = torch.ones(1, 48, 64)
    drawn = draw_lines(letters, letters, 0 * share, share, replace(look, line_darkness=1.0))
    assert (drawn.amax(0) - drawn.amin(0)).max() < 0.02


def test_a_line_on_a_dark_area_is_darker_than_ink(look):
    """A fold of a dark blue coat gets a line that can be seen: less than half as light as the coat."""
    coat = torch.tensor([0.10, 0.14, 0.22])[:, None, None].expand(3, 48, 64).clone()
    fold = coat.clone()
    fold[:, 16:32, 24:40] *= 0.6
    share = torch.ones(1, 48, 64)
    drawn = draw_lines(coat, fold, 0 * share, share, replace(look, line_darkness=1.0))
    assert luma(drawn).min() < 0.5 * luma(coat).min()


def test_a_red_letter_stays_red(look):
    """In a shape as narrow as the pen, the line is a darker shade of its colour; a broad shape gets ink."""
    red = torch.tensor([0.75, 0.12, 0.15])[:, None, None]
    darkest = []
    for width in (5, 30):
        photo = torch.full((3, 64, 96), 0.95)
        photo[:, 16:48, 48 - width // 2 : 48 + width // 2 + 1] = red
        darkest.append(cartoon_target(photo, look)[0, 24:40, 48 - width // 2 : 48].min())
    assert darkest[0] > 0.4
    assert darkest[1] < 0.3


def test_lab_and_back(scene):
    """The conversion to Lab is undone by its inverse."""
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(scene[0])), scene[0], atol=2e-3, rtol=0)


def test_ink_has_three_tones():
    """A ramp of greys becomes three tones of one warm hue, nearly flat, with a wash in each."""
    ramp = torch.linspace(0, 1, 256).expand(3, 4, 256)
    tones = paint_fills(ramp, load_recipe("ink").look)
    slopes = tones[0, 0].diff()
    flat = slopes < 0.5 * slopes.mean()
    assert flat.float().mean() > 0.5  # over most of its length
    assert (tones[0] >= tones[2]).all()
    begins = flat[1:] & ~flat[:-1]
    assert begins.sum() + flat[0] == 3


def test_blacks_are_lifted_and_colours_warmed():
    """`black` is the lightness of black; `warmth` moves greys towards yellow."""
    grey = torch.full((3, 2, 2), 0.5)
    plain = TargetLook(tone_mix=0, chroma=1)
    lifted = rgb_to_lab(paint_fills(torch.zeros(3, 2, 2), replace(plain, black=10.0)))
    assert lifted[0].mean().item() == pytest.approx(10, abs=0.1)
    assert rgb_to_lab(paint_fills(grey, replace(plain, warmth=5.0)))[2].mean().item() == pytest.approx(
        5, abs=0.1
    )


@pytest.mark.parametrize("name", ["pepper", "ink"])
def test_the_looks_give_pictures(name, scene):
    """Every look returns a picture of the same size in [0, 1]."""
    drawn = cartoon_target(scene[0], load_recipe(name).look)
    assert drawn.shape == scene[0].shape
    assert drawn.isfinite().all()
    assert drawn.min() >= 0
    assert drawn.max() <= 1


@pytest.mark.parametrize("name", ["pepper", "ink"])
def test_targets_of_the_builtin_styles_stay_as_they_are(name, scene):
    """The targets of two recipes stay as they are, unless somebody draws these pictures again on purpose."""
    drawn = (255 * cartoon_target(scene[0], load_recipe(name).look)).round().byte().permute(1, 2, 0).numpy()
    before = np.asarray(Pillow.open(Path(__file__).with_name(f"{name}.webp")))
    difference = np.abs(drawn.astype(int) - before)
    assert difference.max() <= 1  # the last bit of a float depends on the processor
    assert (difference > 0).mean() < 0.001


def test_a_look_without_lines_draws_none(scene, look):
    """With a darkness of 0, the border between two fills has no line that is darker than both."""
    bare = cartoon_target(scene[0], replace(look, line_darkness=0.0))
    lined = cartoon_target(scene[0], look)
    assert luma(bare).min() > luma(lined).min() + 0.1
    assert luma(bare).min() > luma(scene[0]).amin() - 0.05


def test_colours_change_by_lightness():
    """Chroma and tint are those of the band of lightness; white is as light as the look says."""
    plain = TargetLook(tone_mix=0, chroma=1)
    greys = torch.stack([torch.full((3, 2), 0.12), torch.full((3, 2), 0.9)], 1)
    tinted = rgb_to_lab(paint_fills(greys, replace(plain, tint=((0.0, -4.0), (0.0, 6.0)))))
    assert tinted[2, 0].mean().item() == pytest.approx(-4, abs=0.2)
    assert tinted[2, 1].mean().item() == pytest.approx(6, abs=0.2)
    red = torch.tensor([0.5, 0.3, 0.3])[:, None, None].expand(3, 2, 2)
    before, after = (
        rgb_to_lab(paint_fills(red, replace(plain, chroma_by_lightness=factors)))[1].mean().item()
        for factors in ((), (1.0, 0.5, 1.0))
    )
    assert 0.4 < after / before < 0.75
    white = rgb_to_lab(paint_fills(torch.ones(3, 2, 2), replace(plain, white=92.0)))
    assert white[0].mean().item() == pytest.approx(92, abs=0.2)


def test_faint_structures_come_back(look):
    """`faint` restores a share of a hill in mist that strong smoothing removed, and adds no step."""
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    hill = 0.02 * torch.exp(-((x - 64) ** 2 + (y - 64) ** 2) / 128)
    photo = (0.7 - hill).expand(3, -1, -1).contiguous()
    strong = replace(look, smoothing=0.05, least_smoothing=1.0, polish=0.0, line_darkness=0.0)
    lost, kept = (luma(cartoon_target(photo, replace(strong, faint=share))) for share in (0.0, 0.6))
    depth = [(drawn[8, 8] - drawn[64, 64]).item() for drawn in (lost, kept)]
    assert depth[1] > depth[0] + 0.004
    assert (kept - lost).diff().abs().max() < 0.002


@pytest.fixture(scope="module")
def wood():
    """A rough area above another one, (3, 128, 160), whose means differ by less than their texture."""
    grain = gaussian_blur(torch.randn(3, 128, 160, generator=torch.Generator().manual_seed(0)), 1.2)
    means = torch.where(torch.arange(128) < 64, 0.58, 0.40)[None, :, None]
    return (means + 0.3 * grain).clamp(0, 1)


def test_borders_of_rough_areas_are_found(wood):
    """The border of two rough areas is marked over its length, and little of what lies inside them is."""
    borders = area_borders(wood)
    assert borders[61:68].amax(0)[8:-8].mean() > 0.5
    assert torch.cat([borders[16:56], borders[72:112]]).mean() < 0.05


def test_smoothing_spares_borders(wood, look):
    """Smoothing that melts a wood into a meadow keeps their border a step where `borders` is 1."""
    strong = replace(look, smoothing=0.05, polish=0.013, detail=0.0, line_darkness=0.0)
    steps = []
    for share in (0.0, 1.0):
        rows = luma(cartoon_target(wood, replace(strong, borders=share)))[:, 16:-16].mean(1)
        steps.append((rows[58] - rows[69]).item())
    assert steps[1] > 0.05
    assert steps[1] > 1.5 * steps[0]


def test_trees_of_a_wood_stay_apart(look):
    """`detail` keeps the crowns of a wood as tones, which smoothing makes one colour, and adds no lines."""
    noise = torch.randn(2, 160, 160, generator=torch.Generator().manual_seed(0))
    crowns = gaussian_blur(noise[:1], 6.0)
    leaves = gaussian_blur(noise[1:], 1.2)
    photo = (0.5 + 0.08 * crowns / crowns.std() + 0.08 * leaves / leaves.std()).clamp(0, 1).expand(3, -1, -1)
    flat, toned = (luma(cartoon_target(photo, replace(look, smoothing=0.05, detail=d))) for d in (0.0, 0.5))
    kept = [(drawn * crowns[0]).mean() - drawn.mean() * crowns.mean() for drawn in (flat, toned)]
    assert kept[1] > 1.3 * kept[0]
    assert toned.min() > luma(photo.contiguous()).min() - 0.02
    assert edges(toned.expand(3, -1, -1)).mean() < edges(photo).mean()


@pytest.fixture(scope="module")
def sign():
    """Six lines of small pale letters on a dark sign."""
    board = np.full((160, 160), 40, np.uint8)
    for row in range(6):
        cv2.putText(
            board, "Forest path", (8, 30 + 24 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA
        )
    return torch.from_numpy(board).float().expand(3, -1, -1) / 255


def test_small_letters_can_be_read(sign, look):
    """Small letters are drawn as they are: strokes would turn them into blobs."""
    drawn = luma(cartoon_target(sign, look))
    written = luma(sign)
    assert torch.corrcoef(torch.stack([drawn.flatten(), written.flatten()]))[0, 1] > 0.97


def test_letters_have_two_tones_and_noise_has_not(sign):
    """Letters have two tones; noise of the same contrast has not."""
    noise = 0.5 + sign.std() * torch.randn(1, 160, 160, generator=torch.Generator().manual_seed(0))
    assert two_tone(sign)[:, 20:140, 20:80].mean() > 0.7
    assert two_tone(noise.clamp(0, 1).expand(3, -1, -1)).mean() < 0.1


@pytest.mark.parametrize("varied", [0.0, 1.0])
def test_strokes_follow_from_the_pixels_near_them(varied):
    """Pixels that are far away hardly change a stroke, so that a network can learn it."""
    photo, other = torch.rand(2, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    changed = torch.cat([photo[:, :, :64], other[:, :, 64:]], 2)
    strokes, again = (draw_strokes(picture, varied) for picture in (photo, changed))
    difference = (strokes - again).abs()
    assert difference[:, :, :44].mean() < 0.1 * difference[:, :, 64:].mean()
    assert difference[:, :, 64:].max() > 0.1


def draw_strokes(photo, varied, relative=0.5):
    """The tones of a rough place; `varied` and `relative` are the same everywhere."""
    height, width = photo.shape[1:]
    relative, varied = (torch.full((height, width), level) for level in (relative, varied))
    return rough_tones(kuwahara(photo), photo, relative, varied[None])


def test_a_tree_has_few_tones():
    """Steps gather the lightness of leaves at few values, and keep its contrast."""
    leaves = gaussian_blur(torch.randn(1, 96, 96, generator=torch.Generator().manual_seed(0)), 4.0)
    tree = (0.4 + 0.08 * leaves / leaves.std()).clamp(0, 1).expand(3, -1, -1)
    stepped = step_tones(tree, 1.2)
    inner, flat = tree[0, 16:-16, 16:-16], stepped[0, 16:-16, 16:-16]
    assert 0.8 < flat.std() / inner.std() < 1.3
    steps = [picture.diff(dim=0).abs() for picture in (inner, flat)]
    assert (steps[1] < 0.004).float().mean() > 1.5 * (steps[0] < 0.004).float().mean()


def test_faces_of_a_crowd_keep_more_of_the_photo_than_a_wood():
    """Among many colours, strokes are small, and in high contrast half of the tones are the photo's."""
    photo = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    wood, clothes, faces = (draw_strokes(photo, *levels) for levels in ((0.0, 8.0), (1.0, 0.5), (1.0, 8.0)))
    assert torch.allclose(faces, (clothes + photo) / 2)
    differences = [(photo - drawn).square().mean() for drawn in (wood, clothes, faces)]
    assert differences == sorted(differences, reverse=True)


def test_small_strokes_keep_more_of_a_wood(wood, look):
    """Without `large_strokes`, a wood keeps more of its fine structure, as hair needs."""
    plain = replace(look, detail=1.0, line_darkness=0.0)
    drawn = (cartoon_target(wood, replace(plain, large_strokes=large)) for large in (True, False))
    large, small = ((picture - gaussian_blur(picture, 3.0)).std() for picture in drawn)
    assert small > 1.1 * large


def test_leaves_have_one_colour_and_a_crowd_has_many():
    """Light and dark greens count as one colour; shirts of all colours and of black and white do not."""
    blocks = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0)).repeat_interleave(8, 1)
    blocks = blocks.repeat_interleave(8, 2)
    leaves = torch.tensor([0.25, 0.4, 0.15])[:, None, None] * (0.7 + 0.6 * blocks[:1])
    shirts = (blocks[:1] > 0.5).float().expand(3, -1, -1)
    assert variety(leaves).max() < 0.1
    assert variety(blocks).min() > 0.9
    assert variety(shirts).min() > 0.9


def test_detail_leaves_smooth_places_alone(look):
    """A soft slope is drawn as without `detail`."""
    slope = torch.linspace(0.3, 0.7, 96).expand(3, 64, -1).contiguous()
    plain, detailed = (cartoon_target(slope, replace(look, detail=share)) for share in (0.0, 1.0))
    assert (plain - detailed).abs().max() < 1e-6


def test_pigment_pools_at_the_dark_side_of_borders(scene):
    """Wet edges darken an area near its lighter neighbour, and leave its middle and white paper alone."""
    _, disc = scene
    fills = torch.where(disc, 0.4, 1.0).expand(3, -1, -1).contiguous()
    pooled = pool_pigment(fills, 4.0)
    assert (pooled[:, ~disc] == 1).all()
    assert pooled[0, 32, 32 + 17] < 0.36 < pooled[0, 32, 32]


def test_large_photos_are_reduced(tmp_path, monkeypatch):
    """Photos of many megapixels, for which the filters would take gigabytes, are reduced before."""
    monkeypatch.setattr(pairs, "MOST_PIXELS", 1200)
    Pillow.new("RGB", (80, 60)).save(tmp_path / "a.png")
    version = pairs.Version(tmp_path / "a.png", "a", 2.0)
    assert list(pairs.write_versions([[version]], tmp_path, TargetLook(), workers=1)) == [True]
    for part in ("photo", "target"):
        with Pillow.open(tmp_path / part / "a-200.png") as picture:
            assert picture.size == (40, 30)


def test_versions_of_one_size_are_one(tmp_path, monkeypatch):
    """Scales that are reduced to the same size give one pair, also if the same call is repeated."""
    monkeypatch.setattr(pairs, "MOST_PIXELS", 1200)
    Pillow.new("RGB", (80, 60)).save(tmp_path / "a.png")
    versions = [pairs.Version(tmp_path / "a.png", "a", scale) for scale in (0.25, 1.0, 1.75)]
    for _ in range(2):
        assert list(pairs.write_versions([versions], tmp_path, TargetLook(), workers=1)) == [True]
        for part in ("photo", "target"):
            assert {path.name for path in (tmp_path / part).iterdir()} == {"a-25.png", "a-100.png"}
