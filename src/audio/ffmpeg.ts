import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { missing, reasonOf } from "../errors.js";
import type { Block } from "./codecs.js";
import { au } from "./containers/au.js";
import { pcmBlocks } from "./containers/pcm.js";
import { type Decoding, type FileDoubt, sourceOf } from "./containers/source.js";

interface FfmpegOptions {
  path: string | undefined;
  /** No more than this is decoded. */
  maxSeconds: number;
  abortSignal: AbortSignal | undefined;
}

/** A running FFmpeg and its output. It must be closed. */
export interface FfmpegDecoding extends Omit<Decoding, "blocks" | "doubts"> {
  blocks: AsyncIterable<Block>;
  /** What it complained of, known when all blocks have been read. */
  doubts(): FileDoubt[];
  close(): Promise<void>;
}

/**
 * The demuxers that FFmpeg may use: formats that keep their audio in one file. Those that can open other files or hosts
 * (HLS, DASH, concat, image sequences, SDP, scripts, playlists) are left out, and those that hold no speech.
 */
const formats = [
  "aac,ac3,aiff,amr,amrnb,amrwb,ape,aptx,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,ircam",
  "latm,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,nistsphere,nut,ogg,oma,qcp,rm,shn,sox",
  "tak,truehd,tta,voc,vqf,w64,wav,wv,xwma",
].join(",");

/** FFmpeg inherits the open file as file descriptor 3. */
const inherited = "file:/dev/fd/3";

/** Bytes of stderr that are kept at most: a damaged file can cause any amount. */
const maxComplaint = 1 << 14;

/** The longest AU header that FFmpeg writes without metadata. */
const maxHeader = 1 << 12;

/** FFmpeg exits with 0 after these messages, although the file is cut off. */
const endsEarly = /File ended prematurely|read_timestamp failed|partial file/;

/** FFmpeg failed. */
export class FfmpegError extends Error {
  constructor(
    message: string,
    /** Whether the file is at fault; it is not when FFmpeg was killed. */
    readonly isVerdict = true,
  ) {
    super(message);
  }
}

/**
 * Decodes the first audio stream of anything that the user's own FFmpeg knows.
 *
 * FFmpeg is the program `ffmpeg` on the PATH, or the one that the environment variable FFMPEG names. It inherits the open
 * file, because some formats need seeking. It never sees a file name, and opens no other file and no connection, whatever
 * the bytes ask for. Bytes in memory are written to an unlinked temporary file first. Output is read as it is needed; once
 * nobody reads it, even because this process was killed, FFmpeg ends.
 *
 * @param bytes not needed where there is a path
 * @returns undefined where there is no FFmpeg
 * @throws FfmpegError with FFmpeg's own reason, here or from the blocks
 */
export async function ffmpeg(
  bytes: Uint8Array | undefined,
  options: FfmpegOptions,
): Promise<FfmpegDecoding | undefined> {
  const { path } = options;
  const file = path === undefined ? await unnamed(bytes ?? new Uint8Array()) : await open(path);
  try {
    return await started(file.fd, options);
  } finally {
    await file.close();
  }
}

