import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, root, sleep } from "./client.js";

const test = suite("messages");
let client: Client;
const history = join(mkdtempSync(join(tmpdir(), "speakerscope-history-")), "history.jsonl");

test.before(async () => {
  client = await Client.start({ env: { SPEAKERSCOPE_HISTORY: history } });
});
test.after(() => client.close());

const types = (messages: { type: string }[]) => messages.map((m) => m.type);

test("a cell is echoed, and its last expression is the result", async () => {
  const { reply, all } = await client.run("6 * 7");
  assert.equal(types(all), ["status", "execute_input", "execute_result", "status"]);
  const [, input, result] = all;
  assert.is(input.content.code, "6 * 7");
  assert.is(input.content.execution_count, reply.execution_count);
  assert.equal(result.content.data, { "text/plain": "42" });
  assert.is(result.content.execution_count, reply.execution_count);
});

test("nothing is shown after a semicolon, for undefined, or for a declaration", async () => {
  for (const code of ["1 + 1;", "undefined", "const shown = 1", "void 0"])
    assert.equal((await client.run(code)).messages, [], code);
  assert.is(await client.value("null"), "null");
});

test("a promise as the last expression is awaited, and its value is shown", async () => {
  assert.is(await client.value("const later = async () => { await 0; return 6 * 7 }; later()"), "42");
  assert.is(await client.value("Promise.resolve(Promise.resolve('in'))"), "'in'");
  assert.is(await client.value("await 0; later()"), "42");
  assert.is(await client.value("class Own extends Promise<number> {}; Own.resolve(1)"), "1");
  assert.match((await client.value("Promise.all([later(), later()])")) ?? "", /\[ 42, 42 \]/);
  assert.is(await client.value("({ then(take: (n: number) => void) { take(1) } }).then.length"), "1");
  for (const code of ["later();", "void later()", "Promise.resolve()", "new Promise(() => {});"])
    assert.equal((await client.run(code)).messages, [], code);
  const { reply } = await client.run("const keptBefore = 1; Promise.reject(new RangeError('too late'))");
  assert.equal([reply.status, reply.ename, reply.evalue], ["error", "RangeError", "too late"]);
  assert.is(await client.value("keptBefore"), "1");
  const timed = await client.run("%%time\nnew Promise((r) => setTimeout(r, 30, 'waited'))");
  assert.match(timed.stdout, "wall time");
  assert.is(timed.messages.at(-1)?.content.data["text/plain"], "'waited'");
});

test("an error names its class, and its traceback points at line and column of the cell", async () => {
  const code = "class OwnError extends Error {}\n\nconst one: number = 1; throw new OwnError('boom')";
  const { reply, messages } = await client.run(code);
  assert.is(reply.status, "error");
  const { ename, evalue, traceback } = messages.find((m) => m.type === "error")!.content;
  assert.equal([ename, evalue], ["OwnError", "boom"]);
  assert.equal([reply.ename, reply.evalue], ["OwnError", "boom"]);
  const lines = traceback.join("\n").split("\n") as string[];
  // The column of `new`, in the text with its types, counted from 1.
  const column = code.split("\n")[2].indexOf("new OwnError") + 1;
  const at = lines.findIndex((l) => l.includes(`cell[${reply.execution_count}]:3:${column}`));
  assert.ok(at >= 0, lines.join("\n"));
  assert.match(lines[at + 1], "3 | const one: number = 1; throw");
  assert.is(lines[at + 2].indexOf("^"), lines[at + 1].indexOf("new OwnError"));
});

test("a traceback goes through functions of earlier cells, and what a cell prints of it does too", async () => {
  const first = await client.run(
    "interface Row { a: number }\nfunction fails(row: Row): never {\n  throw new RangeError('no ' + row.a);\n}",
  );
  const { reply } = await client.run("\n  fails({ a: 1 })");
  const text = reply.traceback.join("\n");
  assert.match(text, `cell[${first.reply.execution_count}]:3:9`);
  assert.match(text, `cell[${reply.execution_count}]:2:3`);
  assert.not.match(text, /node:|dist\/kernels/);
  const printed = await client.run("try { fails({ a: 2 }) } catch (e) { console.log((e as Error).stack) }");
  assert.match(printed.stdout, `cell[${printed.reply.execution_count}]:1:7`);
});

