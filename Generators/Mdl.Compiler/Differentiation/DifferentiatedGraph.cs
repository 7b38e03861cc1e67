using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Differentiation;

/// <summary>The gradient of the loss by one parameter.</summary>
public sealed record ParameterGradient(string Path, Value Gradient);

/// <summary>
/// A graph with its gradients. Its first <paramref name="ForwardNodes"/> nodes compute the forward pass; its outputs are those of the forward graph and
/// then the gradients, in the order of <paramref name="Gradients"/>.
/// </summary>
public sealed record DifferentiatedGraph(Graph Graph, int ForwardNodes, EquatableArray<ParameterGradient> Gradients);
