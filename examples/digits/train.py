"""Train a small neural network on scikit-learn's bundled UCI digits, tracked by runref.

    runref run -o model.pkl -- python train.py --lr 0.1     # runref records around it
    python train.py --lr 0.1                                # or it is started plainly

Both give one run each: under `runref run`, `runref.init()` attaches to the run that is going on.
"""

from __future__ import annotations

import argparse
import math
import pickle
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import runref


def main() -> None:
    options = parse_options()
    features, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features / 16.0, labels, test_size=0.25, random_state=options.seed, stratify=labels
    )
    model = MLPClassifier(
        hidden_layer_sizes=(32,),
        solver="sgd",
        momentum=0.9,
        learning_rate_init=options.lr,
        batch_size=64,
        random_state=options.seed,
    )
    classes = np.unique(labels)

    with runref.init(params=vars(options)) as run:
        for epoch in range(options.epochs):
            model.partial_fit(train_x, train_y, classes=classes)
            accuracy = float(model.score(test_x, test_y))
            run.log({"loss": float(model.loss_), "val/acc": accuracy}, step=epoch)
            if math.isnan(model.loss_):
                break
        # A fixed protocol: equal models are equal bytes, whichever Python writes them.
        Path("model.pkl").write_bytes(pickle.dumps(model, protocol=4))
        run.log_output("model.pkl")
    print(f"lr {options.lr:g}: validation accuracy {accuracy:.4f} after {epoch + 1} epochs")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lr", type=float, default=0.05, help="learning rate")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