test("positions are right in a line that was cut into pieces: async code, generics, satisfies", async () => {
  const code = [
    "const table = { a: 1 } satisfies Record<string, number>;",
    "async function deep<T extends object>(x: T): Promise<T> { await 0; return (x as any).no.where }",
    "await deep<{ a: number }>(table)",
  ].join("\n");
  const { reply } = await client.run(code);
  const column = code.split("\n")[1].indexOf("where") + 1;
  assert.match(reply.traceback.join("\n"), `cell[${reply.execution_count}]:2:${column}`);
});

test("a type error fails the cell before it runs, with the place marked", async () => {
  const { reply, messages } = await client.run("console.log('ran')\nconst text: string = 12\n");
  assert.equal(types(messages), ["error"]);
  assert.is(reply.ename, "TypeScriptError");
  const lines = reply.traceback.join("\n").split("\n") as string[];
  assert.match(lines[0], `cell[${reply.execution_count}]:2:7 - error TS2322`);
  assert.match(lines[1], "2 | const text: string = 12");
  assert.is(lines[2].indexOf("~~~~"), lines[1].indexOf("text"));
  assert.match((await client.run("text")).reply.evalue, "Cannot find name 'text'");
});

test("cells behind a failed one are aborted, and run with stop_on_error off", async () => {
  for (const stop of [true, false]) {
    const ids = [
      await client.sendCell("await new Promise(r => setTimeout(r, 100)); throw 1", { stop_on_error: stop }),
      await client.sendCell("console.log('second')"),
      await client.sendCell("console.log('third')"),
    ];
    const [first, second, third] = await Promise.all(ids.map((id) => client.finished(id)));
    assert.is(first.reply.status, "error");
    assert.equal([second.reply.status, third.reply.status], stop ? ["aborted", "aborted"] : ["ok", "ok"]);
    assert.is(third.stdout, stop ? "" : "third\n");
  }
});

test("a silent cell counts for nothing and shows nothing", async () => {
  const before = (await client.run("0")).reply.execution_count;
  const quiet = await client.run("console.log('x'); (globalThis as any).wasRun = 1; 2", { silent: true });
  assert.equal(quiet.messages, []);
  assert.is((await client.run("(globalThis as any).wasRun")).reply.execution_count, before + 1);
});

test("store_history off neither counts nor remembers", async () => {
  const before = (await client.run("0")).reply.execution_count;
  await client.run("'not remembered'", { store_history: false });
  assert.is((await client.run("0")).reply.execution_count, before + 1);
  const { history: found } = await client.ask("shell", "history_request", {
    hist_access_type: "search",
    pattern: "*not remembered*",
    output: false,
    raw: true,
  });
  assert.equal(found, []);
});

test("user_expressions are evaluated after the cell, each with its own status", async () => {
  const { reply } = await client.run("const ue = 5", { user_expressions: { sum: "ue + 1", bad: "nothing" } });
  assert.equal(reply.user_expressions.sum, { status: "ok", data: { "text/plain": "6" }, metadata: {} });
  assert.is(reply.user_expressions.bad.status, "error");
  assert.match(reply.user_expressions.bad.evalue, "Cannot find name");
});

test("input asks the client that ran the cell, and hides passwords", async () => {
  const code =
    "import { input } from 'speakerscope/kernel'; [await input('name? '), await input('key? ', { password: true })].join('/')";
  const id = await client.sendCell(code, { allow_stdin: true });
  const first = await client.inputRequest();
  assert.equal(first.content, { prompt: "name? ", password: false });
  assert.is(first.parent, id);
  await client.send("stdin", "input_reply", { value: "bob" });
  assert.equal((await client.inputRequest()).content, { prompt: "key? ", password: true });
  await client.send("stdin", "input_reply", { value: "s3" });
  const { messages } = await client.finished(id);
  assert.is(messages[0].content.data["text/plain"], "'bob/s3'");
});

