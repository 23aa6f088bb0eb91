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
  assert.throws(() => codec.decode(signed(parts, "0".repeat(64))), /invalid signature/);
  assert.throws(() => codec.decode(signed(parts, "short")), /invalid signature/);
  assert.throws(() => codec.decode(signed(parts)), SyntaxError);
});

test("decode refuses frames that are no message", () => {
  assert.throws(() => codec.decode([]), /invalid frames/);
  assert.throws(() => codec.decode(signed(["{}", "{}"])), /invalid frames/);
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
  assert.is(open.decode(frames.map((f) => Buffer.from(f))).header.msg_type, "x");
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
