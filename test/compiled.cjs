// Loads what test/run.mjs has compiled in one go, in place of the .ts files: a compiler in each of the test processes
// would cost more than most of the tests.
const { existsSync, readFileSync } = require("node:fs");
const Module = require("node:module");
const { join, relative } = require("node:path");

const root = join(__dirname, "..");
const resolveFilename = Module._resolveFilename;

Module._resolveFilename = function (request, parent, ...rest) {
  if (request.startsWith(".") && request.endsWith(".js") && parent?.filename?.endsWith(".ts")) {
    const source = join(parent.path, request.replace(/\.js$/, ".ts"));
    if (existsSync(source)) return source;
  }
  return resolveFilename.call(this, request, parent, ...rest);
};

require.extensions[".ts"] = (module, filename) => {
  const compiled = join(
    process.env.SPEAKERSCOPE_COMPILED_TESTS,
    relative(root, filename).replace(/\.ts$/, ".js"),
  );
  const code = readFileSync(compiled, "utf8");
  // `import("./x.js")` looks for a file of that name, which is not there. Tests hold such words in the cells that they run.
  const isSource = filename.startsWith(join(root, "src"));
  const loaded = isSource
    ? code.replace(/\bimport\(("\.{1,2}\/[^"]+")\)/g, "Promise.resolve().then(() => require($1))")
    : code;
  module._compile(loaded, filename);
};
