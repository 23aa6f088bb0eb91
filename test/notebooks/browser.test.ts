import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../tiny.js";
import {
  chromiumPath,
  foreignRequests,
  hasJupyter,
  jupyterEnvironment,
  notebooks,
  pictureFolder,
  root,
  startBrowser,
  startLab,
} from "./jupyter.js";
import { checkWidgets } from "./widgets.js";

// JupyterLab in a browser, as a user has it: the notebooks are opened, run, looked at, saved and opened again.

/** What a page of JupyterLab holds, as seen from within. */
interface Seen {
  charts: number;
  /** Different colours of each chart's canvas: a blank one has one. */
  colours: number[];
  players: { seconds: number; error: string | null }[];
  bars: [value: number, max: number][];
  errors: string[];
  stderr: string[];
  unrun: number;
  isTrusted: boolean;
  dialogs: string[];
}

/** The part of JupyterLab's application that is used here. */
interface App {
  shell: {
    currentWidget: {
      content: {
        model: { sharedModel: { cells: SharedCell[] }; cells: { length: number } };
        widgets: { model: { type: string; trusted: boolean } }[];
      };
      sessionContext: { session: { kernel: { status: string } } };
      context: { path: string };
    } | null;
  };
  commands: { execute(name: string, options?: object): Promise<unknown> };
}

interface SharedCell {
  cell_type: string;
  execution_count: number | null;
  outputs: { output_type: string; name?: string; text?: string; evalue?: string; data?: object }[];
}

declare const window: { jupyterapp: App };

const ready = chromiumPath !== null && hasJupyter;
if (!ready)
  console.log(
    `SKIPPED the notebooks in JupyterLab: ${chromiumPath === null ? "no browser (apt-get install chromium, or CHROMIUM=its path)" : "no JupyterLab (npm run setup)"}`,
  );

/** Opens a notebook as a click on the file does, which costs far less than a page of its own. */
async function open(page: Page, name: string): Promise<void> {
  await execute(page, "docmanager:open", { path: `${name}.ipynb` });
  await isOpen(page, name);
}

const isOpen = (page: Page, name: string) =>
  page.waitForFunction(
    (path) => {
      const panel = window.jupyterapp?.shell?.currentWidget;
      return panel?.context?.path === path && (panel.content?.model?.cells?.length ?? 0) > 5;
    },
    `${name}.ipynb`,
    { timeout: 120_000 },
  );

const execute = (page: Page, command: string, options = {}) =>
  page.evaluate(
    async ([command, options]) => {
      await window.jupyterapp.commands.execute(command, options);
    },
    [command, options] as const,
  );

async function look(page: Page): Promise<Seen> {
  return page.evaluate(async () => {
    const panel = document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden)")!;
    const { model, widgets } = window.jupyterapp.shell.currentWidget!.content;
    const { cells } = model.sharedModel;
    const code = cells.filter(({ cell_type }) => cell_type === "code");
    const outputs = code.flatMap((cell) => cell.outputs);
    const isChart = (data: object = {}) => Object.keys(data).some((type) => type.includes("vegalite"));
    const colours = (canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set<number>();
      for (let i = 0; i < data.length; i += 4)
        seen.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
      return seen.size;
    };
    const players = await Promise.all(
      Array.from(panel.querySelectorAll("audio")).map(async (audio) => {
        audio.muted = true;
        try {
          await audio.play();
          for (let i = 0; i < 100 && !(audio.currentTime > 0); i++)
            await new Promise((done) => setTimeout(done, 50));
          audio.pause();
          return { seconds: audio.duration, error: audio.currentTime > 0 ? null : "does not move on" };
        } catch (error) {
          return { seconds: 0, error: String(error) };
        }
      }),
    );
    return {
      charts: outputs.filter(({ data }) => isChart(data)).length,
      colours: Array.from(panel.querySelectorAll<HTMLCanvasElement>(".vega-embed canvas"), colours),
      players,
      // The listening desk shows how much is decided, which is nothing here.
      bars: Array.from(panel.querySelectorAll("progress"))
        .filter((bar) => bar.closest(".desk-progress") === null)
        .map(({ value, max }) => [value, max] as [number, number]),
      errors: outputs.flatMap(({ output_type, evalue }) => (output_type === "error" ? [evalue ?? ""] : [])),
      stderr: outputs.flatMap(({ name, text }) => (name === "stderr" ? [text ?? ""] : [])),
      isTrusted: widgets.some((cell) => cell.model.type === "code" && cell.model.trusted),
      unrun: code.filter(({ execution_count }) => execution_count === null).length,
      dialogs: Array.from(document.querySelectorAll(".jp-Dialog"), (dialog) => dialog.textContent ?? ""),
    };
  });
}

