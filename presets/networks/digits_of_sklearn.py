"""scikit-learn's MLPClassifier on its digits, recorded for nodescope: run it before presets/digits-of-sklearn.yaml."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import nodescope

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=360, random_state=0, stratify=y)
for seed in range(5):
    network = MLPClassifier((50, 50), max_iter=40, n_iter_no_change=40, random_state=seed).fit(x_train, y_train)
    for split, a, labels in (("train", x_train, y_train), ("test", x_test, y_test)):
        for layer, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True), start=1):
            z, is_last = a @ weights + bias, layer == len(network.coefs_)
            nodescope.save_layer(
                f"recordings/sklearn/seed-{seed}/{split}", layer, z, labels=labels, activation="relu", last=is_last
            )
            a = np.maximum(z, 0)
