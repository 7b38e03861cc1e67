using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Rewrites what kernels do not want to see: padding becomes concatenation with zeros, and a reduction over the last axis and others becomes two, so
/// that each is either within a row or across rows.
/// </summary>
internal static class Normalizer
{
    public static (Graph Graph, int ForwardNodes) Run(Graph graph, int forwardNodes)
    {
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        var forward = -1;
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            forward = i == forwardNodes ? builder.Count : forward;
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            var inputs = map.Of(node.Inputs);
            var result = node.Operation switch
            {
                Pad pad => Padded(builder, pad, inputs[0]),
                Reduce reduce => Reduced(builder, reduce, inputs[0]),
                Repeat repeat => builder.AddNode(repeat with { Body = Run(repeat.Body, repeat.Body.Nodes.Count).Graph }, inputs, node.Name),
                _ => builder.Copy(node, inputs),
            };
            map.SetAll(i, node.Types.Count, result);
        }

        return (builder.Build(map.Of(graph.Outputs)), forward < 0 ? builder.Count : forward);
    }

    private static Value Padded(GraphBuilder builder, Pad pad, Value x)
    {
        var shape = builder.Type(x).Shape;
        var parts = new List<Value>();
        void Zeros(Dim size)
        {
            if (!size.Equals(Dim.Zero))
            {
                parts.Add(builder.Broadcast(builder.Constant(0), shape.SetItem(pad.Axis, size)));
            }
        }

        Zeros(pad.Before);
        parts.Add(x);
        Zeros(pad.After);
        return parts.Count == 1 ? x : builder.Add(new Concat(pad.Axis), parts);
    }

    private static Value Reduced(GraphBuilder builder, Reduce reduce, Value x)
    {
        var last = builder.Type(x).Rank - 1;
        if (!reduce.Axes.Contains(last))
        {
            return builder.Reduce(reduce.Function, x, reduce.Axes);
        }

        return builder.Reduce(reduce.Function, builder.Reduce(reduce.Function, x, last), reduce.Axes.Where(a => a != last));
    }
}
