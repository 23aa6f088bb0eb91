import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cudaProblem, missingCudaLibraries, prepareCuda } from "../../src/runtime/cuda.js";
import { put, temporaryFolder } from "../tiny.js";

const compiler = spawnSync("cc", ["--version"]).status === 0;

/** A shared library that needs others, in a folder. */
function library(folder: string, name: string, needs: string[] = []): string {
  mkdirSync(folder, { recursive: true });
  const source = put(
    join(folder, `${name}.c`),
    `int value_of_${name.replace(/\W/g, "_")}(void) { return 1; }\n`,
  );
  const path = join(folder, name);
  const args = [
    "-shared",
    "-fPIC",
    `-Wl,-soname,${name}`,
    "-Wl,--no-as-needed",
    "-o",
    path,
    source,
    ...needs,
  ];
  assert.is(spawnSync("cc", args).status, 0);
  return path;
}

/** Pretends that the machine has two GPUs. */
function withGpus<Result>(visible: string, action: () => Result): Result {
  const before = process.env.CUDA_VISIBLE_DEVICES;
  process.env.CUDA_VISIBLE_DEVICES = visible;
  try {
    return action();
  } finally {
    if (before === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
    else process.env.CUDA_VISIBLE_DEVICES = before;
  }
}

test("without the provider's libraries the error names them and the command that fetches them", () => {
  const providers = temporaryFolder();
  assert.match(
    cudaProblem({ providers }) ?? "",
    /libonnxruntime_providers_shared\.so and libonnxruntime_providers_cuda\.so in/,
  );
  put(join(providers, "libonnxruntime_providers_shared.so"), "");
  assert.match(cudaProblem({ providers }) ?? "", /^libonnxruntime_providers_cuda\.so in/);
  withGpus("0,1", () =>
    assert.throws(() => prepareCuda("cuda:0", { providers }), /which cuda:0 needs.*setup-cuda\.mjs/),
  );
  put(join(providers, "libonnxruntime_providers_cuda.so"), "");
  assert.is(cudaProblem({ providers }), undefined);
});

test("a GPU that is not there is an error that lists those that are", () => {
  const providers = temporaryFolder();
  for (const name of ["shared", "cuda"]) put(join(providers, `libonnxruntime_providers_${name}.so`), "");
  withGpus("3,5", () =>
    assert.throws(() => prepareCuda("cuda:2", { providers }), /There is no GPU 2. Give one of 0, 1/),
  );
  withGpus("", () => assert.throws(() => prepareCuda("cuda", { providers }), /No NVIDIA GPU was found/));
});

test("NVIDIA's libraries are brought in from the package's folder, and one that lacks is named", () => {
  if (process.platform !== "linux" || !compiler)
    return console.log("SKIPPED CUDA libraries: no C compiler on Linux");
  const folder = temporaryFolder();
  const [providers, libraries] = [join(folder, "providers"), join(folder, "nvidia")];
  const runtime = library(join(libraries, "cu13", "lib"), "libcudart.so.13");
  library(providers, "libonnxruntime_providers_shared.so");
  library(providers, "libonnxruntime_providers_cuda.so", [runtime]);
  const loads = () => {
    try {
      process.dlopen({ exports: {} }, join(providers, "libonnxruntime_providers_cuda.so"));
      return true;
    } catch (error) {
      return /did not self-register/.test(String(error));
    }
  };
  const elsewhere = { providers, libraries: join(folder, "elsewhere") };
  library(join(libraries, "cudnn", "lib"), "libcudnn.so.9");
  library(join(elsewhere.libraries, "cudnn", "lib"), "libcudnn.so.9");
  assert.equal(missingCudaLibraries(elsewhere), ["libcudart.so.13"]);
  withGpus("0", () => prepareCuda("cuda:0", elsewhere));
  assert.not(loads());
  assert.equal(missingCudaLibraries({ providers, libraries }), []);
  withGpus("0", () => prepareCuda("cuda:0", { providers, libraries }));
  assert.ok(loads(), "found by its name, without LD_LIBRARY_PATH");
});

test("cuDNN, which the provider is not linked to, is looked for all the same", () => {
  if (missingCudaLibraries({ providers: "", libraries: "" }).length === 0)
    return console.log("SKIPPED a missing cuDNN: this machine has one");
  const folder = temporaryFolder();
  const folders = { providers: join(folder, "providers"), libraries: join(folder, "nvidia") };
  for (const name of ["shared", "cuda"])
    put(join(folders.providers, `libonnxruntime_providers_${name}.so`), "");
  withGpus("0", () =>
    assert.throws(() => prepareCuda("cuda:0", folders), /^libcudnn\.so\.9 was not found, which cuda:0 needs/),
  );
  assert.equal(missingCudaLibraries(folders), ["libcudnn.so.9"]);
  put(join(folders.libraries, "cudnn", "lib", "libcudnn.so.9"), "");
  withGpus("0", () => prepareCuda("cuda:0", folders));
  assert.equal(missingCudaLibraries(folders), []);
});

test.run();
