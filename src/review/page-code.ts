import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../util/package-root.js";

/** In the order in which they build on each other. */
const modules = ["dom", "ledger", "list", "voice", "map", "desk"];

const read = (name: string) => readFileSync(join(packageRoot, "src", "review", "page", name), "utf8");

/** The modules as one: what they import of each other stands in it. */
const joined = (names: readonly string[]) =>
  names
    .map((name) =>
      read(`${name}.mjs`)
        .replace(/^import .*;$/gm, "")
        .replace(/^export (?=function|class|const)/gm, ""),
    )
    .join("\n");

/** The desk as an ES module, as anywidget takes it. */
export const deskModule = (): string => `${joined(modules)}\nexport default { render };\n`;

/** The desk as the script of a page that opens from the disk, where browsers load no modules. */
export const deskScript = (): string => `(() => {\n"use strict";\n${joined([...modules, "static"])}\n})();\n`;

export const deskStyle = (): string => read("desk.css");

export const pageStyle = (): string => `${deskStyle()}\n${read("static.css")}`;
