"""Parameters of papermill as a TypeScript cell: ``papermill in.ipynb out.ipynb -p threshold 0.7``."""

import json

from papermill.engines import NBClientEngine
from papermill.translators import Translator, papermill_translators


class TypeScriptTranslator(Translator):
    """Every value is JSON, which TypeScript reads as it stands, NaN and Infinity included."""

    @classmethod
    def translate(cls, val):
        return json.dumps(val, ensure_ascii=False, default=str)

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".rstrip()

    @classmethod
    def assign(cls, name, str_val):
        # `var` redeclares what the parameters cell declared, and declares what it did not.
        return f"var {name} = {str_val};"


papermill_translators.register("typescript", TypeScriptTranslator)


class Engine(NBClientEngine):
    """papermill's own engine: being its entry point is what gets this module imported."""