/** Writes the bytes to a temporary file and unlinks it: it disappears when it is closed. */
async function unnamed(bytes: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), "speakerscope-")).catch((cause) => {
    throw missing(
      `No temporary file for FFmpeg can be made in ${tmpdir()} (${reasonOf(cause)}). Set TMPDIR to a folder that can be written to.`,
      { path: tmpdir(), cause },
    );
  });
  try {
    const path = join(folder, "audio");
    await writeFile(path, bytes, { mode: 0o600 });
    return await open(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function started(
  fd: number,
  { maxSeconds, abortSignal }: FfmpegOptions,
): Promise<FfmpegDecoding | undefined> {
  const child = spawn(
    process.env.FFMPEG ?? "ffmpeg",
    [
      ...["-nostdin", "-hide_banner", "-v", "repeat+error", "-xerror", "-threads", "1"],
      ...["-protocol_whitelist", "file", "-format_whitelist", formats, "-vn", "-sn", "-dn", "-i", inherited],
      ...["-t", String(maxSeconds), "-map", "0:a:0", "-map_metadata", "-1"],
      ...["-c:a", "pcm_f32be", "-f", "au", "pipe:1"],
    ],
    { stdio: ["ignore", "pipe", "pipe", fd], signal: abortSignal, killSignal: "SIGKILL" },
  );
  const ended = endOf(child);
  try {
    await once(child, "spawn");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES") return undefined;
    throw error;
  }
  const [output, complaints] = [child.stdout as Readable, complaintsOf(child)];
  const close = async () => {
    child.kill("SIGKILL");
    output.destroy();
    await ended;
  };
  const fail = async (): Promise<never> => {
    const status = await ended;
    if (status === null) throw new FfmpegError("it was ended by a signal", false);
    throw new FfmpegError(reasonIn(complaints()) ?? `it ended with status ${status}`);
  };
  try {
    const chunks = output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const begin = await readHeader(chunks);
    if (begin === undefined) return await fail();
    const { layout, sampleRate, channels, rest } = begin;
    return {
      ...{ format: "ffmpeg", codec: "ffmpeg", sampleRate, channels, close },
      blocks: blocksOf(chunks, rest, layout, async (given) => {
        if ((await ended) !== 0 || endsEarly.test(complaints())) await fail();
        if (!given) throw new FfmpegError(reasonIn(complaints()) ?? "it found no samples");
      }),
      doubts: () => {
        const reason = reasonIn(complaints());
        return reason === undefined
          ? []
          : [{ warning: "inconsistent", detail: `FFmpeg decoded it, but says: ${reason}` }];
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The exit status; null when a signal ended the process. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => {
    // An abort emits an error before the process closes.
    child.on("error", () => {});
    child.on("close", done);
  });
}

function complaintsOf(child: ChildProcess): () => string {
  const kept: Buffer[] = [];
  let length = 0;
  child.stderr?.on("data", (chunk: Buffer) => {
    if (length < maxComplaint) kept.push(chunk);
    length += chunk.length;
  });
  return () => Buffer.concat(kept).toString();
}

/** The first line of stderr, without the names and addresses in front. */
function reasonIn(complaints: string): string | undefined {
  const line = complaints.split("\n").find((line) => line.trim() !== "");
  return line
    ?.replace(/^(\[[^\]]*\] )+/, "")
    .replace(`${inherited}: `, "")
    .replace(/ '.{100,}/, "")
    .trim();
}

async function readHeader(chunks: AsyncIterator<Buffer>) {
  let header = Buffer.alloc(0);
  for (;;) {
    const { done, value } = await chunks.next();
    if (done) return undefined;
    header = Buffer.concat([header, value]);
    const start = header.length < 24 ? maxHeader : header.readUInt32BE(4);
    if (header.toString("latin1", 0, 4) !== ".snd".slice(0, header.length) || start > maxHeader)
      throw new FfmpegError("it answered with something else than audio");
    if (header.length < 24 || header.length < start) continue;
    const { sampleRate, channels } = au(sourceOf(header, undefined));
    const layout = { kind: "float", width: 4, bigEndian: true, channels } as const;
    return { layout, sampleRate, channels, rest: header.subarray(start) };
  }
}

async function* blocksOf(
  chunks: AsyncIterator<Buffer>,
  begin: Buffer,
  layout: Parameters<typeof pcmBlocks>[1],
  atEnd: (given: boolean) => Promise<void>,
): AsyncGenerator<Block> {
  const frameBytes = layout.width * layout.channels;
  let held = begin;
  let given = false;
  for (;;) {
    const whole = held.length - (held.length % frameBytes);
    given ||= whole > 0;
    if (whole > 0) yield* pcmBlocks(sourceOf(held.subarray(0, whole), undefined).bytes, layout);
    const { done, value } = await chunks.next();
    if (done) break;
    held = whole === held.length ? value : Buffer.concat([held.subarray(whole), value]);
  }
  await atEnd(given);
}
