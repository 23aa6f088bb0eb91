"""One similarity job of another engine in a process of its own: python similarity_peers.py JOB FILE; prints one line."""
import json
import os
import resource
import sys
import tempfile
import time

import numpy as np

job, path = sys.argv[1:3]
x = np.load(path)
n, d = x.shape
block = 1024


def unit(dtype=np.float32):
    u = x.astype(np.float64)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return u.astype(dtype)


def numpy_matmul():
    u = unit()
    for i in range(0, n, block):
        u[i : i + block] @ u.T


def numpy_statistics():
    """Mean, deviation, extremes, histogram and pairs, block by block of rows; no median, no neighbours."""
    u = unit()
    total = square = 0.0
    low, high = np.inf, -np.inf
    counts = np.zeros(200)
    pairs = 0
    for i in range(0, n, block):
        s = u[i : i + block] @ u[i:].T
        s = s[np.triu(np.ones(s.shape, bool), 1)]
        total += s.sum(dtype=np.float64)
        square += np.square(s).sum(dtype=np.float64)
        if s.size:
            low, high = min(low, s.min()), max(high, s.max())
        counts += np.histogram(s, 200, (-1, 1))[0]
        pairs += int((s >= 0.8).sum())


def float64():
    """Mean and deviation in float64, to check against."""
    u = unit(np.float64)
    total = square = 0.0
    for i in range(0, n, block):
        s = u[i : i + block] @ u[i:].T
        s = s[np.triu(np.ones(s.shape, bool), 1)]
        total += s.sum()
        square += np.square(s - 0.1).sum()
    m = n * (n - 1) / 2
    mean = total / m
    return {"mean": mean, "std": float(np.sqrt(square / m - (mean - 0.1) ** 2))}


def original():
    """What the Python pipeline does: scikit-learn's matrix, a loop over the pairs, the matrix as JSON and .npy."""
    from sklearn.metrics.pairwise import cosine_similarity

    s = cosine_similarity(x)
    pairs = []
    for i in range(n):
        for j in range(i + 1, n):
            if s[i][j] >= 0.8:
                pairs.append((i, j, float(s[i][j])))
    upper = s[np.triu_indices_from(s, k=1)]
    statistics = [float(f(upper)) for f in (np.mean, np.std, np.min, np.max, np.median)]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "speaker_similarity.json"), "w") as file:
            json.dump({"similarity_matrix": s.tolist(), "pairs": pairs, "statistics": statistics}, file, indent=2)
        np.save(os.path.join(folder, "similarity_matrix.npy"), s)


def faiss_top20():
    import faiss

    u = unit()
    index = faiss.IndexFlatIP(d)
    index.add(u)
    index.search(u, 21)


def faiss_range():
    import faiss

    u = unit()
    index = faiss.IndexFlatIP(d)
    index.add(u)
    for i in range(0, n, 4096):
        index.range_search(u[i : i + 4096], 0.8)


cpu, wall = time.process_time(), time.perf_counter()
extra = globals()[job]() or {}
line = {
    "cpu": time.process_time() - cpu,
    "wall": time.perf_counter() - wall,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}
print(json.dumps({**line, **extra}))
