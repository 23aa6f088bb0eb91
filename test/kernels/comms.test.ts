import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Client, type Incoming } from "./client.js";

const test = suite("comms");
let client: Client;

test.before(async () => {
  client = await Client.start();
  await runs('import { widget, openComm, onComm } from "speakerscope/kernel"');
});
test.after(() => client.close());

interface Data {
  method: string;
  state: Record<string, unknown>;
  states: Record<string, { model_name: string; state: Record<string, unknown> }>;
  buffer_paths: (string | number)[][];
  content: unknown;
}
const dataOf = (message: Incoming) => message.content.data as unknown as Data;
const idOf = (message: Incoming) => (message.content as unknown as { comm_id: string }).comm_id;

/** Sends what a page would, and waits until the kernel has handled it. */
async function say(
  type: string,
  content: object,
  buffers: Buffer[] = [],
): Promise<{ id: string; answers: Incoming[] }> {
  const { id, frames } = client.frames(type, content);
  await client.sendFrames("shell", [...frames, ...buffers]);
  await client.until(() => client.iopub.some((m) => m.parent === id && m.content.execution_state === "idle"));
  return { id, answers: client.iopub.filter((m) => m.parent === id && m.type.startsWith("comm")) };
}
const msg = (comm_id: string, data: object, buffers: Buffer[] = []) =>
  say("comm_msg", { comm_id, data }, buffers);

async function runs(code: string, options: object = {}) {
  const run = await client.run(code, options);
  assert.is(run.reply.status, "ok", run.reply.traceback?.join("\n"));
  return run;
}

/** Makes a widget and gives its id with the message that opened it. */
async function open(name: string, options: string): Promise<{ id: string; opened: Incoming }> {
  const { messages } = await runs(`const ${name} = widget({ esm: "export default {}", ${options} });`);
  const opened = messages.find((m) => m.type === "comm_open")!;
  return { id: idOf(opened), opened };
}

test("a widget opens a comm with the state that anywidget's front end wants", async () => {
  const { id, opened } = await open(
    "first",
    `css: "b {}", state: { count: 1, deep: [new Uint8Array([1, 2])] }`,
  );
  const { target_name } = opened.content as unknown as { target_name: string };
  assert.is(target_name, "jupyter.widget");
  assert.equal(opened.metadata, { version: "2.1.0" });
  const { state, buffer_paths } = dataOf(opened);
  const { _anywidget_id, ...rest } = state;
  assert.match(String(_anywidget_id), /^speakerscope\./);
  assert.equal(rest, {
    _model_name: "AnyModel",
    _model_module: "anywidget",
    _model_module_version: "*",
    _view_name: "AnyView",
    _view_module: "anywidget",
    _view_module_version: "*",
    _esm: "export default {}",
    _css: "b {}",
    _dom_classes: [],
    count: 1,
    deep: [null],
  });
  assert.equal(buffer_paths, [["deep", 0]]);
  assert.equal(opened.buffers, [Buffer.from([1, 2])]);
  const { comms } = await client.ask("shell", "comm_info_request", { target_name: "jupyter.widget" });
  assert.equal(comms, { [id]: { target_name: "jupyter.widget" } });
});

test("a widget is shown by its model, with HTML and text beside it; where nobody is, by these alone", async () => {
  await open("shown", `state: { count: 1 }, html: "<i>one</i>"`);
  const [{ content }] = (await runs("shown", { allow_stdin: true })).messages;
  const { "application/vnd.jupyter.widget-view+json": view, ...rest } = content.data as Record<
    string,
    unknown
  >;
  assert.equal(rest, { "text/plain": "widget({ count: 1 })", "text/html": "<i>one</i>" });
  assert.is(view && typeof (view as { model_id: string }).model_id, "string");
  const [unattended] = (await runs("shown")).messages;
  assert.equal(unattended.content.data, rest);
  await runs("shown.close()");
  assert.is(await client.value("shown"), "widget({ count: 1 }), closed");
});

