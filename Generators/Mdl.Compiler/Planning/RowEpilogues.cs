using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// A row kernel that reads of products only the rows that it computes from becomes their epilogue: it runs on each block of rows while these are in the
/// cache. Two products of the same left operand share one launch, and a product that nobody else reads is not stored.
/// </summary>
internal static class RowEpilogues
{
    // Products wait for their epilogue behind at most so many steps: while they wait, what they read stays alive.
    private const int Farthest = 8;

    /// <summary>Adds a kernel to the steps of a plan, as an epilogue of earlier products where it can be.</summary>
    public static void Add(ScopePlan plan, RowKernel kernel)
    {
        if (plan.Steps.Count > plan.ForwardSteps && plan.Steps[plan.Steps.Count - 1] is ProductStep last && Continues(plan, last, kernel))
        {
            plan.Steps[plan.Steps.Count - 1] = last with { Kernels = last.Kernels.Add(kernel) };
            return;
        }

        if (plan.Steps.Count > plan.ForwardSteps && plan.Steps[plan.Steps.Count - 1] is ProductStep { Tail: null } summing && IsTail(plan, summing, kernel))
        {
            plan.Steps[plan.Steps.Count - 1] = summing with { Tail = kernel };
            return;
        }

        var products = new List<int>();
        var behind = new HashSet<Value>();
        for (var i = plan.Steps.Count - 1; i >= plan.ForwardSteps && i >= plan.Steps.Count + products.Count - Farthest && products.Count < 2; i--)
        {
            if (plan.Steps[i] is LoopStep or CopyStep)
            {
                break;
            }

            if (plan.Steps[i] is TemplateStep { Node: var number } && !behind.Contains(new(number)) && ReadsRows(plan, kernel, number)
                && (products.Count == 0 || HaveSameRows(plan.Graph.Nodes[number], plan.Graph.Nodes[products[0]])))
            {
                products.Insert(0, number);
                plan.Steps.RemoveAt(i);
            }
            else
            {
                plan.AddReads(plan.Steps[i], behind);
            }
        }

        plan.Steps.Add(products.Count == 0 ? new KernelStep(kernel) : new ProductStep(products.ToEquatableArray(), new([kernel])));
    }

    /// <summary>Finds the products that only their own epilogues read; they have no memory.</summary>
    public static void Discard(ScopePlan plan)
    {
        var needed = new HashSet<Value>(plan.Graph.Outputs.Select(plan.Fuser.DenseBase));
        var products = new List<(ProductStep Step, HashSet<Value> Reads)>();
        foreach (var step in plan.Steps)
        {
            if (step is not ProductStep product)
            {
                plan.AddReads(step, needed);
                continue;
            }

            products.Add((product, plan.Reads(product)));
            foreach (var node in product.Nodes)
            {
                plan.AddReads(new TemplateStep(node), needed);
            }
        }

        foreach (var (step, _) in products)
        {
            for (var i = 0; i < step.Nodes.Count; i++)
            {
                var value = Value.Of(step.Nodes[i]);
                if (!needed.Contains(value) && Accumulation.Addend(plan.Graph.Nodes[value.Node]) is null
                    && !products.Exists(other => other.Step != step && other.Reads.Contains(value)))
                {
                    plan.Stored[value] = Storage.At(ProductStep.Rows[i]);
                }
            }
        }
    }

    /// <summary>How many rows of a kernel there are for a row of a product.</summary>
    public static Dim? RowsPerRow(ScopePlan plan, RowKernel kernel, int product) =>
        plan.Graph.Nodes[product].Types[0] is { Rank: 2, Shape: var shape } ? Dim.Divide(kernel.Rows, shape[0]) : null;

    private static bool ReadsRows(ScopePlan plan, RowKernel kernel, int number)
    {
        var node = plan.Graph.Nodes[number];
        var isProduct = node.Operation is Contract { TransposeLeft: false } || (node.Operation is GroupedContract && Accumulation.Addend(node) is null);
        if (!isProduct || RowsPerRow(plan, kernel, number) is not { IsConstant: true } every
            || !kernel.Roots.All(r => r.Concat is null && (r.Kind is RootKind.Store or RootKind.Select || (r.Kind == RootKind.ColumnReduce && node.Operation is Contract))))
        {
            return false;
        }

        var (reads, others) = (0, 0);
        foreach (var root in kernel.Roots)
        {
            plan.Fuser.Visit(root, d =>
            {
                reads += d.Value.Node == number ? 1 : 0;
                others += d.Value.Node == number && d.RowsPerRow != every.Constant ? 1 : 0;
            });
        }

        return reads > 0 && others == 0;
    }

    private static bool Continues(ScopePlan plan, ProductStep step, RowKernel kernel)
    {
        var reads = plan.Reads(new KernelStep(kernel));
        var read = step.Nodes.Where(n => reads.Contains(new(n))).ToList();
        return read.Count > 0 && read.All(n => ReadsRows(plan, kernel, n))
            && step.Behind.All(k => k.Roots.All(r => !reads.Contains(r.Concat ?? r.Value)));
    }

    /// <summary>Whether a kernel computes single numbers from sums over the rows of a step.</summary>
    private static bool IsTail(ScopePlan plan, ProductStep step, RowKernel kernel)
    {
        var reads = plan.Reads(new KernelStep(kernel));
        return kernel.Roots.TrueForAll(r => r is { Concat: null, Kind: RootKind.Store } && plan.Graph.Type(r.Value).Size.IsOne)
            && step.Kernels.Any(k => k.Roots.Exists(r => r.Kind == RootKind.ColumnReduce && reads.Contains(r.Value)));
    }

    private static bool HaveSameRows(Node a, Node b) => (a.Operation, b.Operation) switch
    {
        (Contract left, Contract right) => left.InF32 == right.InF32 && a.Inputs[0] == b.Inputs[0],
        (GroupedContract left, GroupedContract right) => left == right && a.Inputs[0] == b.Inputs[0] && a.Inputs[2] == b.Inputs[2] && a.Types == b.Types,
        _ => false,
    };
}
