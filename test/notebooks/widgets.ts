import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { put, tinyCorpus } from "../tiny.js";
import { type Lab, root } from "./jupyter.js";

// Widgets in a running JupyterLab: two views, two tabs, a page that is loaded again, a kernel that is restarted.

interface App {
  shell: {
    currentWidget: {
      sessionContext: {
        isReady: boolean;
        session: { kernel: { status: string; restart(): Promise<void> } } | null;
      };
      content: { activeCellIndex: number };
    } | null;
  };
  commands: { execute(name: string, options: object): Promise<unknown> };
}
declare const window: { jupyterapp: App };

const esm = `
function render({ model, el }) {
  el.innerHTML = '<div class="probe"><button class="add"></button><button class="ask">ask</button>' +
    '<i class="name"></i><i class="bytes"></i><i class="heard"></i></div>';
  const at = (name) => el.querySelector("." + name);
  const show = () => {
    at("add").textContent = model.get("count");
    at("name").textContent = model.get("name");
    at("bytes").textContent = [...new Uint8Array(model.get("bytes").buffer)].join();
  };
  at("add").onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
  at("ask").onclick = () => model.send({ add: 1 }, undefined, [new Uint8Array([1, 2, 3])]);
  model.on("change", show);
  model.on("msg:custom", ({ sum }, [view]) => { at("heard").textContent = sum + " " + view.getUint8(0); });
  show();
}
export default { render };`;

const cells = [
  `import { widget } from "speakerscope/kernel";
const probe = widget({
  esm: ${JSON.stringify(esm)},
  css: ".probe .name { color: rgb(1, 2, 3) }",
  state: { count: 0, name: "new", bytes: new Uint8Array([7, 8]) },
  html: "<b>the probe, as HTML</b>",
});
probe.on("msg:custom", ({ add }, [bytes]) => probe.send({ sum: bytes.reduce((a, b) => a + b, add) }, [new Uint8Array([9])]));
probe`,
  "probe",
  `probe.set({ name: "count was " + probe.get("count"), bytes: new Uint8Array([5]) })`,
  `import { review } from "speakerscope";
const utterances = ["a", "b"].map((speakerId) => (
  { key: "x_" + speakerId + "_1", dataset: "x", speakerId, path: "speech/x/" + speakerId + "/1.wav" }));
review([["x_a", "x_b"]], { utterances, decisions: "decisions.jsonl", by: "anna" })`,
];

async function open(page: Page, lab: Lab): Promise<void> {
  await page.goto(lab.url("widgets"));
  await isIdle(page);
}

const isIdle = (page: Page) =>
  page.waitForFunction(
    () => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === "idle",
    null,
    { timeout: 120_000 },
  );

const run = (page: Page, command: string, options = {}) =>
  page.evaluate(
    async ([name, options]) => {
      await window.jupyterapp.commands.execute(name, options);
    },
    [command, options] as const,
  );

/** Waits until a part of every view says this. */
async function says(page: Page, part: string, text: string): Promise<void> {
  await page
    .waitForFunction(
      ([part, text]) => {
        const found = Array.from(
          document.querySelectorAll(`.probe .${part}`),
          (element) => element.textContent,
        );
        return found.length === 2 && found.every((each) => each === text);
      },
      [part, text] as const,
      { timeout: 60_000 },
    )
    .catch(async () => {
      const found = await page.locator(`.probe .${part}`).allTextContents();
      const outputs = await page.locator(".jp-OutputArea-output").allTextContents();
      assert.unreachable(`${part} says ${JSON.stringify(found)}, not ${text}: ${outputs.join("|")}`);
    });
}

const click = (page: Page, part: string) => page.locator(`.probe .${part}`).first().click();

export async function checkWidgets(page: Page, lab: Lab, folder: string): Promise<void> {
  const path = join(folder, "widgets.ipynb");
  tinyCorpus(join(folder, "speech"), { "x/a/1.wav": 1, "x/b/1.wav": 9 });
  put(
    path,
    JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec: { name: "speakerscope", display_name: "TypeScript", language: "typescript" } },
      cells: cells.map((source, i) => ({
        cell_type: "code",
        id: `c${i}`,
        execution_count: null,
        metadata: {},
        outputs: [],
        source,
      })),
    }),
  );

  // State goes both ways, and both views of a model show it.
  await run(page, "docmanager:open", { path: "widgets.ipynb" });
  await isIdle(page);
  await run(page, "notebook:run-all-cells");
  await says(page, "name", "count was 0");
  await says(page, "bytes", "5");
  await click(page, "add");
  await says(page, "add", "1");
  await page.evaluate(() => {
    window.jupyterapp.shell.currentWidget!.content.activeCellIndex = 2;
  });
  await run(page, "notebook:run-cell");
  await says(page, "name", "count was 1");
  const colour = await page
    .locator(".probe .name")
    .first()
    .evaluate((name) => getComputedStyle(name).color);
  assert.is(colour, "rgb(1, 2, 3)");
  // Bytes in messages, both ways.
  await click(page, "ask");
  await says(page, "heard", "7 9");

  // The listening desk is such a widget: its decision is on the disk.
  await page.locator(".desk-pane h2").click();
  await page.keyboard.press("2");
  await page.locator(".desk-count", { hasText: "1 of 1 decided" }).waitFor({ timeout: 60_000 });
  assert.match(readFileSync(join(folder, "decisions.jsonl"), "utf8"), /"action":"different","by":"anna"/);

  // What is saved is readable without a kernel and without the widget's code.
  await run(page, "docmanager:save");
  const { stdout, stderr } = spawnSync(
    join(root, ".venv", "bin", "python"),
    ["-m", "nbconvert", "--to", "html", "--stdout", path],
    { encoding: "utf8", env: { ...process.env, JUPYTER_PATH: root } },
  );
  assert.is(stdout.split("<b>the probe, as HTML</b>").length, 3, stderr);

  // The page is loaded again: the views come back from the kernel.
  await open(page, lab);
  await says(page, "name", "count was 1");
  await click(page, "add");
  await says(page, "add", "2");

  // A second tab shares the state; when it is closed the first goes on.
  const second = await page.context().newPage();
  await second.addInitScript("globalThis.__name = (value) => value");
  await open(second, lab);
  await says(second, "add", "2");
  await click(second, "add");
  await says(second, "add", "3");
  await says(page, "add", "3");
  await second.close();
  await click(page, "add");
  await says(page, "add", "4");

  // A new kernel knows nothing of the old widgets; their cells make new ones.
  await page.evaluate(() => window.jupyterapp.shell.currentWidget!.sessionContext.session!.kernel.restart());
  await page.waitForFunction(
    () => window.jupyterapp.shell.currentWidget!.sessionContext.session?.kernel?.status === "idle",
  );
  await run(page, "notebook:run-all-cells");
  await says(page, "name", "count was 0");
  await click(page, "add");
  await says(page, "add", "1");
  await page.locator(".desk-count", { hasText: "1 of 1 decided" }).waitFor({ timeout: 60_000 });
}
