"""Rendered digits, data sets in general, splits and folds; MNIST has tests/test_mnist.py."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, grid_sample

from golden_lib.data import DATASETS, Digits, folds, load, rendered_digits, sheet, split
from golden_lib.data.draws import Stream, integers, permutation, raw_bits
from golden_lib.data.warp import ONE, cosine, inverse, sine, warp

DIGEST = "6b3dab18a9700b84753739cdf010748e4800b9f22ef7fec005c12185c590db15"
"""SHA-256 of the 10,000 images of seed 0. Seen the same with Pillow 11.0, 12.0 and 13.0 (FreeType
2.13.2 to 2.14.3) and NumPy 2.0 and 2.4; another digest means other fonts or another rasteriser."""

PRINT_DIGEST = """
import hashlib, sys
import numpy, torch
numpy.random.seed(int(sys.argv[1]))
torch.manual_seed(int(sys.argv[1]))
torch.set_num_threads(int(sys.argv[1]))
from golden_lib.data import rendered_digits
digits = rendered_digits(500, seed=3)
print(hashlib.sha256(digits.images.numpy().tobytes() + digits.labels.numpy().tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def digits():
    return rendered_digits()


def edges(images):
    return torch.cat([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], dim=1)


def test_the_same_seed_gives_the_same_bits_on_every_machine(digits):
    levels = (digits.images * 255).round().to(torch.uint8)
    assert torch.equal(levels / torch.tensor(255.0), digits.images)
    assert hashlib.sha256(levels.numpy().tobytes()).hexdigest() == DIGEST


def test_two_processes_with_other_global_seeds_and_threads_draw_the_same():
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", PRINT_DIGEST]
    found = {
        subprocess.run(
            [*command, number],
            cwd=root,
            env=os.environ | {"PYTHONHASHSEED": number, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


def test_drawing_leaves_the_global_generators_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    rendered_digits(30, seed=987)
    split(30, 5, seed=987)
    folds(30, 5, seed=987)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


def test_every_two_seeds_draw_other_images():
    sets = [rendered_digits(50, seed=seed) for seed in range(12)]
    images = torch.stack([d.images for d in sets]).flatten(1)
    assert len(torch.unique(images, dim=0)) == len(sets)


def test_no_two_of_ten_thousand_images_are_the_same(digits):
    assert len(torch.unique(digits.images.flatten(1), dim=0)) == 10_000


@pytest.mark.parametrize("seed", range(3))
def test_no_digit_touches_the_border_and_none_is_faint(seed):
    images = rendered_digits(10_000, seed=seed).images
    assert edges(images).max() == 0
    assert images.min() == 0
    assert images.max() == 1
    assert images.flatten(1).amax(1).min() > 0.9


def test_classes_are_balanced_and_shuffled(digits):
    assert (digits.labels.bincount() == 1000).all()
    assert (rendered_digits(57).labels.bincount() == torch.tensor([6] * 7 + [5] * 3)).all()
    same_as_next = (digits.labels[1:] == digits.labels[:-1]).float().mean()
    assert abs(same_as_next - 0.1) < 0.015  # 5 standard errors of a fair shuffle


def test_changing_returned_images_does_not_change_the_next_call():
    first = rendered_digits(20, seed=5)
    kept = first.images.clone()
    first.images.zero_()
    assert torch.equal(rendered_digits(20, seed=5).images, kept)


def test_a_linear_classifier_reads_the_digits_but_not_all_of_them(digits):
    x, y = digits.images.flatten(1), digits.labels
    weights = torch.zeros(785, 10, requires_grad=True)
    x = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    optimiser = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = cross_entropy(x[:9000] @ weights, y[:9000]) + 1e-4 * weights.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    right = ((x[9000:] @ weights).argmax(1) == y[9000:]).float().mean()
    assert 0.6 < right < 0.95  # chance is 0.1


def test_digits_that_half_a_turn_makes_alike_stay_apart(digits):
    # Within ±45° a 6 stays nearer to the mean 6 than to the mean 9.
    for one, other in ((6, 9), (2, 5)):
        x = digits.images.flatten(1)
        means = torch.stack([x[:9000][digits.labels[:9000] == c].mean(0) for c in (one, other)])
        test = torch.arange(9000, 10_000)
        test = test[(digits.labels[test] == one) | (digits.labels[test] == other)]
        nearest = torch.tensor([one, other])[torch.cdist(x[test], means).argmin(1)]
        assert (nearest == digits.labels[test]).float().mean() > 0.8


def test_warp_is_bilinear_sampling_under_the_affine_map():
    generator = torch.Generator().manual_seed(0)
    source = torch.randint(0, 256, (3, 40, 52), generator=generator, dtype=torch.uint8)
    which = torch.tensor([2, 0, 1, 2])
    matrix = torch.rand(4, 2, 2, generator=generator, dtype=torch.float64) * 4 - 2
    shift = torch.rand(4, 2, generator=generator, dtype=torch.float64) * 8 - 4
    fixed = [(t * ONE).round().long().numpy() for t in (matrix, shift)]
    found = warp(source.numpy(), which.numpy(), *fixed)

    axis = torch.arange(28, dtype=torch.float64) - 13.5
    place = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1) - shift[:, None, None]
    place = torch.einsum("bij,byxj->byxi", matrix, place)
    grid = place / torch.tensor([(52 - 1) / 2, (40 - 1) / 2])
    expected = grid_sample(source[which][:, None].double(), grid, align_corners=True)[:, 0]
    # Places are cut to 1/256 pixel: at most 255/256 of a grey level along each axis, and rounding.
    assert (torch.from_numpy(found).double() - expected).abs().max() < 2.6


def test_no_turn_and_no_shift_give_back_every_byte():
    source = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    unit = np.broadcast_to(np.eye(2, dtype=np.int64) * ONE, (2, 2, 2))
    assert (warp(source, np.arange(2), unit, np.zeros((2, 2), np.int64)) == source).all()


def test_a_quarter_turn_is_numpys_rotation():
    source = np.random.default_rng(0).integers(0, 256, (1, 28, 28), dtype=np.uint8)
    angle = np.array([90 * 16])
    cos, sin = cosine(angle), sine(angle)
    back = np.stack([cos, sin, -sin, cos], axis=1).reshape(1, 2, 2)
    turned = warp(source, np.array([0]), back, np.zeros((1, 2), np.int64))
    assert (turned[0] == np.rot90(source[0], k=-1)).all()  # clockwise


def test_the_fixed_point_sine_is_the_rounded_sine_of_mpmath():
    angle = np.arange(-360 * 16, 360 * 16 + 1)
    with mpmath.workdps(30):
        exact = [ONE * mpmath.sin(mpmath.radians(mpmath.mpf(int(a)) / 16)) for a in angle]
        to_edge = min(abs(s - mpmath.floor(s) - mpmath.mpf("0.5")) for s in exact)
        assert sine(angle).tolist() == [int(mpmath.nint(s)) for s in exact]
    assert to_edge > 9e-4  # the margin that the docstring promises


def test_inverse_times_matrix_is_one():
    matrix = np.array([[[20_000, -3_000], [5_000, 15_000]], [[ONE, 0], [0, ONE]]])
    product = (inverse(matrix) / ONE) @ (matrix / ONE)
    assert np.abs(product - np.eye(2)).max() < 4 / ONE


def test_drawn_integers_are_uniform_and_reach_both_ends():
    drawn = integers(raw_bits(0, Stream.SHAPES, 70_000), -3, 3)
    counts = np.bincount(drawn + 3, minlength=7)
    assert counts.sum() == 70_000
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 22.5  # chi², 6 degrees of freedom, p = 0.001


def test_streams_of_one_seed_differ():
    orders = {tuple(permutation(20, 0, stream)) for stream in Stream}
    assert len(orders) == len(Stream)


@pytest.mark.parametrize(("n", "k"), [(10, 2), (10_000, 10), (103, 10), (7, 7)])
def test_folds_cover_every_sample_once_and_differ_in_size_by_one_at_most(n, k):
    parts = folds(n, k, seed=4)
    assert len(parts) == k
    assert torch.cat([test for _, test in parts]).sort().values.equal(torch.arange(n))
    sizes = [len(test) for _, test in parts]
    assert max(sizes) - min(sizes) <= 1
    for train, test in parts:
        assert torch.cat([train, test]).sort().values.equal(torch.arange(n))


def test_split_covers_every_sample_once():
    train, test = split(1000, 100, seed=1)
    assert (len(train), len(test)) == (900, 100)
    assert torch.cat([train, test]).sort().values.equal(torch.arange(1000))


def test_splits_and_folds_follow_their_seed():
    assert split(100, 10, seed=1)[1].equal(split(100, 10, seed=1)[1])
    assert not split(100, 10, seed=1)[1].equal(split(100, 10, seed=2)[1])
    assert folds(100, 10, seed=1)[0][1].equal(folds(100, 10, seed=1)[0][1])
    assert not folds(100, 10, seed=1)[0][1].equal(folds(100, 10, seed=2)[0][1])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: folds(5, 6), r"k must be an integer >= 2 and <= n = 5 samples, got 6"),
        (lambda: folds(5, 1), r"k must be an integer >= 2 and <= n = 5 samples, got 1"),
        (lambda: folds(0, 2), r"n must be an integer >= 1, got 0"),
        (lambda: folds(10, 2.0), r"k must be an integer .* got 2\.0"),
        (lambda: split(5, 5), r"test must be an integer >= 1 and < n = 5, got 5"),
        (lambda: split(5, 0), r"test must be an integer >= 1 and < n = 5, got 0"),
        (lambda: split(-1, 1), r"n must be an integer >= 1, got -1"),
        (lambda: split(10, 1, seed=-1), r"seed must be an integer >= 0, got -1"),
        (lambda: rendered_digits(0), r"n must be an integer >= 1, got 0"),
        (lambda: rendered_digits(True), r"n must be an integer >= 1, got True"),
        (lambda: rendered_digits(10, seed=0.5), r"seed must be an integer >= 0, got 0\.5"),
        (lambda: load("fashion"), r"one of digits, mnist, rotated_mnist, got 'fashion'"),
        (lambda: sheet(torch.zeros(0, 28, 28)), r"with N >= 1, got \(0, 28, 28\)"),
        (lambda: sheet(torch.zeros(1, 28, 28), 0), r"columns must be an integer >= 1, got 0"),
    ],
)
def test_bad_numbers_and_names_get_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (torch.zeros(3, 784), torch.zeros(3).long(), r"\(N, 28, 28\), got \(3, 784\)"),
        (torch.zeros(3, 28, 28), torch.zeros(2).long(), r"\(3,\) as .* got \(2,\)"),
        (torch.zeros(3, 28, 28).double(), torch.zeros(3).long(), r"float32, got torch\.float64"),
        (torch.zeros(3, 28, 28), torch.zeros(3), r"labels must be torch\.int64, got torch\.float"),
        (torch.zeros(3, 28, 28), torch.zeros(3, device="meta").long(), r"on cpu, got meta"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_refused(images, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        Digits(images, labels, "mine")


def test_an_index_picks_images_with_their_labels(digits):
    for index in (torch.tensor([5, 2, 5]), slice(10, 90, 7), digits.labels == 3):
        part = digits[index]
        assert part.images.equal(digits.images[index])
        assert part.labels.equal(digits.labels[index])
        assert part.name == "digits"
        assert len(part) == len(digits.labels[index])
    with pytest.raises(TypeError, match="index must be a slice or a tensor of indices, got 3"):
        digits[3]


def test_digits_move_between_devices(digits):
    assert digits.to("cpu").images.data_ptr() == digits.images.data_ptr()
    moved = digits.to("meta")
    assert moved.images.device.type == moved.labels.device.type == "meta"


def test_a_sheet_holds_every_image_in_reading_order(digits):
    page = sheet(digits.images[:7], columns=3)
    assert page.shape == (3 * 28, 3 * 28)
    for i in range(7):
        row, column = divmod(i, 3)
        tile = page[row * 28 : (row + 1) * 28, column * 28 : (column + 1) * 28]
        assert (tile == digits.images[i].numpy()).all()
    assert (page[56:, 28:] == 0).all()


def test_load_finds_each_data_set_by_name():
    assert set(DATASETS) == {"digits", "mnist", "rotated_mnist"}
    assert load("digits", n=20, seed=1).images.equal(rendered_digits(20, seed=1).images)
