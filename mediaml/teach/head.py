"""The linear head: logistic regression on the vectors of a frozen backbone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.core.errors import UsageError

Weighting = Literal["balanced", "none"]
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Values of `C` of scikit-learn, the inverse of the regularisation, that are tried."""
MOST_AXES = 256
_ITERATIONS = 200
_TOLERANCE = 1e-3
_TINY = 1e-7
_NEVER = -1e3


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear classifier.

    Attributes:
        weights: float64 [dimensions, classes]. bias: float64 [classes].
    """

    weights: NDArray[np.float64] = field(repr=False)
    bias: NDArray[np.float64] = field(repr=False)

    def logits(self, vectors: Float32Array) -> NDArray[np.float64]:
        """[rows, classes]; softmax makes probabilities of them."""
        return np.asarray(vectors @ self.weights + self.bias, dtype=np.float64)

    def tempered(self, temperature: float) -> Head:
        """The head whose logits are divided by a number."""
        return replace(self, weights=self.weights / temperature, bias=self.bias / temperature)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a head is fitted to, or measured on.

    Attributes:
        vectors: float32 [rows, dimensions]. label: the class of each, [rows].
        group: see `groups_of`. file: which file each is of.
        copy: whether a row is of a changed copy of its file, which is never tested.
    """

    vectors: Float32Array = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)
    group: NDArray[np.int64] = field(repr=False)
    file: NDArray[np.int64] = field(repr=False)
    copy: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.label)

    def of(self, rows: NDArray[Any]) -> Rows:
        """Some of the rows, by place or by a mask."""
        parts = (self.vectors, self.label, self.group, self.file, self.copy)
        return Rows(*(part[rows] for part in parts))

    def joined(self, other: Rows) -> Rows:
        """These rows, and others behind them."""
        return Rows(
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.label, other.label]),
            np.concatenate([self.group, other.group]),
            np.concatenate([self.file, other.file]),
            np.concatenate([self.copy, other.copy]),
        )


def require_scikit_learn() -> None:
    """See whether the extra is installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UsageError("training needs scikit-learn.", 'pip install "mediaml[teach]"') from error


def row_weights(rows: Rows, classes: int, weighting: Weighting) -> NDArray[np.float64]:
    """The weight of each row: that of a file is shared by its rows; classes count alike where balanced.

    Returns:
        float64 [rows], 1 on average.
    """
    per_file = np.bincount(rows.file)
    weights = 1.0 / per_file[rows.file]
    if weighting == "balanced":
        per_class = np.bincount(rows.label, weights=weights, minlength=classes)
        weights = weights / per_class[rows.label]
    return np.asarray(weights * len(weights) / weights.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Where vectors differ: learning is quicker there, and no worse.

    Attributes:
        centre: float64 [dimensions]. axes: float64 [dimensions, at most 256].
    """

    centre: NDArray[np.float64] = field(repr=False)
    axes: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, vectors: Float32Array) -> Projection:
        """The principal axes of rows, scaled so that what they make of the rows has a mean square of 1."""
        centre = vectors.mean(axis=0, dtype=np.float64)
        centred = vectors - centre.astype(np.float32)
        spread = float(np.sqrt((centred.astype(np.float64) ** 2).mean())) or 1.0
        return cls(centre, _principal(centred) / spread)

    def of_rows(self, rows: Rows) -> Rows:
        """The rows with projected vectors."""
        made = ((rows.vectors - self.centre) @ self.axes).astype(np.float32)
        return replace(rows, vectors=made)

    def whole(self, head: Head) -> Head:
        """A head on projected vectors, as one on vectors as they are."""
        weights = self.axes @ head.weights
        return Head(weights, head.bias - self.centre @ weights)


def _principal(centred: Float32Array) -> NDArray[np.float64]:
    """Unit vectors in the directions in which rows differ most, float64 [dimensions, axes]."""
    rows, dimensions = centred.shape
    if rows >= dimensions:
        _, vectors = np.linalg.eigh(centred.T @ centred)
        return np.asarray(vectors[:, ::-1][:, :MOST_AXES], dtype=np.float64)
    # Of few rows the products of the rows have the same, fewer, eigenvalues.
    values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    order = [one for one in np.argsort(-values)[:MOST_AXES] if values[one] > _TINY * values[-1]]
    if not order:
        return np.eye(dimensions)[:, :1]
    return np.asarray(centred.T @ vectors[:, order] / np.sqrt(values[order]), dtype=np.float64)


def fit_heads(
    rows: Rows, classes: int, strengths: Sequence[float], weighting: Weighting, seed: int
) -> list[Head]:
    """A head for every strength of regularisation.

    Args:
        rows: projected; of all classes or of some: a class without rows is never answered.
        classes: their number. strengths: ascending; see `STRENGTHS`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weights = row_weights(rows, classes, weighting)
    model = LogisticRegression(warm_start=True, max_iter=_ITERATIONS, tol=_TOLERANCE, random_state=seed)
    heads = []
    for strength in strengths:
        model.set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows.vectors, rows.label, sample_weight=weights)
        heads.append(_head(model, classes))
    return heads


def _head(model: Any, classes: int) -> Head:
    """The fitted model with a column for every class."""
    weights, bias = model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
    if weights.shape[1] == 1:
        weights, bias = np.hstack([-weights, weights]) / 2, np.array([-bias[0], bias[0]]) / 2
    full = np.zeros((len(weights), classes))
    offset = np.full(classes, _NEVER)
    full[:, model.classes_], offset[model.classes_] = weights, bias
    return Head(full, offset)
