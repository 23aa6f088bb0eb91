export {
  type ByteSource,
  type PickleValue,
  readPickle,
  readPickleDictEntries,
} from "./read-pickle.js";
export { pickleDict, writePickle } from "./write-pickle.js";
