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

test("every command that a page shows is there, with its flags", () => {
  const main = join(root, "dist", "src", "cli", "main.js");
  const helps = new Map<string, string>();
  const helpOf = (command: string) => {
    const { stdout } = spawnSync(process.execPath, [main, command, "--help"], { encoding: "utf8" });
    helps.set(command, stdout);
    return stdout;
  };
  const wrong: string[] = [];
  // In a block with or without a fence, or inline.
  for (const page of pages.filter((name) => !name.startsWith("CHANGELOG")))
    for (const [, command, rest] of readFileSync(join(root, page), "utf8").matchAll(
      /(?:^ {4}|^npx |`(?:npx )?)speakerscope ([a-z]+)\b([^`\n#]*)/gm,
    )) {
      const help = helps.get(command!) ?? helpOf(command!);
      if (!help.includes(`Usage: speakerscope ${command}`)) wrong.push(`${page}: ${command}`);
      for (const [, flag] of rest!.matchAll(/ --([a-z_-]+)/g))
        if (command !== "kernel" && !help.includes(`--${flag}`)) wrong.push(`${page}: ${command} --${flag}`);
    }
  assert.ok(helps.size >= 8, String([...helps.keys()]));
  assert.equal(wrong, []);
});

test("every command has a row in docs/commands.md", () => {
  const main = join(root, "dist", "src", "cli", "main.js");
  const { stdout } = spawnSync(process.execPath, [main, "--help"], { encoding: "utf8" });
  const commands = [...stdout.split("Commands:")[1]!.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)].map(
    ([, name]) => name!,
  );
  const page = readFileSync(join(root, "docs", "commands.md"), "utf8");
  assert.ok(commands.length > 10, String(commands));
  assert.equal(
    commands.filter((name) => name !== "help" && !page.includes(`\n| \`${name}`)),
    [],
  );
});

test("every call that the tables of the README and docs/coming-from.md show is an export", () => {
  const names = new Set(Object.keys(speakerscope));
  const wrong: string[] = [];
  let calls = 0;
  for (const page of ["README.md", "docs/coming-from.md", "docs/scoring.md"]) {
    const rows = readFileSync(join(root, page), "utf8").match(/^\|.*\|$/gm) ?? [];
    for (const row of rows) {
      // The first column is theirs, or a question.
      const ours = row.split("|").slice(2).join("|");
      for (const [, code] of ours.matchAll(/`([^`]+)`/g))
        for (const [, name] of code!.matchAll(/(?<![.\w])([a-z]\w*)\(/gi)) {
          calls++;
          if (!names.has(name!) && !/^(readFileSync|writeFileSync)$/.test(name!))
            wrong.push(`${page}: ${name}`);
        }
    }
  }
  assert.ok(calls > 40, String(calls));
  assert.equal(wrong, []);
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
