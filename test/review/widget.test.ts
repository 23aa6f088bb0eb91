import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readDecisions } from "../../src/decisions/read-decisions.js";
import { reviewItems } from "../../src/review/items.js";
import { deskModule, deskStyle } from "../../src/review/page-code.js";
import { recordingsOf } from "../../src/review/recordings.js";
import { type DeskQuestion, serveDesk } from "../../src/review/serve-desk.js";
import { chromiumPath, startBrowser } from "../notebooks/jupyter.js";
import { temporaryFolder, tinyCorpus } from "../tiny.js";

if (chromiumPath === null) {
  console.log("SKIPPED the desk as a widget: no browser (apt-get install chromium, or CHROMIUM=its path)");
  test("the desk as a widget (skipped)", () => {});
} else
  test("as anywidget shows it, the desk hears voices as bytes, waits until a decision is saved, and goes on where it stopped", async () => {
    const folder = temporaryFolder();
    const root = tinyCorpus(join(folder, "speech"), { "x/a/1.wav": 1, "x/b/1.wav": 9, "x/c/1.wav": 4 });
    const utterances = ["a", "b", "c"].map((speakerId) => ({
      key: `x_${speakerId}_1`,
      dataset: "x",
      speakerId,
      path: join(root, "x", speakerId, "1.wav"),
    }));
    const recordings = recordingsOf(utterances);
    const items = reviewItems([["x_a", "x_b"], ["x_a", "x_c"], { key: "x_b_1" }], recordings);
    const files = [join(folder, "decisions.jsonl")];
    const desk = { title: "Desk", items, recordings, files, by: "anna" };
    /** Decisions wait here until they may be written. */
    let gate = Promise.resolve();
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      await page.addInitScript("globalThis.__name = (value) => value");
      await page.exposeFunction("kernel", async (question: DeskQuestion) => {
        if (question.type === "decide") await gate;
        const { content, buffers = [] } = (await serveDesk(desk, question))!;
        return { content, buffers: buffers.map((bytes) => Buffer.from(bytes).toString("base64")) };
      });
      const show = async () => {
        await page.goto("about:blank");
        await page.addStyleTag({ content: deskStyle() });
        await page.evaluate(async (esm) => {
          const { default: view } = await import(
            URL.createObjectURL(new Blob([esm], { type: "text/javascript" }))
          );
          const listeners = new Set<(content: unknown, buffers: DataView[]) => void>();
          const model = {
            on: (_event: string, listener: () => void) => listeners.add(listener),
            off: (_event: string, listener: () => void) => listeners.delete(listener),
            async send(question: object) {
              const { content, buffers } = await (
                globalThis as unknown as {
                  kernel(q: object): Promise<{ content: unknown; buffers: string[] }>;
                }
              ).kernel(question);
              const views = buffers.map(
                (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer),
              );
              for (const listener of listeners) listener(content, views);
            },
          };
          (globalThis as unknown as { close: () => void }).close = view.render({ model, el: document.body });
        }, deskModule());
        await page.waitForSelector(".desk-pane h2");
        assert.is(
          await page.evaluate(() => document.activeElement === document.body),
          true,
          "takes the focus",
        );
        await page.locator(".desk").focus();
      };
      const count = () => page.locator(".desk-count").textContent();
      const title = () => page.locator(".desk-pane h2").textContent();
      await show();
      assert.is(await title(), "Are x_a and x_b one person?");
      assert.is(await page.getByText("Save decisions").isVisible(), false);
      await page.waitForFunction(
        () => (document.querySelector<HTMLImageElement>(".desk-picture img")?.naturalWidth ?? 0) > 20,
      );
      await page.keyboard.press("b");
      await page.waitForFunction(() => {
        const line = document.querySelectorAll<HTMLElement>(".desk-head")[1];
        return Number.parseFloat(line?.style.left ?? "") > 0;
      });

      let open = () => {};
      gate = new Promise((done) => {
        open = done;
      });
      await page.keyboard.press("2");
      await page.keyboard.press("1");
      assert.is(
        await title(),
        "Are x_a and x_b one person?",
        "the next is shown before the decision is saved",
      );
      open();
      await page.waitForFunction(
        () => document.querySelector(".desk-pane h2")?.textContent === "Are x_a and x_c one person?",
      );
      assert.is(await count(), "1 of 3 decided");
      assert.equal(
        readDecisions(files).decisions.map(({ action, by }) => [action, by]),
        [["different", "anna"]],
      );

      // Another day.
      await show();
      assert.is(await title(), "Are x_a and x_c one person?");
      await page.keyboard.press("3");
      await page.waitForFunction(
        () => document.querySelector(".desk-pane h2")?.textContent === "Is x_b_1 spoken by x_b?",
      );
      await page.keyboard.press("u");
      await page.waitForFunction(
        () => document.querySelector(".desk-count")?.textContent === "1 of 3 decided",
      );
      assert.equal(
        readDecisions(files).decisions.map(({ action }) => action),
        ["different", "unsure", "undo"],
      );

      // What cannot be saved is said, and asked again.
      desk.files = [join(root, "x", "a", "1.wav", "decisions.jsonl")];
      await page.keyboard.press("1");
      await page.waitForFunction(() =>
        document.querySelector(".desk-message")?.textContent?.startsWith("Not saved"),
      );
      assert.is(await title(), "Are x_a and x_c one person?");
      await page.evaluate(() => (globalThis as unknown as { close: () => void }).close());
    } finally {
      await browser.close();
    }
  });

test.run();
