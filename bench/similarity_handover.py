"""Measures the recall of FAISS's approximate indexes against exact neighbours.

python bench/similarity_handover.py VECTORS.npy FOLDER   (FOLDER: what `speakerscope similarity --top_k 20` wrote)
"""
import sys
import time

import faiss
import numpy as np

vectors, folder = sys.argv[1:3]
x = np.load(vectors).astype("float32")
faiss.normalize_L2(x)
exact = np.load(f"{folder}/neighbours_index.npy")
n, d = x.shape
k = exact.shape[1]
sample = np.random.default_rng(0).choice(n, min(n, 2000), replace=False)


def recall(index, name, build):
    start = time.process_time()
    _, found = index.search(x[sample], k + 1)
    search = (time.process_time() - start) / len(sample) * n
    hits = sum(len(np.intersect1d(f[f != i][:k], exact[i])) for i, f in zip(sample, found))
    print(f"{name:34} recall@{k} {hits / k / len(sample):.4f}  build {build:6.1f}  all rows {search:6.1f} CPU s")


def built(index):
    start = time.process_time()
    if not index.is_trained:
        index.train(x)
    index.add(x)
    return time.process_time() - start


flat = faiss.IndexFlatIP(d)
recall(flat, "IndexFlatIP (exact)", built(flat))
ivf = faiss.index_factory(d, "IVF1024,Flat", faiss.METRIC_INNER_PRODUCT)
seconds = built(ivf)
for probes in (8, 32, 128):
    ivf.nprobe = probes
    recall(ivf, f"IVF1024,Flat, {probes} lists", seconds)
if "--hnsw" in sys.argv:
    hnsw = faiss.IndexHNSWFlat(d, 32, faiss.METRIC_INNER_PRODUCT)
    hnsw.hnsw.efConstruction = 100
    seconds = built(hnsw)
    for width in (64, 256):
        hnsw.hnsw.efSearch = width
        recall(hnsw, f"HNSW32, {width} candidates", seconds)