test("prompt, confirm and alert block until they are answered", async () => {
  const id = await client.sendCell(
    "[prompt('who?', 'nobody'), prompt('again?', 'nobody'), confirm('sure?'), alert('!')]",
    {
      allow_stdin: true,
    },
  );
  const asked: string[] = [];
  for (const value of ["ann", "", "y", ""]) {
    asked.push((await client.inputRequest()).content.prompt);
    await client.send("stdin", "input_reply", { value });
  }
  const { messages } = await client.finished(id);
  assert.is(messages[0].content.data["text/plain"], "[ 'ann', 'nobody', true, undefined ]");
  assert.equal(asked, ["who? ", "again? ", "sure? [y/N] ", "! [Enter] "]);
});

test("where nobody can answer input fails and prompt is null", async () => {
  const { reply } = await client.run("import { input } from 'speakerscope/kernel'; await input('x')");
  assert.match(reply.evalue, "nobody is here to answer");
  assert.is(await client.value("[prompt('x'), confirm('y')]"), "[ null, false ]");
});

test("a display has all its MIME types, is updated under its id, and output is cleared", async () => {
  const { messages } = await client.run(`import { display, clearOutput } from "speakerscope/kernel";
const place = display.bundle({ "text/html": "<b>1</b>", "text/plain": "1", "image/png": new Uint8Array([1, 2]) });
place.update({ "text/plain": "2" }, { raw: true });
clearOutput({ wait: true });
place`);
  assert.equal(types(messages), ["display_data", "update_display_data", "clear_output"]);
  const [shown, updated, cleared] = messages;
  assert.equal(shown.content.data, { "text/html": "<b>1</b>", "text/plain": "1", "image/png": "AQI=" });
  assert.is(updated.content.transient.display_id, shown.content.transient.display_id);
  assert.equal(cleared.content, { wait: true });
});

test("a value says by Symbol.for('Jupyter.display') how it is shown, now or later", async () => {
  for (const word of ["", "async "]) {
    const { messages } = await client.run(
      `({ ${word}[Symbol.for("Jupyter.display")]() { return { "text/plain": "p", "application/vnd.vegalite.v5+json": { mark: "bar" } } } })`,
    );
    assert.equal(messages[0].content.data, {
      "text/plain": "p",
      "application/vnd.vegalite.v5+json": { mark: "bar" },
    });
  }
});

test("Deno's notebooks find what they use, with its types", async () => {
  const { reply, messages } =
    await client.run(`const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0, 0, 0, 0, 0]);
const { display: show, md, html, svg, image, format, $display } = Deno.jupyter;
await show(md\`*\${1}*\`);
await show(html\`<b>\${2}</b>\`, { display_id: "place" });
await show(html\`<b>3</b>\`, { display_id: "place", update: true });
await show({ "text/plain": "raw" }, { raw: true });
await show({ [$display]: async () => ({ "text/plain": "own" }) });
const bundle: Deno.jupyter.MediaBundle = await format(image(png));
[bundle["image/png"], Object.keys(await format(svg\`<svg/>\`)), $display === Symbol.for("Jupyter.display")]`);
  assert.is(reply.status, "ok", reply.traceback?.join("\n"));
  assert.equal(
    messages.map(({ type, content }) => [type, Object.values(content.data)[0]]),
    [
      ["display_data", "*1*"],
      ["display_data", "<b>2</b>"],
      ["update_display_data", "<b>3</b>"],
      ["display_data", "raw"],
      ["display_data", "own"],
      ["execute_result", "[ 'iVBORwAAAAAAAAAA', [ 'image/svg+xml' ], true ]"],
    ],
  );
  assert.is(messages[1].content.transient.display_id, "place");
  const wrong = await client.run("Deno.jupyter.nothing");
  assert.match(wrong.reply.evalue, "does not exist on type 'typeof jupyter'");
});

test("comm_open is answered by comm_close; comm_info lists what a cell opened", async () => {
  const id = await client.send("shell", "comm_open", { comm_id: "c1", target_name: "none", data: {} });
  await client.until(() => client.iopub.find((m) => m.type === "comm_close" && m.parent === id));
  await client.send("shell", "comm_msg", { comm_id: "c1", data: {} });
  await client.run(
    "await Deno.jupyter.broadcast('comm_open', { comm_id: 'c2', target_name: 'mine', data: {} }, { buffers: [new Uint8Array([7])] })",
  );
  const opened = client.iopub.find((m) => m.type === "comm_open");
  assert.equal(opened?.buffers[0], Buffer.from([7]));
  const { comms } = await client.ask("shell", "comm_info_request", {});
  assert.equal(comms, { c2: { target_name: "mine" } });
});

