"""The models of a run: chosen, then resolved (weights found and summed), then loaded on a device.

Choosing and resolving need only the file system and the catalogue; loading runs the plugin's code and
opens sessions, and belongs in the process that works on the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mediaml.core.audio_input import AudioInput
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import MediamlError, PluginError
from mediaml.core.view import View, class_ids
from mediaml.core.work import ModelIdentity
from mediaml.pipeline.accuracies import measured_accuracies
from mediaml.pipeline.batch_size import batch_bytes
from mediaml.pipeline.model_files import find_weights
from mediaml.pipeline.model_fit import refuse_misfit, usual_batch
from mediaml.pipeline.reading import recorded_precision, split_reading
from mediaml.registry.entry_points import Offer
from mediaml.registry.options import options_of, options_record
from mediaml.registry.plugin_errors import describe_error
from mediaml.registry.spec import LoadContext, Model, ModelSpec
from mediaml.registry.views import at_floor, covers, view_of
from mediaml.store.bundled import bundled_model
from mediaml.store.digest import digest_of, digest_with

if TYPE_CHECKING:
    from mediaml.onnx.providers import DeviceRequest
    from mediaml.onnx.session import Session


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that the user chose.

    Attributes:
        offer: what the plugin offers.
        options: as asked for, checked.
        weights: what was given with `-m`.
        reading: how files are read for it; see `reading_record`.
    """

    offer: Offer
    options: Any
    weights: Path | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A chosen model whose weights are here and known.

    Attributes:
        choice: what was chosen.
        weights: the file or folder; `None` for a model without weights.
        identity: what decides its predictions: the options in it are those that it is loaded with.
    """

    choice: Choice
    weights: Path | None
    identity: ModelIdentity

    @property
    def spec(self) -> ModelSpec:
        """What the plugin offered."""
        return self.choice.offer.spec

    @property
    def view(self) -> View:
        """What the user asked to see of its predictions."""
        return view_of(self.choice.options)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A loaded model.

    Attributes:
        spec: what the plugin offered.
        model: what its `load` returned.
        identity: what decides its predictions.
        devices: what its sessions really run on, such as `cpu` or `cuda:0`; empty where it has none.
        fallbacks: why a session of `--device auto` is not on the GPU of this machine.
        places: where and how its sessions run, for a person. notes, details: see `Session`.
        batch: number of frames per batch.
        batch_bytes: see `is_batch`.
        fixed: the graph takes no other number.
        keep: detections of a lower score are bounded in number, see `mediaml.core.view.bounded`.
    """

    spec: ModelSpec
    model: Model
    identity: ModelIdentity
    devices: tuple[str, ...]
    fallbacks: tuple[str, ...]
    batch: int
    batch_bytes: int | None = None
    fixed: bool = False
    keep: float = 0.0
    places: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that it knows, in its own order; empty where it does not say."""
        labels = getattr(self.model, "labels", None)
        listed = isinstance(labels, list | tuple) and all(isinstance(label, str) for label in labels)
        return tuple(labels) if listed and labels else ()

    @property
    def audio(self) -> AudioInput | None:
        """How audio is cut for it, as its plugin or the loaded model says."""
        said = getattr(self.model, "input", None)
        return self.spec.audio or (said if isinstance(said, AudioInput) else None)

    @property
    def clip(self) -> ClipInput | None:
        """How it takes clips; `None` for a model of single frames or audio."""
        said = getattr(self.model, "input", None)
        return said if isinstance(said, ClipInput) else None

    @property
    def modules(self) -> tuple[str, ...]:
        """Dotted names of modules of the plugin: where its errors come from."""
        return self.identity.plugin, self.spec.module, type(self.model).__module__


def identity_of(choice: Choice, weights: Path | None) -> ModelIdentity:
    """What decides the predictions of a chosen model, with options that only select at their floor."""
    spec, plugin = choice.offer.spec, choice.offer.plugin
    return ModelIdentity(
        name=spec.name,
        task=spec.task,
        plugin=plugin.module,
        distribution=plugin.distribution,
        version=plugin.version,
        weights=weights.name if weights else "",
        weights_sha256=_digest(spec, weights) if weights else "",
        options=msgspec.json.encode({**options_record(at_floor(choice.options)), **choice.reading}).decode(),
    )


def _digest(spec: ModelSpec, weights: Path) -> str:
    """The checksum of the weights, and of what the model reads beside them."""
    beside = sorted(spec.companions(weights)) if spec.companions and weights.is_file() else []
    return digest_with(weights, beside) if beside else digest_of(weights)


def in_ledger(resolved: ResolvedModel, known: Iterable[ModelIdentity]) -> ResolvedModel:
    """The model with the identity that a ledger already has, where that one's predictions hold all asked for.

    Args:
        known: identities of the model in the ledger, the preferred one first.
    """
    options, own = resolved.choice.options, resolved.identity
    for identity in known:
        kept, reading = split_reading(msgspec.json.decode(identity.options, type=dict[str, Any]))
        same = replace(own, options=identity.options) == identity and reading == dict(resolved.choice.reading)
        if same and covers(kept, options):
            return replace(resolved, identity=identity)
    return resolved


def resolved_view(resolved: ResolvedModel, labels: Sequence[str]) -> View:
    """What the user asked to see, classes by the names that the model gives them.

    Args:
        labels: all labels of the model; empty where it does not say.

    Raises:
        OptionError: the model has no such class.
    """
    view = resolved.view
    if not view.classes or not labels:
        return view
    ids = class_ids(view.classes, labels, resolved.spec.name)
    return replace(view, classes=tuple(labels[index] for index in ids))


def resolve_model(choice: Choice, obtain: Callable[[str], Path] = bundled_model) -> ResolvedModel:
    """Find a chosen model's weights, fetched where need be, and sum them.

    Args:
        obtain: resolves a name that is not a bundled model's; see `mediaml.pipeline.weights.obtain_weights`.

    Raises:
        ModelError: the model file is missing, or cannot be fetched.
    """
    weights = find_weights(choice.offer, choice.weights, obtain)
    return ResolvedModel(choice, weights, identity_of(choice, weights))


def load_model(
    resolved: ResolvedModel,
    device: DeviceRequest,
    *,
    threads: int | None = None,
    batch: int | None = None,
    warn: Callable[[str], None],
    words_only: bool = False,
    opener: Callable[[Path], Session] | None = None,
) -> LoadedModel:
    """Load one resolved model.

    Args:
        device: what was asked for with `--device`.
        threads: of ONNX Runtime within one operator; `None` decides by the machine.
        batch: frames per batch; `None` decides by the device.
        warn: shows one line to the user.
        words_only: see `LoadContext.words_only`.
        opener: opens its ONNX files, instead of `device`, `threads` and the precision of its identity.

    Raises:
        ModelError: the model file is not an ONNX model, or does not fit the plugin.
        DeviceError: the device is not obtained.
        PluginError: the plugin's `load` failed, or returned something that cannot answer.
    """
    spec, options = resolved.spec, options_of(resolved.spec, resolved.identity.options)
    sessions: list[Session] = []

    def open_session(path: Path) -> Session:
        if opener is not None:
            sessions.append(opener(path))
            return sessions[-1]
        from mediaml.onnx.session import open_session as open_onnx

        precision = recorded_precision(resolved.identity.options)
        accuracies = measured_accuracies(path) if precision == "fast" else ()
        sessions.append(open_onnx(path, device, threads=threads, precision=precision, accuracies=accuracies))
        return sessions[-1]

    try:
        model = spec.load(LoadContext(options, resolved.weights, open_session, warn, words_only))
    except MediamlError:
        raise
    except (Exception, SystemExit) as error:  # plugin code may raise anything
        modules = (resolved.identity.plugin, spec.module)
        raise PluginError(
            f"model {spec.name!r} failed to load: {describe_error(error, modules)}",
            "Run again with --debug for the traceback, and report it to the plugin's author.",
        ) from error
    if not callable(getattr(model, "predict", None)):
        raise PluginError(
            f"`load` of model {spec.name!r} returned a {type(model).__name__}, which has no `predict`."
        )
    refuse_misfit(model, spec)
    devices = tuple(sorted({str(session.device) for session in sessions}))
    hardware = [session.hardware for session in sessions]
    preferred = batch or usual_batch(hardware, [taken for one in sessions[:1] for taken in one.inputs])
    fixed = getattr(model, "fixed_batch", None)
    return LoadedModel(
        spec,
        model,
        resolved.identity,
        devices,
        _distinct(s.fallback_reason for s in sessions if s.fallback_reason),
        fixed or preferred,
        None if fixed or batch else batch_bytes(devices, resolved.weights),
        fixed=fixed is not None,
        places=_distinct(session.place for session in sessions),
        notes=_distinct(note for session in sessions for note in session.notes),
        details=_distinct(detail for session in sessions for detail in session.details),
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
