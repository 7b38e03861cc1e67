using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Simplification;

/// <summary>
/// A factor for each row of a product may as well multiply the rows of its left operand: s * (x w) = (s * x) w. It moves there where these rows are
/// narrower and computed element by element, so that it costs nothing. What a product by experts yields then needs no pass of its own
/// before it is combined, and its derivative takes the rows of the incoming gradient as they are.
/// </summary>
internal static class RowScales
{
    public static Graph Move(Graph graph)
    {
        var uses = UseCounts.Of(graph);
        var builder = new GraphBuilder(graph.Nodes.Count);
        var map = new ValueMap(graph.Nodes.Count);
        for (var i = 0; i < graph.Nodes.Count; i++)
        {
            var node = graph.Nodes[i];
            builder.Origin = node.Origin;
            var inputs = map.Of(node.Inputs);
            var added = node.Operation switch
            {
                Binary { Function: BinaryFunction.Multiply } => Scaled(0) ?? Scaled(1),
                Repeat repeat => builder.AddNode(repeat with { Body = Move(repeat.Body) }, inputs, node.Name),
                _ => null,
            } ?? builder.Copy(node, inputs);
            map.SetAll(i, node.Types.Count, added);

            Value? Scaled(int side)
            {
                var (product, factor) = (node.Inputs[side], graph.Nodes[node.Inputs[1 - side].Node]);
                var reshaped = false;
                while (graph.Nodes[product.Node].Operation is Reshape && uses[product.Node] == 1)
                {
                    product = graph.Nodes[product.Node].Inputs[0];
                    reshaped = true;
                }

                var self = graph.Nodes[product.Node];
                if (self.Operation is not (GroupedContract or Contract { TransposeLeft: false }) || uses[product.Node] > 1
                    || factor.Operation is not Broadcast || graph.Type(factor.Inputs[0]).Rank != node.Types[0].Rank || !graph.Type(factor.Inputs[0]).Last.IsOne)
                {
                    return null;
                }

                var (left, result) = (graph.Type(self.Inputs[0]), self.Types[0]);
                var scale = graph.Type(factor.Inputs[0]);
                if (graph.Nodes[self.Inputs[0].Node].Operation is not (Unary or Binary or Select) || uses[self.Inputs[0].Node] > 1
                    || !left.Last.IsConstant || !result.Last.IsConstant || left.Last.Constant >= result.Last.Constant
                    || !scale.Size.Equals(Dim.Divide(node.Types[0].Size, node.Types[0].Last)!)
                    || !node.Types[0].Last.Equals(result.Last))
                {
                    return null;
                }

                var rows = builder.Reshape(map[factor.Inputs[0]], result.Shape.SetItem(result.Rank - 1, Dim.One));
                var scaled = builder.Binary(BinaryFunction.Multiply, map[self.Inputs[0]], rows);
                var moved = builder.AddNode(self.Operation, self.Inputs.Skip(1).Select(v => map[v]).Prepend(scaled).ToEquatableArray(), self.Name.Length > 0 ? self.Name : node.Name);
                return reshaped ? builder.Reshape(moved, node.Types[0].Shape) : moved;
            }
        }

        return builder.Build(map.Of(graph.Outputs));
    }
}
