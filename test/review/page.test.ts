import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import { scan } from "../../src/corpus/scan.js";
import { readDecisions } from "../../src/decisions/read-decisions.js";
import type { ReviewUtterance } from "../../src/review/item.js";
import { reviewItems } from "../../src/review/items.js";
import { deskModule } from "../../src/review/page-code.js";
import { recordingsOf } from "../../src/review/recordings.js";
import { writePage } from "../../src/review/write-page.js";
import { decide } from "../decisions/decide.js";
import { chromiumPath, foreignRequests, startBrowser } from "../notebooks/jupyter.js";
import { contentsOf, put, temporaryFolder, tinyCorpus } from "../tiny.js";

const folder = temporaryFolder();
const image = "<img src=x onerror=window.hacked=1>";
const script = "</script><script>window.hacked=1</script>";
const root = tinyCorpus(join(folder, "speech"), {
  "x/a/1.wav": 1,
  "x/a/2.wav": 1,
  "x/a/3.wav": 1,
  "x/b/1.wav": 9,
  "x/b/2.wav": 9,
  "x/b/3.wav": 9,
});

/** Recordings whose names are an attack. */
const utterances: ReviewUtterance[] = ["a", "b"].flatMap((id, s) =>
  ["1", "2", "3"].map((name, u) => ({
    key: u === 2 && s === 1 ? "__proto__" : `${name} ${image} ${script} ${id} \u202egnp`,
    dataset: "x",
    speakerId: `${id}${image}`,
    path: join(root, "x", id, `${name}.wav`),
    embedding: Float32Array.from({ length: 6 }, (_, k) => Math.sin(3 * s + k) + 0.2 * Math.sin(7 * u + k)),
  })),
);
const recordings = recordingsOf(utterances);
const [first, second] = [utterances[0]!.key, utterances[4]!.key];
const [a, b] = ["a", "b"].map((id) => `x_${id}${image}`) as [string, string];
const finding = (
  kind: Finding["kind"],
  keys: string[],
  remedy: Finding["remedy"],
  probability: number,
): Finding => ({
  kind,
  keys,
  score: 2,
  probability,
  evidence:
    kind === "wrongLabel"
      ? { speaker: a, nearestSpeaker: b, note: script, listen: [second, "__proto__"], changeSeconds: 0.5 }
      : { utterances1: 3, utterances2: 3 },
  remedy,
});
const findings = [
  finding("splitSpeaker", [a, b], { action: "mergeNames", names: [a, b] }, 0.9),
  finding("wrongLabel", [first], { action: "relabel", to: b }, 0.8),
  finding("wrongLabel", [second], { action: "drop" }, 0.3),
];

const write = (
  name: string,
  items: Parameters<typeof writePage>[1],
  options: Partial<Parameters<typeof writePage>[3]> = {},
) => writePage(join(folder, name), items, recordings, { title: `Findings ${image}`, ...options });

