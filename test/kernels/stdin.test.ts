import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Dealer } from "zeromq";
import { Client } from "./client.js";

const test = suite("stdin");
let client: Client;

test.before(async () => {
  client = await Client.start();
});
test.after(() => client.close());

/** Runs a cell, answers what it asks, and gives the prompts and what came out. */
async function answered(
  code: string,
  answers: string[],
): Promise<{ prompts: string[]; stdout: string; value?: string }> {
  const id = await client.sendCell(code, { allow_stdin: true });
  const prompts: string[] = [];
  for (const value of answers) {
    prompts.push((await client.inputRequest()).content.prompt);
    await client.send("stdin", "input_reply", { value });
  }
  const { reply, stdout, messages } = await client.finished(id);
  assert.is(reply.status, "ok", reply.traceback?.join("\n"));
  const value = messages.find((m) => m.type === "execute_result")?.content.data["text/plain"];
  return { prompts, stdout, value };
}

const lines = "createInterface({ input: process.stdin, output: process.stdout })";

test("readline's question asks, with promises", async () => {
  const code = `const rl = require("node:readline/promises").${lines}; const name = await rl.question("name? "); const age = await rl.question("age? "); rl.close(); [name, age]`;
  const { prompts, value, stdout } = await answered(code, ["bob", "7"]);
  assert.equal([prompts, value, stdout], [["name? ", "age? "], "[ 'bob', '7' ]", ""]);
});

test("readline's question asks, with a callback, and the cell waits for it", async () => {
  const code = `import * as readline from "node:readline"; const rl2 = readline.${lines};
rl2.question("name? ", (name) => rl2.question("age? ", (age) => { console.log(name, age); rl2.close(); }));`;
  const { prompts, stdout } = await answered(code, ["ann", "8"]);
  assert.equal([prompts, stdout], [["name? ", "age? "], "ann 8\n"]);
});

test("readline's lines are asked for one by one, behind the prompt", async () => {
  const code = `const rl3 = require("node:readline").${lines}; rl3.setPrompt("> "); rl3.prompt(); const got: string[] = [];
for await (const line of rl3) { got.push(line); if (got.length === 2) break; rl3.prompt(); } got`;
  const { prompts, value } = await answered(code, ["one", "two"]);
  assert.equal([prompts[0], value], ["> ", "[ 'one', 'two' ]"]);
});

test("process.stdin asks whoever reads it", async () => {
  const once = await answered(
    `process.stdout.write("text: "); const data: Buffer = await new Promise((r) => process.stdin.once("data", r)); String(data)`,
    ["hello"],
  );
  assert.equal([once.prompts, once.value], [["text: "], "'hello\\n'"]);
  const code = `process.stdin.setEncoding("utf8"); const parts: string[] = []; for await (const part of process.stdin) { parts.push(part); if (parts.length === 2) break; } parts`;
  assert.is((await answered(code, ["x", "y"])).value, "[ 'x\\n', 'y\\n' ]");
});

test("an interface that nobody asks anything asks nothing", async () => {
  const { value } = await answered(
    `const idle = require("node:readline").${lines}; await new Promise((r) => setTimeout(r, 100)); idle.close(); 5`,
    [],
  );
  assert.is(value, "5");
});

test("two inputs at once are asked one after the other", async () => {
  const code = `import { input } from "speakerscope/kernel"; await Promise.all([input("a? "), input("b? "), input("c? ")])`;
  const { prompts, value } = await answered(code, ["1", "2", "3"]);
  assert.equal([prompts, value], [["a? ", "b? ", "c? "], "[ '1', '2', '3' ]"]);
});

test("a prompt that blocks waits for its turn, too", async () => {
  const code = `import { input } from "speakerscope/kernel"; const early = input("a? "); const late = prompt("b?"); [await early, late]`;
  const { prompts, value } = await answered(code, ["1", "2"]);
  assert.equal([prompts, value], [["a? ", "b? "], "[ '1', '2' ]"]);
});

test("only the client that was asked may answer, and only what it was asked", async () => {
  const other = new Dealer({ routingId: "somebody-else", linger: 0 });
  other.connect(`tcp://127.0.0.1:${client.connection.stdin_port}`);
  const id = await client.sendCell(`await (await import("speakerscope/kernel")).input("secret? ")`, {
    allow_stdin: true,
  });
  await client.inputRequest();
  await other.send(client.frames("input_reply", { value: "stolen" }).frames);
  await client.until(() => /Another client was asked/.test(client.log));
  await client.send("stdin", "input_reply", { value: 5 } as never);
  await client.send("stdin", "input_reply", { value: "mine" });
  const { messages, reply } = await client.finished(id);
  assert.is(reply.status, "ok", reply.traceback?.join("\n"));
  const result = messages.find((m) => m.type === "execute_result");
  assert.is(result?.content.data["text/plain"], "'mine'");
  // Nobody has asked for this one.
  await client.send("stdin", "input_reply", { value: "early" });
  const { value } = await answered(`await (await import("speakerscope/kernel")).input("next? ")`, ["asked"]);
  assert.is(value, "'asked'");
  other.close();
});

test("a question that was interrupted is forgotten", async () => {
  const id = await client.sendCell(
    `const rl5 = require("node:readline/promises").${lines}; await rl5.question("never? ")`,
    {
      allow_stdin: true,
    },
  );
  await client.inputRequest();
  await client.interrupt();
  assert.is((await client.finished(id)).reply.ename, "KernelInterrupted");
  const reading = await client.sendCell(`await new Promise((r) => process.stdin.once("data", r))`, {
    allow_stdin: true,
  });
  await client.inputRequest();
  await client.interrupt();
  await client.finished(reading);
  const { value } = await answered(`String(await new Promise((r) => process.stdin.once("data", r)))`, [
    "again",
  ]);
  assert.is(value, "'again\\n'");
});

test("where nobody can answer a question fails, and process.stdin is at its end", async () => {
  const { reply } = await client.run(`await require("node:readline/promises").${lines}.question("?")`);
  assert.match(reply.evalue, "cannot answer questions");
  assert.is(
    await client.value(`let seen = ""; for await (const part of process.stdin) seen += part; seen`),
    "''",
  );
  assert.is(
    (await answered(`String(await new Promise((r) => process.stdin.once("data", r)))`, ["now"])).value,
    "'now\\n'",
  );
});

test.run();
