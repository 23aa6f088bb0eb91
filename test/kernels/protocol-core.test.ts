import { test } from "uvu";
import * as assert from "uvu/assert";
import { History } from "../../kernels/speakerscope/history.js";
import type { CellRequest, Outcome } from "../../kernels/speakerscope/messages.js";
import { type Engine, Protocol } from "../../kernels/speakerscope/protocol.js";
import { createCodec } from "../../kernels/speakerscope/wire.js";

const codec = createCodec({ key: "k", signature_scheme: "hmac-sha256" });
const fine: Outcome = { error: null, resultText: null, expressions: {}, payload: [] };
const broken: Outcome = { ...fine, error: { ename: "E", evalue: "v", traceback: ["t"] } };

interface Sent {
  channel: string;
  type: string;
  content: Record<string, unknown>;
  parent: string | undefined;
}

/** The protocol core between two arrays: no socket, no thread, no TypeScript. */
function setUp(overrides: Partial<Engine> = {}) {
  const sent: Sent[] = [];
  const cells: CellRequest[] = [];
  const note = (channel: string, frames: (Buffer | string | Uint8Array)[]) => {
    const at = frames.findIndex((f) => String(f) === "<IDS|MSG>");
    const [header, parent, , content] = frames.slice(at + 2).map((f) => JSON.parse(String(f)));
    sent.push({ channel, type: header.msg_type, content, parent: parent.msg_id });
    return Promise.resolve();
  };
  const engine: Engine = {
    execute: async (cell) => {
      cells.push(cell);
      return fine;
    },
    ask: async () => null,
    comm: async () => {},
    interrupt() {},
    shutdown: async () => {},
    input() {},
    release() {},
    unsent: () => 0,
    ...overrides,
  };
  const protocol = new Protocol({
    codec,
    sockets: { send: note, publish: (frames) => note("iopub", frames), close() {} },
    engine,
    history: new History(null, 7),
    versions: { kernel: "1", typescript: "5", node: "v20" },
    graceMs: 1,
  });
  const receive = (type: string, content: object, channel: "shell" | "control" | "stdin" = "shell") => {
    const frames = codec.encode(["me"], { type, content: content as Record<string, unknown> });
    const id = JSON.parse(String(frames[3])).msg_id as string;
    return {
      id,
      done: protocol.receive(
        channel,
        frames.map((f) => Buffer.from(f)),
      ),
    };
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60));
  return { protocol, sent, cells, receive, settle };
}

const types = (sent: Sent[], id: string) =>
  sent.filter((m) => m.parent === id).map((m) => (m.type === "status" ? m.content.execution_state : m.type));

test("a request is framed by busy and idle, with its reply between them", async () => {
  const { sent, receive } = setUp();
  const { id, done } = receive("kernel_info_request", {});
  await done;
  assert.equal(types(sent, id), ["busy", "kernel_info_reply", "idle"]);
});

test("codemirror_mode is a plain string", async () => {
  const { sent, receive } = setUp();
  await receive("kernel_info_request", {}).done;
  const reply = sent.find((m) => m.type === "kernel_info_reply")?.content as {
    language_info: { codemirror_mode: unknown };
  };
  assert.is(reply.language_info.codemirror_mode, "typescript");
});

test("a request that nobody knows gets no reply but still ends idle", async () => {
  const { sent, receive } = setUp();
  for (const type of ["nonsense_request", "toString", "constructor"]) {
    const { id, done } = receive(type, {});
    await done;
    assert.equal(types(sent, id), ["busy", "idle"]);
  }
});

test("cells run one after the other, in order", async () => {
  const order: string[] = [];
  const { receive, settle } = setUp({
    execute: async (cell) => {
      order.push(`begin ${cell.code}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${cell.code}`);
      return fine;
    },
  });
  for (const code of ["a", "b"]) receive("execute_request", { code });
  await settle();
  assert.equal(order, ["begin a", "end a", "begin b", "end b"]);
});

test("after an error the cells that wait are aborted, unless stop_on_error is false", async () => {
  for (const stop of [true, false]) {
    const { sent, receive, settle } = setUp({
      execute: async (cell) => (cell.code === "bad" ? broken : fine),
    });
    receive("execute_request", { code: "bad", stop_on_error: stop });
    const next = receive("execute_request", { code: "good" });
    await settle();
    const reply = sent.find((m) => m.type === "execute_reply" && m.parent === next.id);
    assert.is(reply?.content.status, stop ? "aborted" : "ok");
    assert.is(types(sent, next.id).at(-1), "idle");
  }
});

