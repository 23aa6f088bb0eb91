"""jupyter_kernel_test with every sample filled; prints one line of JSON: how many ran, failed, were skipped."""
import json
import sys
import unittest

import jupyter_kernel_test as jkt


class Kernel(jkt.KernelTests):
    kernel_name = "speakerscope"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [
        {"text": "Math.sq", "matches": {"sqrt", "SQRT1_2", "SQRT2"}},
        {"text": "[1, 2].forE", "matches": {"forEach"}},
        {"text": "conso"},
    ]
    complete_code_samples = [
        "1 + 1",
        "const a = {x: 1}",
        "function f() { return 1 }",
        "for (const x of [1]) { x }",
        "await 1",
        "%time 1 + 1",
        "`a`",
    ]
    incomplete_code_samples = [
        "function f() {",
        "const a = [1,",
        "for (const x of [1]) {",
        "`abc",
        "f(1,",
        "/* a",
        "const a =",
    ]
    invalid_code_samples = ["const = 3", "1 +* 2", "let a b", "f(1]"]
    code_generate_error = "throw new Error('boom')"
    code_execute_result = [
        {"code": "6*7", "result": "42"},
        {"code": "'a' + 'b'", "result": "'ab'"},
        {"code": "({a: 1})", "result": "{ a: 1 }"},
        {"code": "[{a: 1}]", "mime": "text/html"},
    ]
    code_history_pattern = "6?7*"
    supported_history_operations = ("tail", "range", "search")
    code_display_data = [
        {
            "code": "import { display } from 'speakerscope/kernel'; display.html('<b>x</b>')",
            "mime": "text/html",
        },
        {
            "code": "import { display } from 'speakerscope/kernel'; display.png(Buffer.from('AAAA', 'base64'))",
            "mime": "image/png",
        },
        {"code": "Deno.jupyter.display(Deno.jupyter.md`*x*`)", "mime": "text/markdown"},
    ]
    code_inspect_sample = "Math.sqrt"
    code_clear_output = "import { clearOutput } from 'speakerscope/kernel'; clearOutput()"


class Welcome(jkt.IopubWelcomeTests):
    kernel_name = "speakerscope"
    support_iopub_welcome = True


if __name__ == "__main__":
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in (Kernel, Welcome)
    )
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    print(
        json.dumps(
            {
                "ran": result.testsRun,
                "failed": [str(test) for test, _ in result.failures + result.errors],
                "skipped": [f"{test}: {why}" for test, why in result.skipped],
            }
        )
    )
