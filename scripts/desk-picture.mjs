// Takes docs/images/listening-desk.png: the desk with the findings that notebook 06-audit left in results/notebooks/review.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "results", "notebooks", "review", "index.html");
if (!existsSync(page)) {
  console.error(`${page} does not exist. Execute notebook 06-audit first: npm run notebooks.`);
  process.exit(1);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
});
const tab = await browser.newPage({ viewport: { width: 1120, height: 700 }, deviceScaleFactor: 1.5 });
await tab.goto(pathToFileURL(page).href);
await tab.locator(".desk-tools input[placeholder]").fill("anna");
await tab.keyboard.press("Tab");
await tab.locator(".desk").focus();
for (const key of ["1", "1", "1"]) await tab.keyboard.press(key);
await tab.locator(".desk-row").filter({ hasText: "wrong label" }).first().click();
await tab.locator(".desk").focus();
await tab.keyboard.press(" ");
await tab.waitForTimeout(1400);
await tab.screenshot({ path: join(root, "docs", "images", "listening-desk.png") });
await browser.close();