test("an aborted cell is not counted", async () => {
  const { sent, receive, settle } = setUp({
    execute: async (cell) => (cell.code === "bad" ? broken : fine),
  });
  for (const code of ["bad", "good"]) receive("execute_request", { code });
  await settle();
  const last = receive("execute_request", { code: "x" });
  await settle();
  const reply = sent.find((m) => m.type === "execute_reply" && m.parent === last.id);
  assert.is(reply?.content.execution_count, 2);
});

test("silent cells publish nothing but status, are not counted and not remembered", async () => {
  const { protocol, sent, receive, settle } = setUp({
    execute: async (cell) => {
      protocol.stream(cell.id, "stdout", "text");
      protocol.publish(cell.id, { type: "display_data", content: {} });
      return broken;
    },
  });
  const { id } = receive("execute_request", { code: "x", silent: true, store_history: true });
  await settle();
  assert.equal(types(sent, id), ["busy", "execute_reply", "idle"]);
  const reply = sent.find((m) => m.type === "execute_reply")?.content;
  assert.equal([reply?.status, reply?.execution_count], ["error", 0]);
  await receive("history_request", { hist_access_type: "tail", n: 5 }).done;
  assert.equal(sent.find((m) => m.type === "history_reply")?.content.history, []);
});

test("streams of one cell are collected and keep their order with other messages", async () => {
  const { protocol, sent, receive, settle } = setUp({
    execute: async (cell) => {
      protocol.stream(cell.id, "stdout", "a");
      protocol.stream(cell.id, "stdout", "b");
      protocol.stream(cell.id, "stderr", "c");
      protocol.publish(cell.id, { type: "display_data", content: {} });
      protocol.stream(cell.id, "stdout", "d");
      return fine;
    },
  });
  receive("execute_request", { code: "x" });
  await settle();
  const seen = sent.filter((m) => m.type === "stream" || m.type === "display_data");
  assert.equal(
    seen.map((m) => m.content.text ?? m.type),
    ["ab", "c", "display_data", "d"],
  );
});

test("a question while a cell runs does not leave the kernel looking idle", async () => {
  const { sent, receive, settle } = setUp({
    execute: () => new Promise((resolve) => setTimeout(() => resolve(fine), 40)),
  });
  const cell = receive("execute_request", { code: "x" });
  await receive("kernel_info_request", {}).done;
  const last = sent.filter((m) => m.type === "status").at(-1);
  assert.equal([last?.parent, last?.content.execution_state], [cell.id, "busy"]);
  await settle();
});

test("comm messages reach the engine one after the other, and only for comms that are open", async () => {
  const heard: unknown[] = [];
  let busy = 0;
  const { sent, receive } = setUp({
    comm: async ({ type, id, target, data }) => {
      assert.is(busy++, 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      busy--;
      heard.push([type, id, target, data]);
    },
  });
  const dead = receive("comm_msg", { comm_id: "dead", data: {} });
  await dead.done;
  assert.equal(types(sent, dead.id), ["busy", "comm_close", "idle"]);
  await Promise.all([
    receive("comm_open", { comm_id: "c1", target_name: "t", data: { a: 1 } }).done,
    receive("comm_msg", { comm_id: "c1", data: { b: 2 } }).done,
    receive("comm_close", { comm_id: "c1", data: {} }).done,
    receive("comm_close", { comm_id: "c1", data: {} }).done,
    receive("comm_msg", { comm_id: 5 }).done,
  ]);
  assert.equal(heard, [
    ["comm_open", "c1", "t", { a: 1 }],
    ["comm_msg", "c1", "", { b: 2 }],
    ["comm_close", "c1", "", {}],
  ]);
});

test("a cell waits for the comm messages that came before it, and its comm messages are never dropped", async () => {
  const order: string[] = [];
  const { protocol, sent, receive, settle } = setUp({
    comm: async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      order.push("comm");
    },
    execute: async (cell) => {
      order.push("cell");
      protocol.publish(cell.id, { type: "comm_open", content: { comm_id: "own", target_name: "t" } });
      return fine;
    },
  });
  receive("comm_open", { comm_id: "c", target_name: "t", data: {} });
  const { id } = receive("execute_request", { code: "x", silent: true });
  await settle();
  assert.equal(order, ["comm", "cell"]);
  assert.ok(sent.some((m) => m.type === "comm_open" && m.parent === id));
});

