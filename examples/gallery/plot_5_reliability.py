"""
Calibrate confidence and choose a threshold
===========================================

Fit temperature scaling to an overconfident classifier, draw reliability
diagrams, and choose thresholds for a precision. The scores are simulated:
8,000 photos of four classes.
"""

import matplotlib.pyplot as plt
import numpy as np

import shelfvision as shv

rng = np.random.default_rng(7)
names = ("juice", "milk", "water", "yoghurt")
labels = rng.integers(4, size=8000)
logits = rng.normal(size=(8000, 4))
logits[np.arange(8000), labels] += 1.8
sharpened = np.exp(2.5 * logits)
scores = (sharpened / sharpened.sum(axis=1, keepdims=True)).astype(
    np.float32
)

# %%
# Fit the calibration on the first half of the photos and evaluate it on
# the second half. Temperature scaling does not change labels.

calibration = shv.Calibration.fit(scores[:4000], labels[:4000])
print(calibration)

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, title, given in zip(
    axes,
    ("not calibrated", "calibrated"),
    (scores[4000:], calibration.apply(scores[4000:])),
    strict=True,
):
    found = shv.Predictions(
        given, names, [f"{number}.jpg" for number in range(4000)]
    )
    report = shv.EvaluationReport(found, labels[4000:])
    shv.plot.reliability(report, ax=ax)
    ax.set_title(
        f"{title}: calibration error {report.calibration_error:.3f}"
    )

# %%
# Choose a threshold for a precision
# ----------------------------------
# Predictions below the threshold go to review (abstention). Each threshold
# is chosen on the first half. The chart shows the precision and the
# coverage on the second half.

first, second = (
    calibration.apply(scores[:4000]),
    calibration.apply(scores[4000:]),
)
asked = np.array([0.80, 0.85, 0.90, 0.95, 0.97])
reached, covered = [], []
for precision in asked:
    thresholds = shv.Thresholds.for_precision(
        first, labels[:4000], precision=precision
    )
    accepted = thresholds.decide(second) == "accept"
    right = second.argmax(axis=1) == labels[4000:]
    reached.append(right[accepted].mean())
    covered.append(accepted.mean())
    share = f"{reached[-1]:.3f} correct of {covered[-1]:.0%} accepted"
    print(f"requested {precision:.2f}: {share}")

figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ax.plot(asked, reached, "o-", label="precision of accepted photos")
ax.plot(asked, covered, "s-", label="coverage: accepted photos")
ax.plot(asked, asked, "--", color="grey", label="requested precision")
ax.set(xlabel="requested precision", ylim=(0, 1.02))
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