test("what a page changes reaches the kernel, its callbacks and the other pages", async () => {
  const { id } = await open("changed", "state: { count: 1, name: 'a', same: 1 }");
  const run = await runs(
    "changed.on('change:count', (now, before) => console.log('count', before, now)); changed.on('change:same', () => console.log('never'));",
  );
  const { id: sent, answers } = await msg(id, { method: "update", state: { count: 5, same: 1 } });
  assert.is(answers.length, 1);
  assert.equal(dataOf(answers[0]), { method: "echo_update", state: { count: 5, same: 1 }, buffer_paths: [] });
  assert.is(answers[0].parent, sent);
  assert.is(await client.value("changed.get('count')"), "5");
  // What it prints appears under the cell that registered it.
  const cell = run.all[0].parent;
  const printed = await client.until(() =>
    client.iopub.find((m) => m.type === "stream" && m.parent === cell),
  );
  assert.is(printed.content.text, "count 1 5\n");
});

test("what a cell changes is sent, unless it is the same", async () => {
  await open("sent", "state: { count: 1, list: [1] as number[] }");
  const updates = async (code: string) =>
    (await runs(code)).messages.filter((m) => m.type === "comm_msg").map((m) => dataOf(m).state);
  assert.equal(await updates("sent.set('count', 2)"), [{ count: 2 }]);
  assert.equal(await updates("sent.set('count', 2)"), []);
  assert.equal(await updates("sent.get('list').push(2); sent.set({ count: 2, list: sent.get('list') });"), [
    { list: [1, 2] },
  ]);
  const wrong = await client.run("sent.set('count', 'x')");
  assert.match(wrong.reply.evalue, "not assignable", "it is typed");
  for (const code of [
    "(sent as any).set('f', () => 1)",
    "(sent as any).set('_esm', '')",
    "widget({ esm: '' })",
  ])
    assert.is((await client.run(code)).reply.ename, "TypeError", code);
  assert.is(await client.value("(sent as any).get('f')"), undefined);
});

test("bytes go both ways, and keep the type that the kernel gave them", async () => {
  const { id } = await open("bytes", "state: { signal: new Float32Array([1, 2]), other: null as unknown }");
  const given = Buffer.from(new Float32Array([3, 4, 5]).buffer);
  const { answers } = await msg(
    id,
    { method: "update", state: { other: {} }, buffer_paths: [["signal"], ["other", "in"]] },
    [given, Buffer.from([9])],
  );
  assert.equal(dataOf(answers[0]).buffer_paths, [["other", "in"], ["signal"]]);
  assert.equal(answers[0].buffers, [Buffer.from([9]), given]);
  const value = await client.value("[[...bytes.get('signal')], bytes.get('other')]");
  assert.is(value, "[ [ 3, 4, 5 ], { in: Uint8Array(1) [ 9 ] } ]");
  const { messages } = await runs("bytes.set('signal', new Float32Array(1e6).subarray(0, 1))");
  assert.is(messages[0].buffers[0].length, 4, "of a part of an array only that part is sent");
});

test("custom messages go both ways with their bytes", async () => {
  const { id } = await open("custom", "");
  await runs(
    "custom.on('msg:custom', (content, buffers) => custom.send({ got: content }, [new Uint8Array(buffers[0])]));",
  );
  await msg(id, { method: "custom", content: { ask: 1 } }, [Buffer.from([4, 5])]);
  const answer = await client.until(() => client.iopub.find((m) => m.type === "comm_msg" && idOf(m) === id));
  assert.equal(dataOf(answer), { method: "custom", content: { got: { ask: 1 } } } as never);
  assert.equal(answer.buffers, [Buffer.from([4, 5])]);
});

