import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = join(__dirname, "..");
const filesBelow = (folder: string, extension: string) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => name.endsWith(extension));
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("the messages that the pages quote are those of the code", () => {
  const code = [
    ...filesBelow("src", ".ts"),
    ...filesBelow("kernels", ".ts"),
    ...filesBelow("scripts", ".mjs"),
  ]
    .map(read)
    .join("\n");
  const quoted = ["README.md", ...filesBelow("docs", ".md")]
    .filter((page) => page !== join("docs", "api.md"))
    .flatMap((page) => messagesOf(read(page)).map((message) => ({ page, message })));
  assert.ok(
    quoted.filter(({ page }) => page.endsWith("troubleshooting.md")).length >= 12,
    JSON.stringify(quoted),
  );
  for (const { page, message } of quoted)
    for (const part of message.split("..."))
      assert.ok(code.includes(part.trim()), `${page}: ${part} is in no message of the code`);
});

/**
 * Code that reads like a message: it begins with a capital, or with what was left out, and goes on. In the table of symptoms
 * everything is one that has three words.
 */
function messagesOf(page: string): string[] {
  const prose = page.replace(/^```[\s\S]*?^```$/gm, "");
  const symptoms = page.startsWith("# Troubleshooting")
    ? prose.split("\n").map((row) => row.split("|")[1] ?? "")
    : [];
  return [
    ...codeIn(prose).filter((text) => /^(?:\.\.\.|[A-Z]\w*)(?: \S+){2,}$/.test(text)),
    ...codeIn(symptoms.join("\n")).filter((text) => /^\S+(?: \S+){2,}$/.test(text)),
  ];
}

const codeIn = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);

test.run();
