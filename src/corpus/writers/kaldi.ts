import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid, shown } from "../../errors.js";
import type { Utterance } from "../../types.js";
import { groupBy } from "../../util/group-by.js";
import { writeFile } from "../../util/write-file.js";
import { kaldiFolder, linesOf } from "../sources/kaldi.js";
import { placed, refuseSame } from "./rewrite.js";

/** Files of a Kaldi directory whose lines begin with an utterance, and those whose lines begin with a recording. */
const ofUtterances = /^(segments|text.*|feats\.scp|vad\.scp|(?!utt2spk$)utt2.*)$/;
const ofRecordings = /^(reco2.*)$/;
/** What is known of speakers goes with their utterances; spk2utt is made anew. */
const ofSpeakers = /^(?!spk2utt$)spk2.*$/;

/** What is read of a Kaldi directory: of an earlier one, none of these may stay. */
export const kaldiFiles = "wav.scp segments utt2spk spk2utt text utt2lang utt2gender utt2dur".split(" ");

/** Writes a Kaldi directory with the utterances that the corpus still has, in all files that speak of these. */
export async function rewriteKaldi(
  path: string,
  utterances: readonly Utterance[],
  to: string,
  at: (path: string) => string,
): Promise<string[]> {
  const { folder, scp } = kaldiFolder(path);
  refuseSame(join(to, "wav.scp"), [scp]);
  const known = new Set(utterances.map(({ utteranceId }) => utteranceId));
  const isCut = existsSync(join(folder, "segments"));
  const recordings = new Map(
    utterances.map((utterance) => [isCut ? (utterance.session ?? "") : utterance.utteranceId, utterance]),
  );
  const written: string[] = [];
  const write = async (name: string, lines: readonly string[]) => {
    await writeFile(at(join(to, name)), lines);
    written.push(join(to, name));
  };
  const audio: string[] = [];
  for await (const { id, rest } of linesOf(scp)) {
    const utterance = recordings.get(id);
    if (utterance !== undefined) audio.push(line(id, placed(rest, utterance, join(to, "wav.scp"))));
  }
  await write("wav.scp", audio);
  for (const name of readdirSync(folder).sort()) {
    const isOf = ofUtterances.test(name) ? known : ofRecordings.test(name) ? recordings : undefined;
    if (isOf === undefined || !statSync(join(folder, name)).isFile()) continue;
    const lines: string[] = [];
    for await (const { id, rest } of linesOf(join(folder, name)))
      if (isOf.has(id)) lines.push(line(id, rest));
    await write(name, lines);
  }
  await writeSpeakers(utterances, write);
  const speakersBefore = new Map<string, string>();
  for await (const { id, rest } of linesOf(join(folder, "utt2spk"))) speakersBefore.set(id, rest);
  for (const name of readdirSync(folder).filter((name) => ofSpeakers.test(name))) {
    const before = new Map<string, string>();
    for await (const { id, rest } of linesOf(join(folder, name))) before.set(id, rest);
    const now = new Map<string, string>();
    for (const { utteranceId, speakerId } of utterances) {
      const fact = before.get(speakersBefore.get(utteranceId) ?? "");
      if (speakerId !== null && fact !== undefined) now.set(speakerId, fact);
    }
    await write(name, inOrder([...now].map(([speaker, fact]) => line(speaker, fact))));
  }
  return written;
}

/** Writes utt2spk and spk2utt; who is unknown is in neither. */
export async function writeSpeakers(
  utterances: readonly Pick<Utterance, "utteranceId" | "speakerId">[],
  write: (name: string, lines: readonly string[]) => Promise<void>,
): Promise<void> {
  const known = utterances.filter(({ speakerId }) => speakerId !== null);
  const speakers = [...groupBy(known, ({ speakerId }) => speakerId!)].map(([speaker, own]) => {
    checkWord("speaker", speaker);
    return [speaker, inOrder(own.map(({ utteranceId }) => utteranceId))] as const;
  });
  await write("utt2spk", inOrder(speakers.flatMap(([speaker, ids]) => ids.map((id) => line(id, speaker)))));
  await write("spk2utt", inOrder(speakers.map(([speaker, ids]) => line(speaker, ids.join(" ")))));
}

/** @throws `invalid` for a name that is none in Kaldi's files, which are split at white space */
export function checkWord(what: string, name: string): void {
  if (name === "" || /\s/.test(name))
    throw invalid(`The ${what} ${shown(name)} has white space in it, which Kaldi's files cannot have.`, {
      got: name,
    });
}

export const line = (id: string, rest: string): string => (rest === "" ? `${id}\n` : `${id} ${rest}\n`);

/** In the order of bytes, as Kaldi's tools want it. */
export const inOrder = (lines: string[]): string[] =>
  lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