test("a page that is loaded asks for all models at once, and an old one for each", async () => {
  const { id } = await open("asked", "state: { count: 1, raw: new Uint8Array([6]) }");
  await runs("asked.set('count', 3);");
  await say("comm_open", { comm_id: "control", target_name: "jupyter.widget.control", data: {} });
  const { answers } = await msg("control", { method: "request_states" });
  const { method, states, buffer_paths } = dataOf(answers[0]);
  assert.is(method, "update_states");
  assert.is(states[id].model_name, "AnyModel");
  assert.is(states[id].state.count, 3);
  const at = buffer_paths.findIndex(([model]) => model === id);
  assert.equal(buffer_paths[at], [id, "state", "raw"]);
  assert.equal(answers[0].buffers[at], Buffer.from([6]));
  await say("comm_close", { comm_id: "control" });
  const one = await msg(id, { method: "request_state" });
  assert.is(dataOf(one.answers[0]).state.count, 3);
  assert.equal(one.answers[0].buffers, [Buffer.from([6])]);
});

test("a closed widget is forgotten on both sides", async () => {
  const gone = await open("gone", "state: { big: new Uint8Array(1000) }");
  const { messages } = await runs(
    "gone.on('close', () => console.log('closed')); gone.close(); gone.close(); gone.set('big', new Uint8Array(1)); gone.send(1)",
  );
  assert.equal(
    messages.map((m) => m.type),
    ["comm_close", "stream"],
  );
  const left = await open("left", "");
  const run = await runs("left.on('close', () => console.log('the page closed it'));");
  await say("comm_close", { comm_id: left.id, data: {} });
  await client.until(() => client.iopub.some((m) => m.type === "stream" && m.parent === run.all[0].parent));
  assert.is(await client.value("[gone.closed, left.closed]"), "[ true, true ]");
  const { comms } = await client.ask("shell", "comm_info_request", {});
  for (const { id } of [gone, left]) assert.not(id in comms);
  await say("comm_open", { comm_id: "control2", target_name: "jupyter.widget.control", data: {} });
  const { answers } = await msg("control2", { method: "request_states" });
  for (const { id } of [gone, left]) assert.not(id in dataOf(answers[0]).states);
});

test("what comes from a page of before a restart, or for no target, is answered by comm_close", async () => {
  const { answers } = await msg("of-before", { method: "update", state: {} });
  assert.equal(
    answers.map((m) => [m.type, idOf(m)]),
    [["comm_close", "of-before"]],
  );
  const opened = await say("comm_open", { comm_id: "c", target_name: "jupyter.widget", data: { state: {} } });
  assert.equal(
    opened.answers.map((m) => [m.type, idOf(m)]),
    [["comm_close", "c"]],
  );
  assert.equal((await say("comm_close", { comm_id: "of-before" })).answers, []);
});

test("messages that make no sense change nothing", async () => {
  const { id } = await open("firm", "state: { count: 1 }");
  for (const data of [
    { method: "nonsense" },
    { method: "update", state: { count: 2 }, buffer_paths: [["count", "deep"]] },
    { method: "update", state: null },
    {},
  ])
    await msg(id, data, [Buffer.from([1])]);
  for (const content of [{}, { comm_id: 7, data: 1 }, { comm_id: id, data: "text" }])
    await say("comm_msg", content);
  assert.is(await client.value("firm.get('count')"), "1");
  assert.match(client.log, "does not know the method nonsense");
});

test("an error in a callback is printed under its cell, and the kernel goes on", async () => {
  const { id } = await open("faulty", "state: { a: 1, b: 1 }");
  const run = await runs(
    "faulty.on('change:a', () => { throw new RangeError('at once') }); faulty.on('change:b', async () => { await 0; throw new RangeError('later') });",
  );
  const cell = run.all[0].parent;
  await msg(id, { method: "update", state: { a: 2, b: 2 } });
  const text = () =>
    client.iopub
      .flatMap((m) => (m.parent === cell && m.content.name === "stderr" ? [m.content.text] : []))
      .join("");
  await client.until(() => /later/.test(text()));
  assert.match(text(), /A callback of a widget for "change:a" failed:\n[\s\S]*RangeError: at once/);
  assert.match(text(), `cell[${run.reply.execution_count}]`);
  await runs("faulty.set('a', 3)");
  assert.is(await client.value("faulty.get('a') + faulty.get('b')"), "5");
});