test("the page is one folder of small files, with the sound of the first items up to a limit", async () => {
  const items = reviewItems(findings, recordings);
  const { clips, wanted } = await write("page", items);
  assert.equal([clips, wanted], [4, 4]);
  assert.equal(readdirSync(join(folder, "page")).sort(), [
    "audio",
    "data.js",
    "desk.css",
    "desk.js",
    "index.html",
  ]);
  assert.equal(readdirSync(join(folder, "page", "audio")).filter((name) => name.endsWith(".png")).length, 4);
  const html = readFileSync(join(folder, "page", "index.html"), "utf8");
  assert.match(html, "default-src 'none'");
  assert.match(html, "<title>Findings &lt;img");
  for (const name of ["data.js", "desk.js"]) {
    const text = readFileSync(join(folder, "page", name), "utf8");
    assert.not.match(text, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    assert.not.match(text, /innerHTML|insertAdjacentHTML|document\.write|^import |^export /m);
  }
  assert.not.match(readFileSync(join(folder, "page", "data.js"), "utf8"), "<");
  // Within a corpus it is no part of it.
  await writePage(join(root, "audit", "page", "deep"), items, recordings, { title: "" });
  assert.is((await scan(root)).utterances.length, 6);
  // The order of the rows does not show.
  const turned = recordingsOf(utterances.toReversed());
  await writePage(join(folder, "turned"), reviewItems(findings, turned), turned, {
    title: `Findings ${image}`,
  });
  assert.equal(contentsOf(join(folder, "turned")), contentsOf(join(folder, "page")));
  assert.equal((await write("few", items, { maxClips: 1 })).clips, 1);
  // A second time, what is no more needed goes.
  assert.equal((await write("page", items, { maxClips: 1 })).clips, 1);
  assert.is(readdirSync(join(folder, "page", "audio")).length, 2);
  assert.match(deskModule(), /^export default \{ render \};$/m);
  assert.not.match(deskModule(), /^import /m);
});

test("a page that was stopped on the way is as it was, for new sounds may be those of other names", async () => {
  const items = reviewItems(findings, recordings);
  await write("stopped", items);
  const before = contentsOf(join(folder, "stopped"));
  const error = await write("stopped", items, { abortSignal: AbortSignal.abort() }).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  assert.is(error?.message, "Writing the page was stopped on request.");
  assert.equal(contentsOf(join(folder, "stopped")), before);
});

if (chromiumPath === null)
  console.log("SKIPPED the page in a browser: no browser (apt-get install chromium, or CHROMIUM=its path)");
else {
  let started: ReturnType<typeof startBrowser> | undefined;
  test.after(async () => (await started)?.close());
  const inBrowser = async (look: (page: Page, foreign: string[]) => Promise<void>) => {
    started ??= startBrowser();
    const context = await (await started).newContext({ viewport: { width: 1200, height: 800 } });
    try {
      const page = await context.newPage();
      await page.addInitScript("globalThis.__name = (value) => value");
      const foreign = foreignRequests(page);
      const errors: string[] = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await look(page, foreign);
      assert.equal(errors, []);
      assert.equal(foreign, []);
    } finally {
      await context.close();
    }
  };
  const open = (page: Page, name: string) => page.goto(pathToFileURL(join(folder, name, "index.html")).href);
  /** Waits until a voice is heard: the line moves over its spectrogram. */
  const playing = (page: Page, voice: number) =>
    page.waitForFunction((v) => {
      const card = document.querySelectorAll(".desk-voice")[v];
      const line = card?.querySelector<HTMLElement>(".desk-head");
      return card?.classList.contains("is-playing") && Number.parseFloat(line?.style.left ?? "") > 0;
    }, voice);
  /** Texts whose contrast to what lies behind them is below 4.5, as WCAG 2.2 has it; runs in the page. */
  const faintTexts = () => {
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour: string) => {
      const [r = 0, g = 0, b = 0] = channels(colour).map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): string => {
      if (element === null) return "rgb(255, 255, 255)";
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
    };
    const texts = Array.from(document.querySelectorAll<HTMLElement>(".desk *")).filter(
      (one) =>
        !one.closest("button:disabled, option") &&
        Array.from(one.childNodes).some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim()),
    );
    return texts.flatMap((one) => {
      const [light = 0, dark = 0] = [getComputedStyle(one).color, behind(one)]
        .map(luminance)
        .sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      return contrast < 4.5 ? [`${one.className} ${one.textContent} ${contrast.toFixed(2)}`] : [];
    });
  };
  const title = (page: Page) => page.locator(".desk-pane h2").textContent();

  test("from the disk it plays, shows spectrograms and the map, reaches no network, and names stay text", async () => {
    await write("page", reviewItems(findings, recordings));
    await inBrowser(async (page) => {
      await open(page, "page");
      assert.match((await title(page))!, `Are ${a} and ${b} one person?`);
      await page.waitForFunction(
        () =>
          Array.from(document.querySelectorAll<HTMLImageElement>(".desk-picture img")).filter(
            ({ naturalWidth }) => naturalWidth > 20,
          ).length === 2,
      );
      assert.is((await page.locator(".desk-map circle, .desk-map svg[role=img] rect").count()) >= 6, true);
      await page.keyboard.press(" ");
      await playing(page, 0);
      // The second voice follows by itself.
      await playing(page, 1);
      for (const item of [1, 2]) {
        await page.keyboard.press("ArrowDown");
        await page.waitForFunction(
          (n) => document.querySelector(".desk-kind span")?.textContent === ` ${n} of 3`,
          item + 1,
        );
      }
      assert.match((await page.locator(".desk-evidence table").textContent())!, script);
      // Where in its 1.5 s the voice is said to change.
      assert.match((await page.locator(".desk-change").getAttribute("style"))!, /^left: 33.3/);
      assert.is(await page.evaluate("window.hacked"), undefined);
      assert.is(await page.locator("img[src=x], .desk script").count(), 0);
      // The policy refuses what a name could ask for, were it ever taken for markup.
      const reached = await page.evaluate(async () => {
        const asked = await fetch("http://127.0.0.1:9/").then(
          () => "reached",
          (error: Error) => error.message,
        );
        const picture = await new Promise((done) => {
          const image = new Image();
          image.onerror = () => done("refused");
          image.onload = () => done("reached");
          image.src = "http://127.0.0.1:9/x.png";
        });
        return [asked, picture];
      });
      assert.equal(reached, ["Failed to fetch", "refused"]);
    });
  });

  test("keys decide, move and undo; decisions are saved by download and loaded again, and others' are seen", async () => {
    await write("page", reviewItems(findings, recordings), {
      decisions: [decide("splitSpeaker", [b, a], "keep", { by: "ben" })],
    });
    await inBrowser(async (page) => {
      await open(page, "page");
      const count = () => page.locator(".desk-count").textContent();
      await page.keyboard.press("1");
      assert.match((await page.locator(".desk-message").textContent())!, "Who are you?");
      await page.keyboard.type("anna");
      await page.keyboard.press("Enter");
      assert.is(await count(), "1 of 3 decided");
      assert.is(await page.locator(".desk-message").isVisible(), false);
      assert.match((await title(page))!, `Is ${first.replaceAll("\u202e", "\ufffd")} spoken by ${a}?`);
      await page.keyboard.press("2");
      await page.keyboard.press("3");
      assert.is(await count(), "3 of 3 decided");
      await page.keyboard.press("u");
      assert.is(await count(), "2 of 3 decided");
      // To another speaker, by name.
      await page.locator(".desk-choice", { hasText: "It is somebody else" }).click();
      // Asked for twice, there still is one field.
      await page.locator(".desk-choice", { hasText: "It is somebody else" }).click();
      assert.is(await page.locator(".desk-speaker input").count(), 1);
      await page.keyboard.type("somebody");
      await page.keyboard.press("Enter");
      assert.is(await count(), "2 of 3 decided");
      assert.match((await page.locator(".desk-speaker").textContent())!, "There is no speaker somebody.");
      await page.keyboard.press("Enter");
      assert.is(await count(), "3 of 3 decided");
      assert.is(await page.locator(".desk-sign.is-disputed").count(), 1);
      assert.is(await page.locator(".desk-sign.is-disputed").getAttribute("aria-label"), "people disagree");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByText("Save decisions").click(),
      ]);
      assert.is(download.suggestedFilename(), "decisions-anna.jsonl");
      const path = join(folder, "anna.jsonl");
      await download.saveAs(path);
      const { decisions } = readDecisions(path);
      assert.equal(
        decisions.map(({ by, kind, action, to, probability }) => [by, kind, action, to, probability]),
        [
          ["ben", "splitSpeaker", "keep", undefined, undefined],
          ["anna", "splitSpeaker", "mergeNames", a, 0.9],
          ["anna", "wrongLabel", "keep", undefined, 0.8],
          ["anna", "wrongLabel", "relabel", "somebody", 0.3],
        ],
      );
      // Another day.
      await open(page, "page");
      await page.locator(".desk-tools input[placeholder]").fill("anna");
      await page.keyboard.press("Tab");
      await page.setInputFiles(".desk-tools input[type=file]", path);
      await page.waitForFunction(
        () => document.querySelector(".desk-count")?.textContent === "3 of 3 decided",
      );
      await page.setInputFiles(".desk-tools input[type=file]", put(join(folder, "bad.jsonl"), "nonsense\n"));
      await page.waitForFunction(() =>
        document.querySelector(".desk-message")?.textContent?.includes("0 decisions loaded; 1 line is none"),
      );
    });
  });

  test("the name is taken by Enter and by leaving the field, and then what was chosen is decided", async () => {
    await write("page", reviewItems(findings, recordings));
    await inBrowser(async (page) => {
      const name = page.locator(".desk-tools input[placeholder]");
      const count = () => page.locator(".desk-count").textContent();
      const message = () => page.locator(".desk-message").textContent();
      const start = async (key: string) => {
        await page.goto("about:blank");
        await open(page, "page");
        await page.keyboard.press(key);
        assert.match((await message())!, "Who are you?");
      };
      const isFocused = () => name.evaluate((field) => field === document.activeElement);
      await start("1");
      // Without a name there is nothing to take.
      await page.keyboard.press("Enter");
      assert.equal([await isFocused(), await count()], [true, "0 of 3 decided"]);
      await page.keyboard.type("anna");
      await page.keyboard.press("Enter");
      await page.keyboard.press("2");
      assert.equal(
        [await isFocused(), await name.inputValue(), await count()],
        [false, "anna", "2 of 3 decided"],
      );
      await start("1");
      await page.keyboard.type("anna");
      await page.keyboard.press("Tab");
      assert.is(await count(), "1 of 3 decided");
      // After a click, too, keys decide.
      await page.locator("select[aria-label=Status]").focus();
      await page.locator(".desk-choice", { hasText: "Unsure" }).click();
      await page.keyboard.press("2");
      assert.is(await count(), "3 of 3 decided");
      // Escape takes the choice back.
      await start("1");
      await page.keyboard.type("anna");
      await page.keyboard.press("Escape");
      assert.is(await count(), "0 of 3 decided");
      // Another choice takes its place.
      await start("1");
      await page.keyboard.type("anna");
      await page.locator(".desk-choice", { hasText: "Two people" }).click();
      assert.is(await count(), "1 of 3 decided");
      await page.keyboard.press("ArrowUp");
      assert.match((await page.locator(".desk-decided").textContent())!, "You: Two people");
      // A choice that names a speaker waits as well.
      await start("1");
      await page.keyboard.press("Escape");
      await page.keyboard.press("ArrowDown");
      await page.locator(".desk-choice", { hasText: "It is somebody else" }).click();
      await page.keyboard.type("somebody");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
      await page.keyboard.type("anna");
      await page.keyboard.press("Enter");
      assert.is(await count(), "1 of 3 decided");
      // Where there is nothing to save, no file is written.
      await start("1");
      await page.keyboard.type("anna");
      await page.keyboard.press("Escape");
      let downloads = 0;
      page.on("download", () => downloads++);
      await page.getByText("Save decisions").click();
      assert.equal([await message(), downloads], ["Nothing is decided yet, so no file was saved.", 0]);
    });
  });

  test("the page has the words of the files, and says which keys there are and what the map shows", async () => {
    await write("words", reviewItems(findings, recordings), { by: "anna" });
    await inBrowser(async (page) => {
      await open(page, "words");
      const keys = () => page.locator("footer kbd").allTextContents();
      assert.is(await page.locator(".desk-kind code").textContent(), "split_speaker");
      assert.is(
        await page.locator(".desk-row .desk-names > span").first().getAttribute("title"),
        "split_speaker",
      );
      assert.equal(await keys(), ["space", "a b", "1 2 3", "↑ ↓", "u", "/"]);
      await page.keyboard.press("ArrowDown");
      assert.equal(await keys(), ["space", "a b c", "1 2 3 4 5", "↑ ↓", "u", "/"]);
      assert.match(
        (await page.locator(".desk-map figcaption").textContent())!,
        /Every point is a recording: .* The ring is this recording\.$/,
      );
      // Groups differ by shape too, which the drawing's name tells; what can be heard has its letter.
      const drawing = page.locator(".desk-map > svg");
      assert.match(
        (await drawing.getAttribute("aria-label"))!,
        /^Map of 6 recordings: 3 of .* \(circles\), 3 of .* \(squares\)$/,
      );
      assert.equal(
        [await drawing.locator("circle:not(.desk-ring)").count(), await drawing.locator("rect").count()],
        [3, 3],
      );
      assert.equal(await drawing.locator("text").allTextContents(), ["b", "c", "a"]);
    });
  });

  test("who hears the page is told what is shown, and buttons that are reached by tab are pressed by space", async () => {
    await write("spoken", reviewItems(findings, recordings), { by: "anna" });
    await inBrowser(async (page) => {
      await open(page, "spoken");
      const spoken = () => page.locator(".desk-spoken").textContent();
      const current = () =>
        page.evaluate(() => {
          const id = document.querySelector("[role=listbox]")?.getAttribute("aria-activedescendant");
          const row = document.getElementById(id ?? "");
          return [row?.getAttribute("aria-selected"), row?.getAttribute("aria-posinset"), row?.ariaSetSize];
        });
      assert.match((await spoken())!, /^1 of 3, one person, two names: Are /);
      assert.equal(await current(), ["true", "1", "3"]);
      await page.keyboard.press("ArrowDown");
      assert.match((await spoken())!, /^2 of 3, wrong label: Is /);
      assert.equal(await current(), ["true", "2", "3"]);
      // Whatever has no text of its own has a name.
      const nameless = await page
        .locator(".desk button, .desk input:not([hidden]), .desk select, .desk progress, .desk [role=img]")
        .evaluateAll((all) =>
          all
            .filter((one) => !(one.getAttribute("aria-label") ?? one.textContent ?? "").trim())
            .map(({ outerHTML }) => outerHTML),
        );
      assert.equal(nameless, []);
      await page.locator(".desk-choice").nth(1).focus();
      await page.keyboard.press(" ");
      assert.is(await page.locator(".desk-count").textContent(), "1 of 3 decided");
      await page.locator(".desk-tools button", { hasText: "Undo" }).focus();
      await page.keyboard.press(" ");
      assert.is(await page.locator(".desk-count").textContent(), "0 of 3 decided");
      // The button is off now; keys go on all the same.
      await page.keyboard.press("2");
      assert.is(await page.locator(".desk-count").textContent(), "1 of 3 decided");
    });
  });

  test("text can be read in light and dark, on a narrow screen nothing is cut off, and a question is printed whole", async () => {
    await write("looks", reviewItems(findings, recordings), { by: "anna" });
    await inBrowser(async (page) => {
      await open(page, "looks");
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const faint = await page.evaluate(faintTexts);
        assert.equal(faint, [], colorScheme);
      }
      await page.setViewportSize({ width: 400, height: 800 });
      const beyond = () =>
        page.locator(".desk-tools button, .desk-choice, .desk-voice, .desk-filters > *").evaluateAll((all) =>
          all
            .filter((one) => one.clientWidth > 0)
            .filter((one) => {
              const { left, right } = one.getBoundingClientRect();
              return left < 0 || right > innerWidth;
            })
            .map(({ className }) => className),
        );
      assert.equal(await beyond(), []);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 400);
      await page.setViewportSize({ width: 1000, height: 300 });
      await page.emulateMedia({ media: "print" });
      const cut = await page
        .locator(".desk, .desk-body, .desk-pane")
        .evaluateAll((all) => all.map((one) => one.scrollHeight - one.clientHeight));
      assert.equal(cut, [0, 0, 0]);
      assert.is(await page.locator(".desk aside, .desk-tools, .desk footer").first().isVisible(), false);
    });
  });

  test("long names are cut in the middle, and a name of two lines moves no spectrogram against its neighbour", async () => {
    const long = (id: string) => `corpus_${"a-long-name-of-a-recording-".repeat(4)}${id}`;
    const [one, two] = ["take-1", `<b>take-2</b>`].map(long) as [string, string];
    const copies = recordingsOf(
      [one, two].map((key, k) => ({
        ...utterances[0]!,
        key,
        speakerId: k === 0 ? "a" : "somebody whose name needs more than one line ".repeat(3),
      })),
    );
    const copy = finding("nearCopies", [one, two], { action: "keepOne", to: one }, 0.9);
    await writePage(join(folder, "long"), reviewItems([copy], copies), copies, { title: "t" });
    await inBrowser(async (page) => {
      await open(page, "long");
      const names = page.locator(".desk-row .desk-name, .desk-voice .desk-name");
      assert.equal(
        await names.evaluateAll((all) => all.map((name) => [name.getAttribute("title"), name.textContent])),
        [one, two, one, two].map((name) => [name, name]),
      );
      // [the beginning is cut, the end is whole and within its row]
      const seen = await names.evaluateAll((all) =>
        all.map((name) => {
          const [start, end] = Array.from(name.children) as [HTMLElement, HTMLElement];
          const row = name.closest(".desk-names, .desk-who")!.getBoundingClientRect();
          return [
            start.scrollWidth > start.clientWidth,
            end.scrollWidth <= end.clientWidth && end.getBoundingClientRect().right <= row.right + 1,
          ];
        }),
      );
      assert.equal(seen, Array(4).fill([true, true]));
      const tops = await page
        .locator(".desk-picture")
        .evaluateAll((all) => all.map((picture) => picture.getBoundingClientRect().top));
      assert.is(new Set(tops).size, 1, String(tops));
      const heads = await page
        .locator(".desk-voice header")
        .evaluateAll((all) =>
          all.map((head) => head.querySelector("strong")!.getBoundingClientRect().height),
        );
      assert.ok(heads[1]! > 1.5 * heads[0]!, String(heads));
    });
  });

  test("of ten thousand findings only those in sight are in the page, and filters narrow them", async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({
      ...findings[1 + (i % 2)]!,
      keys: [`recording-${i}`],
      kind: i % 4 === 0 ? ("leakage" as const) : ("wrongLabel" as const),
      probability: (i % 100) / 100,
    }));
    await write("many", reviewItems(many, recordings), { by: "anna", maxClips: 1 });
    await inBrowser(async (page) => {
      await open(page, "many");
      const rows = () => page.locator(".desk-row").count();
      assert.ok((await rows()) < 60);
      await page.locator(".desk-list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
      await page.waitForFunction(() =>
        document.querySelector(".desk-rows")?.textContent?.includes("recording-9999"),
      );
      assert.ok((await rows()) < 60);
      // In a larger window there are rows down to the end.
      await page.setViewportSize({ width: 1200, height: 1800 });
      await page.waitForFunction(() => {
        const end = document.querySelector(".desk-list")!.getBoundingClientRect().bottom;
        const rows = document.querySelectorAll(".desk-row");
        return rows[rows.length - 1]!.getBoundingClientRect().bottom >= end - 1;
      });
      // Who has scrolled away stays there.
      assert.ok((await page.locator(".desk-list").evaluate(({ scrollTop }) => scrollTop)) > 400_000);
      await page.setViewportSize({ width: 1200, height: 800 });
      const hits = () => page.locator(".desk-hits").textContent();
      await page.locator("select[aria-label=Kind]").selectOption("leakage");
      assert.is(await hits(), "2500 of 10000 shown");
      await page.locator("input[type=range]").fill("50");
      assert.is(await hits(), "1200 of 10000 shown");
      await page.locator("input[type=search]").fill("RECORDING-99");
      assert.is(
        await hits(),
        `${many.filter(({ keys, kind, probability }) => kind === "leakage" && probability >= 0.5 && keys[0]!.includes("recording-99")).length} of 10000 shown`,
      );
      await page.locator(".desk-row").first().click();
      assert.match(
        (await page.locator(".desk-voice .desk-note").last().textContent())!,
        "is not in this page",
      );
      await page.locator("input[type=search]").fill("nobody");
      assert.match((await page.locator(".desk-hits").textContent())!, "0 of 10000 shown");
    });
  });
}

test("a recording that is not there says why in its place", async () => {
  const gone = recordingsOf([{ key: "k", dataset: "x", speakerId: "s", path: join(folder, "gone.wav") }]);
  const { clips, wanted } = await writePage(join(folder, "gone"), reviewItems([{ key: "k" }], gone), gone, {
    title: "t",
  });
  assert.equal([clips, wanted], [0, 1]);
  assert.match(readFileSync(join(folder, "gone", "data.js"), "utf8"), "gone.wav is not there");
  assert.ok(existsSync(join(folder, "gone", "index.html")));
});

test.run();
