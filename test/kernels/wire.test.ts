import { createHmac } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { toPoints, toUnits } from "../../kernels/speakerscope/code-points.js";
import { createCodec } from "../../kernels/speakerscope/wire.js";

const key = "secret";
const codec = createCodec({ key, signature_scheme: "hmac-sha256" });

/** Frames as the protocol's documentation describes them, signed here. */
function signed(parts: string[], signature = createHmac("sha256", key).update(parts.join("")).digest("hex")) {
  return ["identity", "<IDS|MSG>", signature, ...parts].map((part) => Buffer.from(part));
}

test("decode takes a signed message apart", () => {
  const parts = ['{"msg_id":"1","msg_type":"x"}', "{}", '{"m":1}', '{"code":"é"}'];
  const message = codec.decode([...signed(parts), Buffer.from("raw")]);
  assert.is(message.identities[0].toString(), "identity");
  assert.is(message.header.msg_type, "x");
  assert.equal(message.metadata, { m: 1 });
  assert.equal(message.content, { code: "é" });
  assert.is(message.buffers[0].toString(), "raw");
});

test("decode refuses a wrong signature before it parses anything", () => {
  const parts = ["not JSON", "{}", "{}", "{}"];
  assert.throws(() => codec.decode(signed(parts, "0".repeat(64))), /signature is wrong/);
  assert.throws(() => codec.decode(signed(parts, "short")), /signature is wrong/);
  assert.throws(() => codec.decode(signed(parts)), SyntaxError);
});

test("decode refuses frames that are no message", () => {
  assert.throws(() => codec.decode([]), /frames are not those/);
  assert.throws(() => codec.decode(signed(["{}", "{}"])), /frames are not those/);
});

test("decode refuses parts that are not what the protocol says", () => {
  const header = '{"msg_id":"1","msg_type":"x"}';
  for (const [parts, reason] of [
    [["null", "{}", "{}", "{}"], /header is no object/],
    [["{}", "{}", "{}", "{}"], /msg_id in its header is no text/],
    [['{"msg_id":"2"}', "{}", "{}", "{}"], /msg_type in its header is no text/],
    [['{"msg_id":"3","msg_type":7}', "{}", "{}", "{}"], /msg_type in its header is no text/],
    [[header, "[]", "{}", "{}"], /parent_header is no object/],
    [[header, "{}", "1", "{}"], /metadata is no object/],
    [[header, "{}", "{}", "null"], /content is no object/],
  ] as const)
    assert.throws(() => codec.decode(signed([...parts])), reason);
});

test("decode takes a signed message once, and forgets the oldest of many", () => {
  const own = createCodec({ key, signature_scheme: "hmac-sha256" });
  const message = (id: number) => signed([`{"msg_id":"${id}","msg_type":"x"}`, "{}", "{}", "{}"]);
  own.decode(message(0));
  assert.throws(() => own.decode(message(0)), /came before/);
  for (let id = 1; id <= 1 << 16; id++) own.decode(message(id));
  assert.throws(() => own.decode(message(1 << 16)), /came before/);
  own.decode(message(0));
});

test("decode keeps nothing of a header that could not be written again", () => {
  const depth = 20_000;
  const deep = `{"msg_id":"deep","msg_type":"x","extra":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const { header } = codec.decode(signed([deep, "{}", "{}", "{}"]));
  assert.equal(header, { msg_id: "deep", msg_type: "x" });
});

test("encode signs header, parent, metadata and content in this order", () => {
  const [topic, delimiter, signature, ...parts] = codec
    .encode(["stream"], { type: "stream", content: { name: "stdout", text: "é" } })
    .map(String);
  assert.is(topic, "stream");
  assert.is(delimiter, "<IDS|MSG>");
  assert.is(signature, createHmac("sha256", key).update(parts.join("")).digest("hex"));
  const [header, parent, metadata, content] = parts.map((part) => JSON.parse(part));
  assert.is(header.msg_type, "stream");
  assert.is(header.version, "5.4");
  assert.equal([parent, metadata, content], [{}, {}, { name: "stdout", text: "é" }]);
});

test("encode passes content that is JSON already and appends buffers", () => {
  const frames = codec.encode([], { type: "x", content: '{"a":1}', buffers: [Buffer.from([1, 2])] });
  assert.is(frames[5], '{"a":1}');
  assert.equal(frames[6], Buffer.from([1, 2]));
});

test("without a key nothing is signed and nothing is checked", () => {
  const open = createCodec({ key: "", signature_scheme: "hmac-sha256" });
  const frames = open.encode([], { type: "x", content: {} });
  assert.is(frames[1], "");
  // A client without a key may send the same bytes again.
  for (let i = 0; i < 2; i++) assert.is(open.decode(frames.map((f) => Buffer.from(f))).header.msg_type, "x");
});

test("positions count code points on the wire and UTF-16 units inside", () => {
  const text = "a😀b";
  assert.equal(
    [0, 1, 2, 3, 9].map((n) => toUnits(text, n)),
    [0, 1, 3, 4, 4],
  );
  assert.equal(
    [0, 1, 3, 4, 9].map((n) => toPoints(text, n)),
    [0, 1, 2, 3, 3],
  );
});

test.run();
