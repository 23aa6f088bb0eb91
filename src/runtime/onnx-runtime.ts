type OnnxRuntime = typeof import("onnxruntime-node");

/*
 * Both are read once, when the native library starts, so they are set before anything can load it. They are not options
 * of a session: the Node binding passes the device's number to the CUDA provider and nothing else.
 *
 * - Telemetry would write ~/.cache/Microsoft and queue events for ONNX Runtime's maker.
 * - TF32 keeps ten bits of a product's mantissa. ONNX Runtime has it on by default, TensorFlow's loader turns it off, so
 *   embeddings would depend on which of the two came first.
 */
process.env.ORT_DISABLE_TELEMETRY = "1";
process.env.NVIDIA_TF32_OVERRIDE = "0";

/** ONNX Runtime, loaded when it is first needed. */
export const onnxRuntime = (): OnnxRuntime => require("onnxruntime-node") as OnnxRuntime;