test("a comm that a cell opens is listed until either side closes it", async () => {
  const { protocol, sent, receive } = setUp();
  const list = async (filter = {}) => {
    await receive("comm_info_request", filter).done;
    return sent.filter((m) => m.type === "comm_info_reply").at(-1)?.content.comms;
  };
  protocol.publish(null, { type: "comm_open", content: { comm_id: "c", target_name: "t" } });
  assert.equal(await list(), { c: { target_name: "t" } });
  assert.equal(await list({ target_name: "other" }), {});
  await receive("comm_close", { comm_id: "c" }).done;
  assert.equal(await list(), {});
});

test("a question that fails is answered with its error", async () => {
  const { sent, receive } = setUp({ ask: () => Promise.reject(new TypeError("no")) });
  await receive("complete_request", { code: "x", cursor_pos: 1 }).done;
  const reply = sent.find((m) => m.type === "complete_reply")?.content;
  assert.equal([reply?.status, reply?.ename, reply?.evalue], ["error", "TypeError", "no"]);
});

test("completion translates positions both ways", async () => {
  const asked: unknown[] = [];
  const { sent, receive } = setUp({
    ask: async (question) => {
      asked.push(question);
      return { matches: ["ab"], types: ["let"], start: 3, end: 4 };
    },
  });
  await receive("complete_request", { code: "😀;a", cursor_pos: 3 }).done;
  assert.equal(asked, [{ ask: "complete", code: "😀;a", position: 4 }]);
  const reply = sent.find((m) => m.type === "complete_reply")?.content;
  assert.equal([reply?.cursor_start, reply?.cursor_end], [2, 3]);
});

test("shutdown is answered, broadcast, and only then carried out", async () => {
  const order: string[] = [];
  const { sent, receive } = setUp({
    shutdown: async () => {
      order.push(...sent.map((m) => `${m.channel} ${m.type}`));
    },
  });
  await receive("shutdown_request", { restart: true }, "control").done;
  assert.ok(order.includes("control shutdown_reply"));
  assert.ok(order.includes("iopub shutdown_reply"));
  assert.equal(sent.find((m) => m.type === "shutdown_reply")?.content, { status: "ok", restart: true });
});

test("what a cell that prints without end had not sent is dropped by an interrupt, with a line that says so", async () => {
  let released = 0;
  let end = () => {};
  let cell = 0;
  const { protocol, sent, receive, settle } = setUp({
    execute: ({ id }) => {
      cell = id;
      return new Promise((resolve) => {
        end = () => resolve(broken);
      });
    },
    unsent: () => 1 << 20,
    release: (size) => {
      released += size;
    },
  });
  const { id } = receive("execute_request", { code: "x" });
  protocol.stream(cell, "stdout", "a".repeat(1000));
  await receive("interrupt_request", {}, "control").done;
  protocol.stream(cell, "stdout", "b".repeat(1000));
  protocol.publish(cell, { type: "display_data", content: {} }, 3000);
  end();
  await settle();
  protocol.stream(cell, "stdout", "c".repeat(1000));
  await settle();
  const streams = sent.filter((m) => m.parent === id && m.type === "stream");
  assert.is(streams.length, 1);
  assert.is(streams[0].content.name, "stderr");
  assert.match(String(streams[0].content.text), "Interrupted: 5 KiB of unsent output were dropped");
  assert.is(released, 6000);
});

test("an interrupt takes nothing away from a cell that prints little", async () => {
  const { protocol, sent, receive, settle } = setUp({
    execute: async ({ id }) => {
      protocol.stream(id, "stdout", "a");
      await receive("interrupt_request", {}, "control").done;
      protocol.stream(id, "stdout", "b");
      return broken;
    },
    unsent: () => 2,
  });
  receive("execute_request", { code: "x" });
  await settle();
  assert.equal(
    sent.filter((m) => m.type === "stream").map((m) => m.content.text),
    ["ab"],
  );
});

test("an unsigned message is dropped without a word to the sender", async () => {
  const { protocol, sent } = setUp();
  const before = sent.length;
  await protocol.receive(
    "shell",
    ["<IDS|MSG>", "", "{}", "{}", "{}", "{}"].map((f) => Buffer.from(f)),
  );
  assert.is(sent.length, before);
});

test.run();
