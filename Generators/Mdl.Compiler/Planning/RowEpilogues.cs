using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// A row kernel that reads rows of the products right before it only where it computes the same rows becomes their epilogue: it runs on each block of
/// rows while these are in the cache. Two products of the same rows share one launch.
/// </summary>
internal static class RowEpilogues
{
    /// <summary>Adds a kernel to the steps of a plan, as an epilogue of the last ones where it can be.</summary>
    public static void Add(ScopePlan plan, RowKernel kernel)
    {
        var products = new List<int>();
        if (kernel.Roots.All(r => r.Kind == RootKind.Store && r.Concat is null))
        {
            for (var i = plan.Steps.Count - 1; i >= plan.ForwardSteps && products.Count < 2; i--)
            {
                if (plan.Steps[i] is not TemplateStep { Node: var number } || !ReadsRows(plan, kernel, number)
                    || (products.Count > 0 && !HaveSameRows(plan.Graph.Nodes[number], plan.Graph.Nodes[products[0]])))
                {
                    break;
                }

                products.Insert(0, number);
            }
        }

        if (products.Count == 0)
        {
            plan.Steps.Add(new KernelStep(kernel));
            return;
        }

        plan.Steps.RemoveRange(plan.Steps.Count - products.Count, products.Count);
        plan.Steps.Add(new ProductStep(products.ToEquatableArray(), kernel));
    }

    private static bool ReadsRows(ScopePlan plan, RowKernel kernel, int number)
    {
        var node = plan.Graph.Nodes[number];
        if (node.Operation is not GroupedContract || Accumulation.Addend(node) is not null || !node.Types[0].Shape[0].Equals(kernel.Rows))
        {
            return false;
        }

        var (reads, others) = (0, 0);
        foreach (var root in kernel.Roots)
        {
            plan.Fuser.Visit(root, d =>
            {
                reads += d.Value.Node == number ? 1 : 0;
                others += d.Value.Node == number && !d.Aligned ? 1 : 0;
            });
        }

        return reads > 0 && others == 0;
    }

    private static bool HaveSameRows(Node a, Node b) =>
        a.Operation == b.Operation && a.Inputs[0] == b.Inputs[0] && a.Inputs[2] == b.Inputs[2] && a.Types == b.Types;
}
