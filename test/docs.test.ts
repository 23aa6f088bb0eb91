// The pages as a reader follows them: their links lead somewhere, and the page of the API is what the docstrings say.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import * as speakerscope from "speakerscope";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = join(__dirname, "..");
const tracked = spawnSync("git", ["ls-files", "-z", "*.md"], { cwd: root, encoding: "utf8" });
const pages = (
  tracked.status === 0
    ? tracked.stdout.split("\0")
    : ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)]
).filter((name) => name.endsWith(".md") && existsSync(join(root, name)));

/** What a page says, without its code. */
const proseOf = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "code");

/** The anchors of a page, as GitHub makes them of its headings. */
const anchorsOf = (page: string) =>
  [
    ...readFileSync(page, "utf8")
      .replace(/^```[\s\S]*?^```$/gm, "")
      .matchAll(/^#+ +(.*)$/gm),
  ].map(([, heading]) =>
    heading!
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );

test("every link between the pages leads to a file, and to a heading where it names one", () => {
  assert.ok(pages.length > 10, String(pages));
  const broken: string[] = [];
  for (const page of pages) {
    const text = proseOf(readFileSync(join(root, page), "utf8"));
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path, anchor] = target!.split("#");
      const file = path === "" ? join(root, page) : join(root, dirname(page), path!);
      if (!existsSync(file) || relative(root, file).startsWith("..")) broken.push(`${page}: ${target}`);
      else if (anchor && statSync(file).isFile() && !anchorsOf(file).includes(anchor))
        broken.push(`${page}: ${target}`);
    }
  }
  assert.equal(broken, []);
});

test("every page of docs is linked from the README", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const missing = pages.filter((page) => /^docs\/[^/]+$/.test(page) && !readme.includes(`(${page}`));
  assert.equal(missing, []);
});

test("the page of the API is what the docstrings say, and says something of every export", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts", "api-page.mjs"), "--check"], {
    encoding: "utf8",
  });
  assert.is(status, 0, stderr);
  const page = readFileSync(join(root, "docs", "api.md"), "utf8");
  for (const name of Object.keys(speakerscope))
    assert.match(page, new RegExp(`^\\| \\[\`${name}\\b.*\\| \\S.* \\|$`, "m"), name);
  assert.not.match(page, /\) \| +\|$/m);
});

test.run();