test("completion knows the variables' types, and says what each match is", async () => {
  await client.run("const person = { firstName: 'a', lastName: 'b' }");
  const code = "person.first";
  const reply = await client.ask("shell", "complete_request", { code, cursor_pos: code.length });
  assert.equal([reply.matches, reply.cursor_start, reply.cursor_end], [["firstName"], 7, 12]);
  assert.is(reply.metadata._jupyter_types_experimental[0].type, "property");
});

test("positions count code points", async () => {
  const code = "const face = '😀😀'; person.la";
  const points = [...code].length;
  const reply = await client.ask("shell", "complete_request", { code, cursor_pos: points });
  assert.equal([reply.matches, reply.cursor_start, reply.cursor_end], [["lastName"], points - 2, points]);
});

test("completion and inspection know the toolkit", async () => {
  const code = "import { ScopeError } from 'speakerscope'; new ScopeError('invalid', 'a').";
  const reply = await client.ask("shell", "complete_request", { code, cursor_pos: code.length });
  for (const name of ["tag", "got", "path"]) assert.ok(reply.matches.includes(name), name);
  const inner = "import { } from 'speakerscope'";
  const names = await client.ask("shell", "complete_request", { code: inner, cursor_pos: 9 });
  assert.ok(names.matches.includes("ScopeError"));
});

test("completion and Shift-Tab know a data frame that an earlier cell made", async () => {
  if (!existsSync(join(root, "node_modules", "danfojs-node")))
    return console.log("SKIPPED danfojs: not installed");
  const { reply } = await client.run(
    "import { toDataFrame } from 'speakerscope'; const df = toDataFrame([{ n: 1 }]); const top = df.head(1);",
  );
  assert.is(reply.status, "ok", reply.traceback?.join("\n"));
  for (const name of ["df", "top"]) {
    const code = `${name}.`;
    const { matches } = await client.ask("shell", "complete_request", { code, cursor_pos: code.length });
    assert.ok(matches.includes("describe"), `${code} ${matches}`);
    assert.not.match(matches[0]!, /^[$_]/);
    const call = `${name}.sortValues(`;
    const { data } = await client.ask("shell", "inspect_request", {
      code: call,
      cursor_pos: call.length,
      detail_level: 0,
    });
    assert.match(data["text/plain"], /ascending\?: boolean[\s\S]*Sorts a Dataframe/);
  }
});

test("inspection gives type and documentation; with detail also the source", async () => {
  await client.run("/** Adds one. */\nfunction increment(x: number): number {\n  return x + 1;\n}");
  const inspect = (code: string, cursor_pos: number, detail_level: number) =>
    client.ask("shell", "inspect_request", { code, cursor_pos, detail_level });
  const short = await inspect("increment", 4, 0);
  assert.ok(short.found);
  assert.match(short.data["text/plain"], "function increment(x: number): number");
  assert.match(short.data["text/plain"], "Adds one.");
  assert.not.match(short.data["text/plain"], "return x + 1");
  const long = await inspect("increment", 4, 1);
  assert.match(long.data["text/plain"], "return x + 1");
  assert.match((await inspect("increment(", 10, 0)).data["text/plain"], "Adds one.");
  assert.equal([(await inspect("   ", 1, 0)).found, (await inspect("nowhere", 3, 0)).found], [false, false]);
});

test("is_complete tells complete, incomplete with indent, and invalid", async () => {
  const ask = (code: string) => client.ask("shell", "is_complete_request", { code });
  assert.equal(await ask("const a = 1"), { status: "complete" });
  assert.equal(await ask("if (a) {\n  for (;;) {"), { status: "incomplete", indent: "    " });
  assert.equal(await ask("const = 1"), { status: "invalid" });
  assert.equal(await ask("!ls"), { status: "complete" });
});

test("history is kept over a restart of the kernel", async () => {
  await client.run("'a cell to remember'");
  const next = await Client.start({ env: { SPEAKERSCOPE_HISTORY: history } });
  try {
    const { history: found } = await next.ask("shell", "history_request", {
      hist_access_type: "search",
      pattern: "*cell to remember*",
      n: 1,
      output: false,
      raw: true,
    });
    assert.is(found[0][2], "'a cell to remember'");
  } finally {
    await next.close();
  }
});

