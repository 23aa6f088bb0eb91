import { basename, join, resolve } from "node:path";
import { unsupported } from "../../errors.js";
import type { Utterance } from "../../types.js";
import { writeFile } from "../../util/write-file.js";
import { checkWord, inOrder, line, writeSpeakers } from "./kaldi.js";

/**
 * Writes a Kaldi directory of a corpus that was read from something else: wav.scp, segments where there are spans or channels,
 * utt2spk, spk2utt, and text, utt2lang, utt2gender, utt2dur of what the source said.
 *
 * Utterances go by their own names where these differ, else by their keys; speakers likewise, so that two people who are called
 * alike in two data sets stay two.
 */
export async function writeNewKaldi(
  utterances: readonly Utterance[],
  to: string,
  at: (path: string) => string,
): Promise<string[]> {
  const named = withNames(utterances);
  for (const { utteranceId } of named) checkWord("utterance", utteranceId);
  const files: string[] = [];
  const write = async (name: string, lines: readonly string[]) => {
    await writeFile(at(join(to, name)), lines);
    files.push(join(to, name));
  };
  const isCut = named.some(({ span, channel }) => span !== undefined || channel !== undefined);
  if (isCut) {
    const ids = recordingIds(named);
    await write("wav.scp", inOrder([...ids].map(([path, id]) => line(id, path))));
    await write(
      "segments",
      inOrder(
        named.map(({ utteranceId, path, span, channel }) => {
          const words = [ids.get(plainPath(path)), span?.start ?? 0, span?.end ?? -1];
          return line(utteranceId, [...words, ...(channel === undefined ? [] : [channel])].join(" "));
        }),
      ),
    );
  } else
    await write("wav.scp", inOrder(named.map(({ utteranceId, path }) => line(utteranceId, plainPath(path)))));
  await writeSpeakers(named, write);
  const facts: Record<string, (utterance: Utterance) => unknown> = {
    text: ({ fields }) => fields?.text ?? fields?.sentence,
    utt2lang: ({ fields }) => fields?.language,
    utt2gender: ({ fields }) => fields?.sex ?? fields?.gender,
    utt2dur: ({ span, seconds }) => (span?.end === undefined ? seconds : span.end - span.start),
  };
  for (const [name, factOf] of Object.entries(facts)) {
    const lines = named.flatMap((utterance) => {
      const fact = factOf(utterance);
      const isFact = (typeof fact === "string" && fact.trim() !== "") || typeof fact === "number";
      // Its files are lines of words.
      return isFact ? [line(utterance.utteranceId, String(fact).trim().replace(/\s+/g, " "))] : [];
    });
    if (lines.length > 0) await write(name, inOrder(lines));
  }
  return files;
}

/** Names that are unique in the directory. */
function withNames(utterances: readonly Utterance[]): Utterance[] {
  const areNamed = new Set(utterances.map(({ utteranceId }) => utteranceId)).size === utterances.length;
  const speakers = new Map<string, Set<string>>();
  for (const { speakerId, dataset } of utterances)
    if (speakerId !== null) speakers.set(speakerId, (speakers.get(speakerId) ?? new Set()).add(dataset));
  const areDistinct = [...speakers.values()].every((datasets) => datasets.size === 1);
  return utterances.map((utterance) => ({
    ...utterance,
    utteranceId: areNamed ? utterance.utteranceId : utterance.key,
    speakerId:
      areDistinct || utterance.speakerId === null
        ? utterance.speakerId
        : `${utterance.dataset}_${utterance.speakerId}`,
  }));
}

/** @throws `unsupported` for a path that would mean something else in wav.scp */
function plainPath(path: string): string {
  const full = resolve(path);
  if (full.endsWith("|") || /[\r\n]/.test(full) || full !== full.trim())
    throw unsupported(`The path ${JSON.stringify(full)} cannot stand in Kaldi's wav.scp.`, { path: full });
  return full;
}

/** A name for each file: the session of its utterances, else its own name, with a number where that is taken. */
function recordingIds(utterances: readonly Utterance[]): Map<string, string> {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  for (const { path, session } of utterances) {
    const full = plainPath(path);
    if (ids.has(full)) continue;
    const stem = basename(full).replace(/(?<=.)\.[^.]*$/, "");
    const name = (session ?? stem).replace(/\s+/g, "_");
    let id = name;
    for (let number = 2; taken.has(id); number++) id = `${name}-${number}`;
    taken.add(id);
    ids.set(full, id);
  }
  return ids;
}
