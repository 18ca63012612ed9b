"""Train the spoken-digit model: the raw archive in, `exported_models/spoken.onnx` with its card out.

    python -m scripts.train_spoken --data DIR            # the net that ships, on all six speakers
    python -m scripts.train_spoken --data DIR --loso     # first the leave-one-speaker-out table of the card

Besides the recordings it teaches voices that flite makes (Debian's package flite; `--made 0` does without).
Strings of digits are composed once and kept in `--work`, where every net also leaves its checkpoints: an
interrupted run goes on where it was. Uses a GPU where PyTorch sees one.
"""

import argparse
import json
import os
from pathlib import Path

from scripts.paths import EXPORTED_MODELS, REPOSITORY, assets_folder


def parse_arguments() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=assets_folder() / "data", help="has spoken_digits/fsdd.tar.xz"
    )
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "build" / "train_spoken", help="cache and checkpoints"
    )
    parser.add_argument("--output", type=Path, default=EXPORTED_MODELS / "spoken.onnx")
    parser.add_argument("--loso", action="store_true", help="leave one speaker out, six times, for the card")
    parser.add_argument("--strings", type=int, help="strings a speaker; fewer for a quick trial")
    parser.add_argument("--made", type=int, help="strings a voice made by flite; 0 does without flite")
    parser.add_argument("--shared", type=int, help="steps on half of the speakers, from which the nets go on")
    parser.add_argument("--steps", type=int, help="steps of each net from there")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def main() -> None:
    """Compose, train, measure, export."""
    arguments = parse_arguments()
    import torch

    from scripts.training.cards import write_card
    from scripts.training.spoken.card import build_card
    from scripts.training.spoken.export import ship
    from scripts.training.spoken.folds import begun, leave_one_out
    from scripts.training.spoken.learning import Recipe, strings_of, train
    from scripts.training.spoken.recordings import load_clips
    from scripts.training.spoken.voices import cached, voices_of

    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    changed = {name: getattr(arguments, name) for name in ("strings", "made", "shared", "steps")}
    changed = {name: value for name, value in changed.items() if value is not None}
    recipe = Recipe(**changed)
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    clips = load_clips(arguments.data / "spoken_digits" / "fsdd.tar.xz")
    made = cached(work / "voices.npz") if recipe.made else []
    strings = {v.name: strings_of(v, recipe.strings, recipe.seed, work) for v in voices_of(clips, made)}
    strings |= {voice.name: strings_of(voice, recipe.made, recipe.seed, work) for voice in made}
    table = work / "folds.json"
    start = begun(0, clips, strings, recipe, work, device)
    net, history = train("all", list(strings.values()), recipe, work, device, start)
    difference = ship(net, clips, arguments.output)
    if arguments.loso:
        folds = leave_one_out(clips, strings, recipe, work, device)
        table.write_text(json.dumps({"recipe": changed, **folds}), encoding="utf-8")
    measured = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else None
    card = build_card(net.cpu(), arguments.output, recipe, measured, difference)
    write_card({**card, "learning_curve": history}, arguments.output)
    print(f"{arguments.output}: {card['size_bytes']} bytes, ONNX equal within {difference:.1e}")


if __name__ == "__main__":
    main()