/** Waits until every chart of the page is drawn. */
async function drawn(page: Page, charts: number): Promise<void> {
  await page.waitForFunction(
    (count) =>
      document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .vega-embed canvas").length >= count,
    charts,
    { timeout: 60_000 },
  );
}

/** Moves over a chart until it says something: over its marks, then everywhere. */
async function tooltip(page: Page, chart: number): Promise<string> {
  const canvas = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .vega-embed canvas").nth(chart);
  await canvas.scrollIntoViewIfNeeded();
  const box = (await canvas.boundingBox())!;
  for (const [right, down] of [...(await canvas.evaluate(colouredSpots)), ...everywhere()]) {
    await page.mouse.move(box.x + box.width * right, box.y + box.height * down);
    const text = await page.evaluate(
      () => document.querySelector("#vg-tooltip-element.visible")?.textContent ?? "",
    );
    if (text !== "") return text;
  }
  return "";
}

/** Some of the places, as parts of width and height, where a chart has a colour: axes and text have none. */
function colouredSpots(canvas: HTMLCanvasElement | SVGElement): [right: number, down: number][] {
  const { width, height } = canvas as HTMLCanvasElement;
  const { data } = (canvas as HTMLCanvasElement).getContext("2d")!.getImageData(0, 0, width, height);
  const isColoured = (x: number, y: number) => {
    const [red, green, blue] = data.subarray(4 * (y * width + x));
    return Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!) > 40;
  };
  const found: [number, number][] = [];
  for (let y = 0; y < height; y += 3)
    for (let x = 0; x < width; x += 3) if (isColoured(x, y)) found.push([x / width, y / height]);
  return found.filter((_, i) => i % Math.ceil(found.length / 20) === 0);
}

/** The second look is for charts of few and small points. */
function* everywhere(): Generator<[right: number, down: number]> {
  for (const [downStep, rightStep] of [
    [0.07, 0.05],
    [0.03, 0.015],
  ] as const)
    for (let down = 0.1; down < 0.95; down += downStep)
      for (let right = 0.1; right < 0.95; right += rightStep) yield [right, down];
}

