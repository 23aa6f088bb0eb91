"""Executes notebooks without a window: the executed .ipynb and a stand-alone .html of each, in one folder.

python scripts/notebooks.py [--own-corpus] OUTPUT_DIR NOTEBOOK...

With --own-corpus, cells with the tag `bundled`, which tell of the bundled speech, are left out.
"""

import asyncio
import base64
import re
import struct
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

KERNEL = "speakerscope"


def execute(path, own_corpus):
    """A notebook with fresh outputs; cells run in the folder of the notebook, as in JupyterLab."""
    notebook = nbformat.read(path, as_version=4)
    if own_corpus:
        notebook.cells = [c for c in notebook.cells if "bundled" not in c.metadata.get("tags", [])]
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        timeout=3600,
        startup_timeout=180,
        # Times would make every execution a change.
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    error = None
    try:
        asyncio.run(client.async_execute())
    except CellExecutionError as caught:
        error = caught
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            tidy(cell)
    return notebook, error


def tidy(cell):
    """Lines printed one by one become one output; pictures say how large they are shown."""
    outputs = []
    for output in cell.outputs:
        last = outputs[-1] if outputs else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            outputs.append(output)
        png = output.get("data", {}).get("image/png")
        if png:
            # Charts are drawn with two pixels for each one of the page.
            width, height = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
            output.metadata["image/png"] = {"width": width // 2, "height": height // 2}
    cell.outputs = outputs


def standalone(notebook, name):
    """The notebook as one page that loads nothing: no script, no font, no picture from elsewhere."""
    exporter = HTMLExporter(embed_images=True, sanitize_html=False)
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})
    # The pages hold no formulas, diagrams or widgets: the loaders for them are all that is executable.
    head, body = html.split("</head>", 1)
    head = re.sub(r"<script\b.*?</script>", "", head, flags=re.DOTALL)
    head = re.sub(r"<!-- (Load mathjax|MathJax configuration|End of mathjax configuration) -->", "", head)
    head += "<style>main{max-width:1000px;margin:0 auto}.jp-RenderedHTMLCommon td{overflow-wrap:anywhere}</style>\n"
    # Each notebook's neighbours are pages too.
    body = re.sub(r'(href="\d\d-[a-z]+)\.ipynb"', r'\1.html"', body)
    return head + "</head>" + body


def main(*args):
    own_corpus = "--own-corpus" in args
    output_dir, *paths = [arg for arg in args if arg != "--own-corpus"]
    output_dir = Path(output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    failed = False
    for path in map(Path, paths):
        start = time.monotonic()
        notebook, error = execute(path.resolve(), own_corpus)
        nbformat.write(notebook, output_dir / path.name)
        (output_dir / f"{path.stem}.html").write_text(standalone(notebook, path.stem), encoding="utf-8")
        seconds = time.monotonic() - start
        print(f"  {path.stem}: {'FAILED' if error else f'{seconds:.0f} s'}", flush=True)
        if error:
            failed = True
            print(error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
