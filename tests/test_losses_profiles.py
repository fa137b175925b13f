"""The losses as functions of y and t, and the energies that they are made of."""

from math import inf, log, pi, sqrt

import pytest
import sympy
import torch

from golden_lib.losses import (
    LOSSES,
    combined_energy,
    divergence,
    dual_energy,
    energy,
    energy_loss,
    find_loss,
    pointwise,
)

MINIMUM = {
    "sse": 0.0,
    "information": 1 / (1 + 1 / sqrt(2)),
    "squared_information": 1 / 4,
    "energy": 1 / sqrt(2),
    "divergence": 1 / 2,
    "logistic_sse": 0.0,
}
LARGEST = {**dict.fromkeys(MINIMUM, 1.0), "energy": sqrt(2)}


@pytest.mark.parametrize("name", MINIMUM)
def test_each_summand_is_least_at_y_equal_t_and_largest_at_the_corners(name):
    grid = torch.linspace(0, 1, 201, dtype=torch.float64)
    y, t = torch.meshgrid(grid, grid, indexing="ij")
    f = pointwise(name, y, t)
    assert torch.equal(f.argmin(0), torch.arange(201))
    torch.testing.assert_close(f.diagonal(), torch.full_like(grid, MINIMUM[name]))
    assert f[0, -1].item() == pytest.approx(LARGEST[name], abs=1e-15)
    assert f[-1, 0].item() == pytest.approx(LARGEST[name], abs=1e-15)
    assert f.max() <= LARGEST[name]


@pytest.mark.parametrize("name", MINIMUM)
def test_only_the_divergence_loss_is_not_symmetric(name):
    y = torch.linspace(0, 1, 51, dtype=torch.float64)
    t = torch.full_like(y, 0.3)
    mirrored = pointwise(name, 1 - y, 1 - t)
    assert torch.allclose(pointwise(name, y, t), mirrored, atol=1e-12) == (name != "divergence")


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "logistic_sse"])
def test_pointwise_summands_add_up_to_the_loss(name):
    generator = torch.Generator().manual_seed(0)
    z, t = torch.randn(2, 5, 10, dtype=torch.float64, generator=generator) * 3
    t = t.softmax(-1)
    added = pointwise(name, z.softmax(-1), t).sum(-1)
    torch.testing.assert_close(added, find_loss(name)(z, t, "none"))


def test_cross_entropy_is_infinite_only_where_a_wanted_class_has_no_chance():
    zero, one = torch.zeros(1), torch.ones(1)
    assert pointwise("cross_entropy", zero, one).item() == inf
    assert pointwise("cross_entropy", zero, zero).item() == 0
    assert pointwise("cross_entropy", one, one).item() == 0


@pytest.mark.parametrize("name", ["information", "squared_information", "energy", "divergence"])
def test_curvature_at_the_minimum_is_sympys(name):
    x = sympy.symbols("x")
    d = (x + 1) * sympy.pi / 4
    e = -sympy.sin(d) * sympy.log(sympy.cos(d)) - sympy.cos(d) * sympy.log(sympy.sin(d))
    over = e - sympy.log(2) / sympy.sqrt(2)
    p = sympy.cos(d) ** 2
    f = {
        "information": 1 / (1 + sympy.exp(-e / sympy.sqrt(2))),
        "squared_information": (1 + sympy.exp(-over / sympy.sqrt(2))) ** -2,
        "energy": sympy.sqrt(2) / (1 + sympy.exp(-over / 2)),
        "divergence": 1 / (1 + sympy.exp(-(2 * p - 1) * sympy.log(p / (1 - p)) / sympy.sin(d))),
    }[name]
    y = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(pointwise(name, y, y.detach()), y, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, y)
    assert slope.item() == pytest.approx(0, abs=1e-14)
    assert curvature.item() == pytest.approx(float(sympy.diff(f, x, 2).subs(x, 0)), rel=1e-12)


def test_energy_loss_of_a_met_target_is_one_over_root_two_a_class():
    target = torch.full((1, 4), 0.25, dtype=torch.float64)
    assert energy_loss(torch.zeros_like(target), target).item() == pytest.approx(4 / sqrt(2))
    assert energy_loss(torch.tensor([[50.0, 0, 0, 0]]), torch.tensor([0])).item() == pytest.approx(
        4 / sqrt(2)
    )


def test_energies_follow_their_equations_and_mirror_each_other():
    phi = torch.linspace(0.01, 1.56, 100, dtype=torch.float64)
    torch.testing.assert_close(energy(phi), -2 * phi.sin() * phi.cos().log())
    torch.testing.assert_close(dual_energy(phi), energy(pi / 2 - phi))
    torch.testing.assert_close(2 * combined_energy(phi), energy(phi) + dual_energy(phi))
    p = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    torch.testing.assert_close(divergence(p), (2 * p - 1) * (p / (1 - p)).log())


def test_combined_energy_is_least_at_45_degrees():
    phi = torch.linspace(0, pi / 2, 1001, dtype=torch.float64)
    assert combined_energy(phi).argmin() == 500
    assert combined_energy(phi)[500].item() == pytest.approx(log(2) / sqrt(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_energies_reach_their_limits_at_the_boundary(dtype):
    ends = torch.tensor([0, pi / 2], dtype=dtype)
    assert energy(ends).tolist() == [0, inf]
    assert dual_energy(ends).tolist() == [inf, 0]
    assert combined_energy(ends).tolist() == [inf, inf]
    assert divergence(torch.tensor([0, 0.5, 1], dtype=dtype)).tolist() == [inf, 0, inf]


def test_energies_keep_their_digits_just_inside_the_boundary():
    tiny = torch.tensor([1e-9], dtype=torch.float64)
    assert energy(tiny).item() == pytest.approx(1e-27, rel=1e-12)  # φ³
    assert divergence(0.5 + tiny).item() == pytest.approx(8e-18, rel=1e-6)  # 8 (p − 1/2)²
    assert divergence(tiny**4).item() == pytest.approx(-log(1e-36), rel=1e-12)
