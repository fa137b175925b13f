"""The arrays behind the figures, against finite differences, matrices and algebra."""

from math import log, pi, sqrt

import numpy as np
import pytest

from golden_lib import surfaces
from golden_lib.golden import ALPHA, ETA


@pytest.mark.parametrize("name", surfaces.ANGLE_LOSSES)
def test_the_slope_over_the_angle_is_the_derivative_of_the_value(name):
    profile = surfaces.angle_profile(name, count=4001, margin=0.1)
    numeric = np.gradient(profile.value, profile.d)
    np.testing.assert_allclose(profile.slope[5:-5], numeric[5:-5], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", surfaces.ANGLE_LOSSES)
def test_a_loss_is_least_at_a_quarter_of_pi(name):
    profile = surfaces.angle_profile(name, count=401)
    assert profile.d[profile.value.argmin()] == pytest.approx(pi / 4)


def test_the_energy_loss_along_the_angle_is_g22_eq_26():
    d, value, _ = surfaces.angle_profile("energy")
    energy = -np.sin(d) * np.log(np.cos(d)) - np.cos(d) * np.log(np.sin(d))
    expected = sqrt(2) / (1 + np.exp(-(energy - log(2) / sqrt(2)) / 2))
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_curvatures_are_those_of_the_formulas():
    bend = (4 * sqrt(2) - log(2) / sqrt(2)) * (pi / 4) ** 2  # of E* in y, at π/4
    assert surfaces.curvature("sse") == pytest.approx(2)
    assert surfaces.curvature("energy") == pytest.approx(sqrt(2) / 8 * bend)
    assert surfaces.curvature("squared_information") == pytest.approx(bend / (4 * sqrt(2)))
    assert surfaces.curvature("divergence") == pytest.approx(pi**2 / sqrt(2) / 2)


def test_a_surface_has_t_down_and_y_across():
    y, t, values = surfaces.loss_surface(["sse", "cross_entropy"], count=11, margin=0.01)
    np.testing.assert_allclose(values["sse"], (y[None, :] - t[:, None]) ** 2)
    np.testing.assert_allclose(values["cross_entropy"], -t[:, None] * np.log(y[None, :]))


def test_the_momentum_rate_is_the_spectral_radius_of_the_iteration():
    draw = np.random.default_rng(0)
    for eta, alpha, bend in draw.uniform([0.001, 0, 0.1], [2, 0.999, 3], size=(200, 3)):
        matrix = np.array([[1 - eta * bend, alpha], [-eta * bend, alpha]])
        radius = np.abs(np.linalg.eigvals(matrix)).max()
        assert surfaces.momentum_rate(eta, alpha, bend) == pytest.approx(radius, rel=1e-6)


def test_the_momentum_rate_is_what_a_long_run_shows():
    w, delta, bend = 1.0, 0.0, 0.2
    sizes = []
    for _ in range(400):
        delta = -ETA * bend * w + ALPHA * delta
        w += delta
        sizes.append(abs(w))
    shown = (sizes[-1] / sizes[-201]) ** (1 / 200)
    assert surfaces.momentum_rate(ETA, ALPHA, bend) == pytest.approx(shown, rel=1e-3)


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match=r"name must be one of sse, .* got 'cross_entropy'"):
        surfaces.angle_profile("cross_entropy")
