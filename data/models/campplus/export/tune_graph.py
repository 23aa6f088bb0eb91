"""Makes the graphs of CAM++ faster without another result. Needs onnx 1.23.

    python tune_graph.py campplus-zh-en-192.onnx campplus-zh-en-192-int8.onnx

1. The context mask holds a value for every 100 frames, from their sum: in 52 layers a copy with zeros at the end, a
   sum, and Gather, which goes number by number. Products with a 0/1 matrix, made once, give the same.
2. int8: two kinds of convolution get the weights of the fp32 file back. Those that make the mask see 4 columns for an
   utterance of 8 s, and quantising takes longer there than it saves. The first one, over the features themselves, does
   0.5 % of the arithmetic and most of the harm: the worst cosine to fp32 over 128 utterances was 0.969 with it.
"""

import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def segments_by_product(graph):
    """Replaces Gather over segments, and padding, reshaping and summing into segments, by products with a 0/1 matrix."""
    producer = {output: node for node in graph.node for output in node.output}
    spread = [node for node in graph.node if node.op_type == "Gather" and node.input[1] == "/Div_output_0"]
    pool = {}
    for node in graph.node:
        reshape = producer.get(node.input[0]) if node.op_type == "ReduceSum" else None
        concat = producer.get(reshape.input[0]) if reshape is not None and reshape.op_type == "Reshape" else None
        if concat is not None and concat.op_type == "Concat" and concat.input[1] == "/ConstantOfShape_output_0":
            pool[node.name] = concat.input[0]
    assert len(spread) == 52 and len(pool) == 52
    graph.initializer.append(numpy_helper.from_array(np.array([0, 1], np.float32), "not_and_is"))
    # The segment of each frame, and the number of segments.
    inputs = ["/Div_output_0", "/Div_1_output_0", "not_and_is"]
    nodes = [
        helper.make_node("OneHot", inputs, ["segment_of_frame"], axis=0),
        helper.make_node("Transpose", ["segment_of_frame"], ["frame_of_segment"], perm=[1, 0]),
    ]
    for node in graph.node:
        if node in spread:
            node = helper.make_node("MatMul", [node.input[0], "segment_of_frame"], node.output, name=node.name)
        elif node.name in pool:
            node = helper.make_node("MatMul", [pool[node.name], "frame_of_segment"], node.output, name=node.name)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(sorted_nodes(graph, nodes))
    drop_unused(graph)


def sorted_nodes(graph, nodes):
    """Each node after those that make its inputs, else in the order given."""
    known = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input} | {""}
    done = []
    while nodes:
        later = []
        for node in nodes:
            if all(name in known for name in node.input):
                done.append(node)
                known.update(node.output)
            else:
                later.append(node)
        assert len(later) < len(nodes)
        nodes = later
    return done


def unquantise(graph, full):
    """Gives the convolutions named float inputs, the weights of the fp32 graph, and float outputs."""
    weights = {tensor.name: tensor for tensor in full.initializer}
    casts = {node.output[0]: node.input[0] for node in full.node if node.op_type == "Cast"}
    producer = {output: node for node in graph.node for output in node.output}
    consumers = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    convolutions = [
        node
        for node in graph.node
        if node.op_type == "Conv"
        and any(part in node.name for part in ("/head/conv1/", "/cam_layer/linear1", "/cam_layer/linear2"))
    ]
    assert len(convolutions) == 105
    new = []
    for node in convolutions:
        source = node.input[0]
        while producer[source].op_type in ("DequantizeLinear", "QuantizeLinear"):
            source = producer[source].input[0]
        node.input[0] = source
        weight = node.input[1].removesuffix("_DequantizeLinear_Output")
        stored = weights[casts.get(weight, weight)]
        if not any(tensor.name == stored.name for tensor in graph.initializer):
            graph.initializer.append(stored)
        if weight in casts:  # stored as fp16
            node.input[1] = f"{weight}_fp32"
            new.append(helper.make_node("Cast", [stored.name], [node.input[1]], to=onnx.TensorProto.FLOAT))
        else:
            node.input[1] = weight
        for quantize in list(consumers.get(node.output[0], [])):
            if quantize.op_type != "QuantizeLinear":
                continue
            for dequantize in consumers[quantize.output[0]]:
                for user in consumers[dequantize.output[0]]:
                    for index, name in enumerate(user.input):
                        if name == dequantize.output[0]:
                            user.input[index] = node.output[0]
    nodes = new + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph)


def drop_unused(graph):
    outputs = {output.name for output in graph.output}
    while True:
        used = outputs | {name for node in graph.node for name in node.input}
        kept = [node for node in graph.node if any(name in used for name in node.output)]
        if len(kept) == len(graph.node):
            break
        del graph.node[:]
        graph.node.extend(kept)
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(tensors)


full_path, int8_path = sys.argv[1:]
full = onnx.load(full_path)
int8 = onnx.load(int8_path)
unquantise(int8.graph, full.graph)
for model, path in ((full, full_path), (int8, int8_path)):
    segments_by_product(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)
