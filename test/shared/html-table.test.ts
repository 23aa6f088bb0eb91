import { test } from "uvu";
import * as assert from "uvu/assert";
import { htmlTable } from "../../src/shared/html-table.js";

test("columns of words are read from the left, numbers and figures with units from the right", () => {
  const html = htmlTable({
    columns: ["name", "n", "size", "none", "list"],
    rows: [
      ["a<b", 1, "0.1 MB", null, ["a"]],
      [null, Number.NaN, "-3 dB", undefined, []],
    ],
  });
  const left = ' style="text-align:left"';
  assert.match(html, `<th${left}>name</th><th>n</th><th>size</th><th>none</th><th${left}>list</th>`);
  assert.match(html, `<tr><td${left}>a&lt;b</td><td>1</td><td>0.1 MB</td><td></td><td${left}>a</td></tr>`);
  assert.match(html, `<tr><td${left}></td><td>NaN</td><td>-3 dB</td><td></td><td${left}></td></tr>`);
});

test.run();
