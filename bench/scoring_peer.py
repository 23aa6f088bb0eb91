"""AS-norm as WeSpeaker's score_norm.py computes it, in numpy: python scoring_peer.py FOLDER TOP_N; prints one line."""
import json
import os
import resource
import sys
import time

import numpy as np

folder, top_n = sys.argv[1], int(sys.argv[2])
block = 1000


def unit(name):
    x = np.load(os.path.join(folder, name))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


start = time.perf_counter()
embeddings, cohort = unit("embeddings.npy"), unit("cohort.npy")
trials = np.load(os.path.join(folder, "trials.npy")).reshape(-1, 2)
mean, std = np.empty(len(embeddings)), np.empty(len(embeddings))
# Block by block: the whole matrix would take 0.8 GB, and its sorted copy as much again.
for at in range(0, len(embeddings), block):
    scores = embeddings[at : at + block] @ cohort.T
    best = np.sort(scores, axis=1)[:, -top_n:].astype(np.float64)
    mean[at : at + block], std[at : at + block] = best.mean(axis=1), best.std(axis=1)
scores = np.empty(len(trials))
for at in range(0, len(trials), 50_000):
    e, t = trials[at : at + 50_000].T
    s = np.einsum("ij,ij->i", embeddings[e], embeddings[t])
    scores[at : at + 50_000] = 0.5 * ((s - mean[e]) / std[e] + (s - mean[t]) / std[t])
print(
    json.dumps(
        {
            "cpu": time.process_time(),
            "wall": time.perf_counter() - start,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "first": scores[:5].tolist(),
        }
    )
)