/** Drags the line of the threshold's chart, and moves its slider: the picture follows both, and they each other. */
async function dragThreshold(page: Page): Promise<void> {
  const panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  const slider = panel.locator(".vega-bind input[type=range]");
  const explorer = panel.locator(".vega-embed", { has: page.locator(".vega-bind input[type=range]") });
  await explorer.locator("canvas").evaluate((canvas) => canvas.scrollIntoView({ block: "start" }));
  const picture = () =>
    explorer.locator("canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = { picture: await picture(), value: Number(await slider.inputValue()) };
  const box = (await explorer.locator("canvas").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.6, box.y + 150);
  await page.mouse.down();
  for (let right = 0.6; right > 0.4; right -= 0.02)
    await page.mouse.move(box.x + box.width * right, box.y + 150);
  await page.mouse.up();
  const dragged = { picture: await picture(), value: Number(await slider.inputValue()) };
  assert.is.not(dragged.picture, before.picture, "dragging changes nothing");
  assert.ok(dragged.value < before.value, `dragged to the left, from ${before.value} to ${dragged.value}`);
  await slider.fill("0.9");
  assert.is.not(await picture(), dragged.picture, "the slider changes nothing");
}

/** A third of the bundled speech: enough for every chart and player. The same person is the first of podcast and studio. */
function someSpeech(to: string): string {
  const from = join(root, "data", "speech");
  for (const [dataset, speakers, files] of [
    ["podcast", 2, 2],
    ["studio", 2, 2],
    ["test-other", 5, 6],
  ] as const)
    for (const speaker of readdirSync(join(from, dataset)).sort().slice(0, speakers))
      for (const file of readdirSync(join(from, dataset, speaker))
        .sort()
        .slice(0, files))
        cpSync(join(from, dataset, speaker, file), join(to, dataset, speaker, file));
  return to;
}

/** Pictures of the page from top to bottom, for who wants to look at them. */
async function photograph(page: Page, name: string): Promise<void> {
  if (process.env.SPEAKERSCOPE_TEST_PICTURES === undefined) return;
  await page.setViewportSize({ width: 1300, height: 1800 });
  const panel = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer";
  const height = await page.evaluate((selector) => document.querySelector(selector)!.scrollHeight, panel);
  for (let k = 0; k * 1650 < height; k++) {
    await page.evaluate(([selector, y]) => document.querySelector(selector)!.scrollTo(0, y), [
      panel,
      k * 1650,
    ] as const);
    await page.waitForTimeout(150);
    await page.screenshot({ path: join(pictureFolder(), `${name}-${k + 1}.png`) });
  }
  await page.setViewportSize({ width: 1300, height: 1000 });
}

if (ready)
  test("JupyterLab runs the notebooks: charts drawn, tooltips, players, bars, saved and opened again; and widgets", async () => {
    const folder = temporaryFolder("speakerscope-lab");
    cpSync(join(root, "notebooks"), join(folder, "notebooks"), { recursive: true });
    const env = {
      ...jupyterEnvironment(folder),
      SPEAKERSCOPE_DATA_ROOT: someSpeech(join(folder, "some")),
      SPEAKERSCOPE_RESULTS_DIR: join(folder, "results"),
    };
    const lab = await startLab(join(folder, "notebooks"), env);
    const browser = await startBrowser();
    try {
      const page = await (await browser.newContext({ viewport: { width: 1300, height: 1000 } })).newPage();
      // The test runner's compiler names functions by a helper that a page does not have.
      await page.addInitScript("globalThis.__name = (value) => value");
      const foreign = foreignRequests(page);
      // What the fourth shows, the others show too.
      for (const name of notebooks.filter((name) => name !== "04-models")) {
        if (name === notebooks[0]) {
          await page.goto(lab.url(name));
          await isOpen(page, name);
        } else await open(page, name);

        // As it came from somebody else: charts are drawn and voices play although nobody trusts it yet.
        const unread = await look(page);
        await drawn(page, unread.charts);
        assert.ok(unread.charts > 0, `${name}: comes without charts`);
        assert.is(unread.isTrusted, false, name);
        assert.ok(unread.players.length > 0 && unread.players.every(({ error }) => error === null), name);

        await page.waitForFunction(
          () => window.jupyterapp.shell.currentWidget!.sessionContext.session?.kernel?.status === "idle",
          null,
          { timeout: 120_000 },
        );
        await execute(page, "notebook:run-all-cells");
        const { charts } = await look(page);
        await drawn(page, charts);
        const seen = await look(page);
        assert.equal(seen.errors, [], name);
        assert.equal(seen.stderr, [], name);
        assert.equal(seen.dialogs, [], name);
        assert.is(seen.unrun, 0, name);
        assert.is(seen.colours.length, seen.charts, name);
        assert.ok(
          seen.colours.every((count) => count > 10),
          `${name}: a blank chart, colours ${seen.colours}`,
        );
        assert.ok(seen.players.length >= 1, name);
        for (const { seconds, error } of seen.players) {
          assert.is(error, null, name);
          assert.ok(seconds > 1, name);
        }
        for (const [value, max] of seen.bars) assert.is(value, max, name);
        if (name === "01-extraction") assert.is(seen.bars.length, 2, "a bar for each rank");
        for (let chart = 0; chart < seen.charts; chart++)
          assert.is.not(await tooltip(page, chart), "", `${name}: no tooltip on chart ${chart + 1}`);
        if (name === "02-analysis") assert.match(await tooltip(page, 0), /speaker/);
        if (name === "02-analysis") await dragThreshold(page);
        await page.mouse.move(0, 0);
        await photograph(page, name);

        await execute(page, "docmanager:save");
        const saved = JSON.parse(readFileSync(join(folder, "notebooks", `${name}.ipynb`), "utf8"));
        assert.is(
          saved.cells.filter(({ outputs = [] }: SharedCell) =>
            outputs.some(({ data = {} }) => "image/png" in data),
          ).length > 0,
          true,
          name,
        );
        await execute(page, "application:close");
        await open(page, name);
        await drawn(page, seen.charts);
        const again = await look(page);
        assert.is(again.charts, seen.charts, name);
        assert.is(again.players.length, seen.players.length, name);
        assert.ok(
          again.players.every(({ error }) => error === null),
          `${name}: opened again it does not play`,
        );
        await execute(page, "application:close");
      }
      await checkWidgets(page, lab, join(folder, "notebooks"));
      assert.equal(foreign, []);
    } finally {
      await browser.close();
      await lab.stop();
    }
  });
else test("JupyterLab runs the notebooks (skipped)", () => {});

test.run();