test("a busy loop leaves heartbeat, kernel_info and output alive", async () => {
  const id = await client.sendCell(
    "console.log('before'); const until = Date.now() + 3000; while (Date.now() < until);",
  );
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "stream"));
  const began = Date.now();
  for (let i = 0; i < 20; i++) assert.is(await client.heartbeat(), "ping");
  assert.is((await client.ask("shell", "kernel_info_request", {})).status, "ok");
  assert.is((await client.ask("control", "kernel_info_request", {})).status, "ok");
  assert.not(
    client.iopub.some((m) => m.parent === id && m.content.execution_state === "idle"),
    "still busy",
  );
  assert.ok(Date.now() - began < 3000, "all answered while the loop ran");
  await client.finished(id);
});

test("a message with a wrong signature is dropped, and the next one is answered", async () => {
  const forged = client.frames(
    "execute_request",
    { code: "(globalThis as any).forged = 1" },
    { key: "wrong" },
  );
  await client.sendFrames("shell", forged.frames);
  await client.sendFrames("shell", ["<IDS|MSG>", "0", "not JSON", "{}", "{}", "{}"]);
  await client.sendFrames("shell", ["nonsense"]);
  assert.is(await client.value("(globalThis as any).forged ?? 'nothing'"), "'nothing'");
  assert.not(client.iopub.some((m) => m.parent === forged.id));
  assert.match(client.log, "signature is wrong");
});

test("messages of 50 MB go both ways", async () => {
  const size = 50_000_000;
  const { messages } = await client.run(
    `import { display as showBig } from "speakerscope/kernel"; showBig.bundle({ "text/plain": "x".repeat(${size}) });`,
  );
  assert.is(messages[0].content.data["text/plain"].length, size);
  const id = await client.send("shell", "comm_msg", { comm_id: "none", data: { text: "y".repeat(size) } });
  await client.until(() => client.iopub.some((m) => m.parent === id && m.content.execution_state === "idle"));
  const { reply } = await client.run(`1 // ${"z".repeat(1_000_000)}`);
  assert.is(reply.status, "ok");
});

test("every new subscriber is welcomed before anything else, also while a cell prints", async () => {
  const id = await client.sendCell(
    `import { display as showOften } from "speakerscope/kernel";
for (let i = 0; i < 400; i++) { for (let j = 0; j < 5; j++) showOften.text("x"); await new Promise((r) => setTimeout(r, 3)) }`,
  );
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "display_data"));
  const watchers: Awaited<ReturnType<Client["subscribe"]>>[] = [];
  try {
    for (let i = 0; i < 40; i++) {
      watchers.push(await client.subscribe());
      await sleep(10);
    }
    await client.until(() => watchers.every((w) => w.types.length > 0));
    assert.equal([...new Set(watchers.map((w) => w.types[0]))], ["iopub_welcome"]);
    await client.finished(id);
  } finally {
    for (const watcher of watchers) watcher.close();
  }
});

test("a subscriber that comes while another leaves is heard, also while a cell prints", async () => {
  const id = await client.sendCell(
    `import { display as showMore } from "speakerscope/kernel";
for (let i = 0; i < 300; i++) { for (let j = 0; j < 10; j++) showMore.text("x"); await new Promise((r) => setTimeout(r, 3)) }`,
  );
  await client.until(() => client.iopub.some((m) => m.parent === id && m.type === "display_data"));
  let watcher = await client.subscribe();
  for (let i = 0; i < 60; i++) {
    // As a page does that is loaded again.
    watcher.close();
    const next = await client.subscribe();
    await client.until(() => next.types.length > 0, 10_000);
    assert.is(next.types[0], "iopub_welcome");
    watcher = next;
  }
  watcher.close();
  await client.finished(id);
});

test("output of a flood arrives whole, in few messages", async () => {
  const { stdout, messages } = await client.run("for (let i = 0; i < 20000; i++) console.log(i)");
  assert.is(stdout, Array.from({ length: 20000 }, (_, i) => `${i}\n`).join(""));
  assert.ok(messages.length < 400, String(messages.length));
  await sleep(0);
});

test.run();
