import { homedir } from "node:os";
import { join } from "node:path";

/** Where facts are kept that cost time to find out again; all of it may be deleted at any time. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "speakerscope");
