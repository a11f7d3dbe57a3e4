"""Write reference values of the special functions, computed with 60 digits.

    pip install mpmath
    python scripts/special_values.py > crates/canary-stats/src/special_values.csv

Each line is `function,a,b,x,value`; arguments are the exact values of the f64 that their text reads as.
"""

import mpmath as mp

mp.mp.dps = 60


def line(function, a, b, x, value):
    print(f"{function},{a!r},{b!r},{x!r},{mp.nstr(value, 22, min_fixed=0, max_fixed=0)}")


def ln_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def lower(a, b, x):
    """ln I_x(a, b): by the hypergeometric series, or by quadrature around the largest integrand."""
    a, b, x = mp.mpf(a), mp.mpf(b), mp.mpf(x)
    if max(a, b) <= 1000:
        return mp.log(mp.betainc(a, b, 0, x, regularized=True))

    def exponent(t):
        return (a - 1) * mp.log(t) + (b - 1) * mp.log(1 - t)

    mode = (a - 1) / (a + b - 2)
    deviation = mp.sqrt(mode * (1 - mode) / (a + b))
    top = min(x, mode)
    slope = abs((a - 1) / x - (b - 1) / (1 - x))
    width = min(deviation, 1 / slope if x < mode and slope else deviation)
    points = [max(mp.mpf(0), top - k * width) for k in (150, 60, 25, 12, 6, 3, 1.5)]
    points = sorted(set(points) | {top} | {min(x, top + k * deviation) for k in (1, 3, 6, 12, 25) if x > top})
    peak = exponent(top)
    integral = mp.quad(lambda t: mp.exp(exponent(t) - peak), points)
    return mp.log(integral) + peak - ln_beta(a, b)


for a in (1e-3, 0.1, 0.5, 0.999, 1.001, 1.5, 1.999, 2.5, 3.0, 7.25, 9.999, 10.0, 33.3, 171.0, 1e4, 1.5e6, 1e9):
    line("ln_gamma", a, 0.0, 0.0, mp.loggamma(mp.mpf(a)))
sizes = (1e-3, 0.5, 1.0, 2.0, 9.5, 12.0, 350.0, 1e5, 1e9)
for a in sizes:
    for b in sizes:
        line("ln_beta", a, b, 0.0, ln_beta(mp.mpf(a), mp.mpf(b)))
for a, b in ((0.5, 0.5), (1.0, 1.0), (1.0, 9.0), (3.0, 2.0), (11.0, 40.0), (96.0, 6.0), (951.0, 51.0), (200.0, 900.0)):
    for x in (1e-6, 0.03125, 0.3, 0.5, 0.9, 0.9375, 0.999):
        line("ln_inc_beta", a, b, x, lower(a, b, x))
for a, b, x in (
    (95001.0, 5001.0, 0.9375),
    (93751.0, 6251.0, 0.9375),
    (90001.0, 10001.0, 0.9375),
    (1e6, 1e6, 0.5),
    (1e6, 1.002e6, 0.5),
    (9.99e8, 1e9, 0.5),
    (1e9, 1e9, 0.5),
    (1e9 + 3e4, 1e9, 0.5),
    (2.5e8, 7.5e8, 0.25),
    (1e9, 40.0, 0.9999999),
    (12.0, 1e8, 1.25e-7),
):
    line("ln_inc_beta", a, b, x, lower(a, b, x))
for a, b, x in (
    (1.0, 1.0, 0.3),
    (12.0, 4.0, 0.75),
    (951.0, 51.0, 0.9375),
    (3e8, 7e8, 0.3125),
    (1e9, 1e9, 0.5),
    (1e9, 3e9, 0.25),
):
    p = mp.mpf(x)
    line("ln_beta_over_power", a, b, x, ln_beta(mp.mpf(a), mp.mpf(b)) - a * mp.log(p) - b * mp.log(1 - p))
for z in (-6.0, -1.0, 0.0, 0.1, 0.5, 1.0, 1.96, 2.999, 3.0, 3.5, 5.0, 8.0, 20.0, 37.0):
    line("normal_upper", 0.0, 0.0, z, mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2)
for p in (0.5, 0.3, 0.9, 0.05, 0.025, 0.005, 1e-4, 1e-10, 1e-100):
    # P(Z > z) = p.
    start = mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(p)) if p > 1e-20 else 21
    z = mp.findroot(lambda z, p=p: mp.log(mp.erfc(z / mp.sqrt(2)) / 2) - mp.log(mp.mpf(p)), start)
    line("normal_upper_quantile", 0.0, 0.0, p, z)
