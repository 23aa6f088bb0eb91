import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fuzz } from "./fuzz.js";

const readers = suite("readers of audio, pickles and .npy files");
readers(
  "take no mutant of a file for a sound one, and neither crash nor hang nor take all memory",
  async () => {
    assert.equal(await fuzz({ count: 600, seed: 7 }), []);
  },
);
readers.run();
