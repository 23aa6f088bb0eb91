import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { put } from "../tiny.js";

export const root = resolve(__dirname, "../..");
export const notebooks = [
  "01-extraction",
  "02-analysis",
  "03-variability",
  "04-models",
  "05-scoring",
  "06-audit",
];

const inVenv = (name: string) => join(root, ".venv", "bin", name);

/** The browser, or null: then tests that need one skip, loudly. */
export const chromiumPath: string | null =
  [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
    (path) => path !== undefined && existsSync(path),
  ) ?? null;
export const hasJupyter: boolean = existsSync(inVenv("jupyter-lab")) && existsSync(inVenv("python"));

/** Where pictures of the pages are left, to be looked at. */
export function pictureFolder(): string {
  const folder = join(root, "test-results");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Nothing of the user's own Jupyter: settings, kernels, signatures and recent files lie in a folder of the test. */
export function jupyterEnvironment(folder: string): NodeJS.ProcessEnv {
  const settings = join(folder, "settings", "@jupyterlab");
  put(
    join(settings, "apputils-extension", "notification.jupyterlab-settings"),
    JSON.stringify({ fetchNews: "false", checkForUpdates: false }),
  );
  // Cells out of sight are drawn too.
  put(
    join(settings, "notebook-extension", "tracker.jupyterlab-settings"),
    JSON.stringify({ windowingMode: "none" }),
  );
  return {
    ...process.env,
    HOME: folder,
    JUPYTER_PATH: root,
    JUPYTER_CONFIG_DIR: join(folder, "config"),
    JUPYTER_DATA_DIR: join(folder, "data"),
    JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
    JUPYTERLAB_SETTINGS_DIR: join(folder, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(folder, "workspaces"),
    IPYTHONDIR: join(folder, "ipython"),
  };
}

export interface Lab {
  url: (notebook: string) => string;
  stop: () => Promise<void>;
}

/** JupyterLab on a port of its own, on a folder of notebooks. */
export async function startLab(folder: string, env: NodeJS.ProcessEnv): Promise<Lab> {
  const port = await freePort();
  const token = "speakerscope";
  const child = spawn(
    inVenv("jupyter-lab"),
    [
      "--no-browser",
      "--allow-root",
      `--port=${port}`,
      "--ServerApp.port_retries=0",
      `--IdentityProvider.token=${token}`,
      `--ServerApp.root_dir=${folder}`,
      "--expose-app-in-browser",
    ],
    { env, stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (log += data));
  const base = `http://127.0.0.1:${port}`;
  for (let waited = 0; ; waited += 250) {
    const answer = await fetch(`${base}/api/status?token=${token}`).catch(() => undefined);
    if (answer?.ok) break;
    if (waited > 90_000 || child.exitCode !== null) throw new Error(`JupyterLab does not answer:\n${log}`);
    await new Promise((done) => setTimeout(done, 250));
  }
  return {
    url: (notebook) => `${base}/lab/tree/${notebook}.ipynb?token=${token}&reset`,
    stop: () => stopped(child),
  };
}

export async function startBrowser(): Promise<Browser> {
  const { chromium } = require("playwright-core") as typeof import("playwright-core");
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
}

/** Addresses beyond this machine that a page asked for. */
export function foreignRequests(page: Page): string[] {
  const found: string[] = [];
  page.on("request", (request) => {
    if (!/^(file|data|blob|https?:\/\/127\.0\.0\.1|wss?:\/\/127\.0\.0\.1)[:/]/.test(request.url()))
      found.push(request.url());
  });
  return found;
}

async function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null) return done();
    child.on("exit", () => done());
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 10_000).unref();
  });
}
