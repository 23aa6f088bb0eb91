import { test } from "uvu";
import * as assert from "uvu/assert";
import { htmlTable } from "../../src/shared/html-table.js";

test("columns of words are read from the left, numbers and figures with units from the right", () => {
  const html = htmlTable({
    columns: ["name", "n", "size", "none"],
    rows: [
      ["a<b", 1, "0.1 MB", null],
      [null, 2, "-3 dB", undefined],
    ],
  });
  const left = ' style="text-align:left"';
  assert.match(html, `<th${left}>name</th><th>n</th><th>size</th><th>none</th>`);
  assert.match(html, `<tr><td${left}>a&lt;b</td><td>1</td><td>0.1 MB</td><td></td></tr>`);
  assert.match(html, `<tr><td${left}></td><td>2</td><td>-3 dB</td><td></td></tr>`);
});

test.run();
