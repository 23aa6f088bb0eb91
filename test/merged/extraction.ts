import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { nameUtterances } from "../../src/corpus/name-utterances.js";
import { rankLogPath, writeCorpusList } from "../../src/store/extraction.js";
import { openLog } from "../../src/store/record-log.js";

/**
 * A folder as an extraction leaves it, without audio: `{"dataset/speaker/utterance.wav": vector}`, on one rank. Without
 * a speaker (`dataset//utterance.wav`) nobody knows who speaks.
 *
 * @param root the corpus that it says it was made of
 */
export async function fakeExtraction(
  folder: string,
  files: Record<string, readonly number[]>,
  { root = "corpus" } = {},
): Promise<string> {
  const utterances = nameUtterances(
    Object.keys(files).map((file) => {
      const [dataset, speakerId, ...inner] = file.split("/");
      const utteranceId = inner.join("/").replace(/\.wav$/, "");
      return {
        dataset: dataset!,
        speakerId: speakerId || null,
        utteranceId,
        file,
        path: join(root, file),
        size: 1,
        mtimeMs: 1,
      };
    }),
  );
  await writeCorpusList(folder, { root, utterances, failures: [] });
  mkdirSync(join(folder, "rank_00"), { recursive: true });
  const log = openLog(rankLogPath(folder, 0), 0);
  log.append({ identity: { version: 1 }, device: "cpu" });
  for (const { file } of utterances)
    log.append({ file, size: 1, mtimeMs: 1, seconds: 1 }, Float32Array.from(files[file]!));
  log.close();
  return folder;
}
