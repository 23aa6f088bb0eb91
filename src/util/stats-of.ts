import { type Stats, statSync } from "node:fs";

/** What is wrong with a path under which nothing can lie: a file in the place of a folder, a name too long, links in a circle. */
const leadsNowhere = ["ENOTDIR", "ENAMETOOLONG", "ELOOP"];

/** What lies at a path; undefined where nothing does. */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (leadsNowhere.includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
