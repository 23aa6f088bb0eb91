import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { conflict, missing } from "../errors.js";
import { makeFolder } from "../util/make-folder.js";
import { packageRoot } from "../util/package-root.js";

const kernelName = "speakerscope";

export interface KernelPlace {
  /** Into this user's Jupyter folder; the default. */
  user?: boolean;
  /** Path of a Python environment: the kernel goes into its share/jupyter. */
  prefix?: string;
  /** Into the active Python environment: VIRTUAL_ENV or CONDA_PREFIX. */
  sysPrefix?: boolean;
}

/**
 * Installs the kernelspec into an existing JupyterLab, and returns its folder.
 *
 * Its paths are absolute, because clients other than Jupyter's own do not replace `{resource_dir}`.
 */
export function installKernel(place: KernelPlace = {}): string {
  const source = join(packageRoot, "kernels", kernelName);
  const launcher = join(packageRoot, "dist", "kernels", kernelName, "launch.js");
  if (!existsSync(launcher))
    throw missing(`${launcher} does not exist: the kernel is not built. Run \`npm run build\` first.`, {
      path: launcher,
    });
  const target = kernelFolder(place);
  makeFolder(target);
  const spec = JSON.parse(readFileSync(join(source, "kernel.json"), "utf8"));
  spec.argv = spec.argv.map((part: string) =>
    part === "node" ? process.execPath : part.endsWith("/launch.js") ? launcher : part,
  );
  writeFileSync(join(target, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"])
    cpSync(join(source, logo), join(target, logo));
  return target;
}

/** Removes what `installKernel` installed, and returns the folder. */
export function uninstallKernel(place: KernelPlace = {}): string {
  const target = kernelFolder(place);
  if (!existsSync(join(target, "kernel.json")))
    throw missing(
      `No kernel is installed in ${target}. Give the same option (--user, --prefix or --sys_prefix) as for the install.`,
      { path: target },
    );
  rmSync(target, { recursive: true });
  return target;
}

/** Registers `kernel install` and `kernel uninstall`. */
export function kernelCommand(program: Command): void {
  const kernel = program.command("kernel");
  const at = (command: Command) =>
    command
      .option("--user", "into this user's Jupyter folder (default)")
      .option("--prefix <path>", "into a Python environment")
      .option("--sys-prefix", "into the active Python environment");
  at(kernel.command("install").description("Install the kernelspec.")).action((place: KernelPlace) => {
    const folder = installKernel(place);
    console.log(`installed the kernel "TypeScript (speakerscope)" in ${folder}`);
    if (!hasWidgets(dirname(dirname(folder))))
      console.log(
        "Widgets need anywidget, which was not found: run `pip install anywidget` in your JupyterLab's environment.",
      );
  });
  at(kernel.command("uninstall").description("Remove the kernelspec.")).action((place: KernelPlace) => {
    console.log(`removed ${uninstallKernel(place)}`);
  });
}

function kernelFolder({ user, prefix, sysPrefix }: KernelPlace): string {
  const chosen = [user && "--user", prefix !== undefined && "--prefix", sysPrefix && "--sys_prefix"].filter(
    Boolean,
  );
  if (chosen.length > 1)
    throw conflict(`${chosen.join(" and ")} name different places for the kernel. Give one of them.`, {
      got: chosen.join(" "),
    });
  const environment = sysPrefix ? activeEnvironment() : prefix;
  const base =
    environment === undefined ? userJupyterFolder() : join(resolve(environment), "share", "jupyter");
  return join(base, "kernels", kernelName);
}

/** Whether JupyterLab finds what shows widgets: here, for this user, or beside the JupyterLab of this shell. */
function hasWidgets(data: string): boolean {
  const labs = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => existsSync(join(folder, "jupyter-lab")))
    .map((folder) => join(dirname(folder), "share", "jupyter"));
  const places = [data, ...labs, userJupyterFolder()];
  return ["anywidget", "@jupyter-widgets/jupyterlab-manager"].every((name) =>
    places.some((place) => existsSync(join(place, "labextensions", name))),
  );
}

function activeEnvironment(): string {
  const found = process.env.VIRTUAL_ENV || process.env.CONDA_PREFIX;
  if (!found)
    throw missing(
      "No Python environment is active (VIRTUAL_ENV and CONDA_PREFIX are not set). Activate one, or give --prefix PATH.",
    );
  return found;
}

/** Where Jupyter looks for this user's kernels (jupyter_core's `jupyter_data_dir`). */
function userJupyterFolder(): string {
  const { JUPYTER_DATA_DIR, XDG_DATA_HOME, APPDATA } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32") return join(APPDATA ?? homedir(), "jupyter");
  return join(XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}