test("messages are handled while a cell awaits, and before a cell that was sent behind them", async () => {
  const { id } = await open("during", "state: { done: false, count: 0 }");
  const cell = await client.sendCell(
    "await new Promise<void>((done) => { during.on('change:done', () => done()); console.log('waits') }); during.get('done')",
  );
  await client.until(() => client.iopub.some((m) => m.parent === cell && m.type === "stream"));
  await msg(id, { method: "update", state: { done: true } });
  assert.is((await client.finished(cell)).messages.at(-1)?.content.data["text/plain"], "true");
  await runs("during.on('change:count', () => { for (const end = Date.now() + 20; Date.now() < end; ); });");
  for (let count = 1; count <= 20; count++)
    await client.send("shell", "comm_msg", { comm_id: id, data: { method: "update", state: { count } } });
  assert.is(await client.value("during.get('count')"), "20");
});

test("a flood of messages leaves room for cells and requests", async () => {
  const { id } = await open("flooded", "state: { count: 0 }");
  const cell = await client.sendCell(
    "for (let i = 0; i < 20; i++) await new Promise((r) => setTimeout(r, 1)); 'ran on'",
  );
  for (let count = 1; count <= 1500; count++)
    void client.send("shell", "comm_msg", { comm_id: id, data: { method: "update", state: { count } } });
  assert.is((await client.ask("control", "kernel_info_request", {})).status, "ok");
  assert.is((await client.finished(cell)).messages.at(-1)?.content.data["text/plain"], "'ran on'");
  assert.is(await client.value("flooded.get('count')"), "1500");
});

test("an interrupt ends a callback that runs for ever, with or without a cell", async () => {
  const { id } = await open("endless", "state: { go: 0, count: 0 }");
  const run = await runs("endless.on('change:go', () => { console.log('going'); for (;;); });");
  const going = (n: number) =>
    client.until(
      () =>
        client.iopub.filter((m) => m.parent === run.all[0].parent && m.content.text?.includes("going"))
          .length >= n,
    );
  const stuck = msg(id, { method: "update", state: { go: 1 } });
  await going(1);
  await client.interrupt();
  await stuck;
  assert.is(await client.value("endless.get('go')"), "1");
  const cell = await client.sendCell("console.log('waits'); await new Promise(() => {})");
  await client.until(() => client.iopub.some((m) => m.parent === cell && m.type === "stream"));
  const again = msg(id, { method: "update", state: { go: 2 } });
  await going(2);
  await client.interrupt();
  await again;
  assert.is((await client.finished(cell)).reply.ename, "KernelInterrupted");
  await msg(id, { method: "update", state: { count: 1 } });
  assert.is(await client.value("endless.get('go') + endless.get('count')"), "3");
});

test("cells and pages open comms to each other, whatever their target is", async () => {
  await runs(`onComm("mine", (comm, data, buffers) => {
  comm.on("message", (data) => comm.send({ again: data }, [new Uint8Array([1])]));
  comm.send({ hello: data, bytes: buffers[0].length });
});`);
  const { frames } = client.frames("comm_open", { comm_id: "m", target_name: "mine", data: { a: 1 } });
  await client.sendFrames("shell", [...frames, Buffer.from([1, 2, 3])]);
  const from = (id: string) => client.iopub.filter((m) => m.type === "comm_msg" && idOf(m) === id);
  await client.until(() => from("m").length === 1);
  assert.equal(from("m")[0].content.data, { hello: { a: 1 }, bytes: 3 } as never);
  await msg("m", { b: 2 });
  await client.until(() => from("m").length === 2);
  assert.equal(from("m")[1].content.data, { again: { b: 2 } } as never);
  const { messages } = await runs(
    `const line = openComm("theirs", { data: { x: 1 } }); line.send({ y: 2 }); line.close();`,
  );
  assert.equal(
    messages.map((m) => [m.type, m.content.data]),
    [
      ["comm_open", { x: 1 }],
      ["comm_msg", { y: 2 }],
      ["comm_close", {}],
    ] as never,
  );
});

test.run();
