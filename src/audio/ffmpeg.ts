import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { invalid, throwIfAborted } from "../errors.js";

interface FfmpegOptions {
  path: string | undefined;
  /** No more than this is decoded. */
  maxSeconds: number;
  abortSignal: AbortSignal | undefined;
}

/**
 * Decodes the first audio stream of anything that the user's own FFmpeg knows, to a WAV file of floats.
 *
 * FFmpeg is the program `ffmpeg` on the PATH, or what the environment variable FFMPEG names. It gets a file, because
 * some formats are read back and forth, and no network, whatever the bytes ask for.
 *
 * @returns undefined where there is no FFmpeg
 * @throws `invalid` with FFmpeg's own reason
 */
export async function ffmpeg(bytes: Uint8Array, options: FfmpegOptions): Promise<Uint8Array | undefined> {
  if (options.path !== undefined) return await run(resolve(options.path), options);
  const folder = await mkdtemp(join(tmpdir(), "speakerscope-"));
  try {
    await writeFile(join(folder, "audio"), bytes);
    return await run(join(folder, "audio"), options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  file: string,
  { path, maxSeconds, abortSignal }: FfmpegOptions,
): Promise<Uint8Array | undefined> {
  const input = `file:${file}`;
  const child = spawn(
    process.env.FFMPEG ?? "ffmpeg",
    [
      ...["-nostdin", "-hide_banner", "-v", "error", "-xerror", "-protocol_whitelist", "file", "-i", input],
      ...(Number.isFinite(maxSeconds) ? ["-t", String(maxSeconds)] : []),
      ...["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"],
    ],
    { stdio: ["ignore", "pipe", "pipe"], signal: abortSignal, killSignal: "SIGKILL" },
  );
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  const status = await new Promise<number | "missing" | null>((done, fail) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "EACCES") done("missing");
      else if (error.name !== "AbortError") fail(error);
    });
    child.on("close", done);
  });
  throwIfAborted("loadAudio", abortSignal);
  if (status === "missing") return undefined;
  if (status !== 0) {
    const reason = Buffer.concat(complaints).toString().trim().split("\n").at(-1) ?? "";
    throw invalid("audio file", "content, says FFmpeg", { got: reason.replace(`${input}: `, ""), path });
  }
  return Buffer.concat(output);
}
