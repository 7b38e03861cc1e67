using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// Gives what a kernel computes element by element the memory of a value that it reads for the last time, at the same elements. Runs when it is known how long
/// buffers live. A kernel does so only if it is one loop over columns: then an element is read before it is written, whatever thread has its row.
/// </summary>
internal static class InPlace
{
    public static void Run(ScopePlan plan)
    {
        foreach (var step in plan.Steps)
        {
            switch (step)
            {
                case KernelStep { Kernel: var kernel }:
                    Kernel(plan, kernel, []);
                    break;
                case ProductStep { Kernels: [var kernel], Prologue: null, Tail: null } product:
                    Kernel(plan, kernel, product.Nodes);
                    break;
                case LoopStep { Loop.Body: var body }:
                    Run(body);
                    break;
            }
        }
    }

    /// <summary>
    /// Whether a root of a kernel may store to the memory of a value that the kernel reads: it is the last one that reads it, and nothing is read or stored but at the element
    /// in hand. What products read and write that run with the kernel is theirs.
    /// </summary>
    private static bool IsLegal(ScopePlan plan, RowKernel kernel, IReadOnlyList<int> products, Root root, ArenaBuffer memory)
    {
        var last = kernel.Roots.IndexOf(root);
        var stored = new HashSet<Value>(kernel.Roots.Select(r => r.Concat ?? r.Value));
        var width = Width(plan, root);
        for (var i = 0; i < kernel.Roots.Count; i++)
        {
            var other = kernel.Roots[i];
            if (!IsSingleLoop(plan, other) || !Width(plan, other).Equals(width))
            {
                return false;
            }

            var elsewhere = plan.Fuser.ReadElsewhere(other);
            foreach (var read in plan.Fuser.Reads(other))
            {
                var isInMemory = plan.Stored[read.Value].Buffer?.Place == memory && !stored.Contains(read.Value);
                if ((isInMemory && (i > last || elsewhere.Contains(read.Value))) || (stored.Contains(read.Value) && elsewhere.Contains(read.Value)))
                {
                    return false;
                }
            }
        }

        return products.All(p => plan.Stored[new(p)].Buffer?.Place != memory && plan.Reads(new TemplateStep(p)).All(v => plan.Stored[v].Buffer?.Place != memory));
    }

    private static void Kernel(ScopePlan plan, RowKernel kernel, IReadOnlyList<int> products)
    {
        foreach (var root in kernel.Roots)
        {
            if (root.Kind != RootKind.Store || root.Concat is not null || WholeBuffer(plan, root.Value) is not { } own || own.Place != own)
            {
                continue;
            }

            foreach (var read in plan.Fuser.Reads(root))
            {
                // What is alive from the start, such as tables, stays for further runs.
                if (WholeBuffer(plan, read.Value)?.Place is { First: > 0 } dying && dying != own && dying.Last == own.First
                    && dying.Element == own.Element && dying.Size.Equals(own.Size) && IsLegal(plan, kernel, products, root, dying))
                {
                    own.Take(dying);
                    break;
                }
            }
        }
    }

    /// <summary>The buffer of a value that has it for itself.</summary>
    private static ArenaBuffer? WholeBuffer(ScopePlan plan, Value value) =>
        plan.Stored[value] is { Buffer: { } buffer, Slots.Count: 0 } storage && storage.Offset.Equals(Dim.Zero) && plan.Graph.Type(value).Size.Equals(buffer.Size)
            ? buffer : null;

    private static Dim Width(ScopePlan plan, Root root) => plan.Fuser.SpaceOf(root) is { Count: > 0 } space ? space[space.Count - 1] : Dim.One;

    /// <summary>Whether a root is computed in the only loop over columns: without reductions of rows, which take loops of their own.</summary>
    private static bool IsSingleLoop(ScopePlan plan, Root root) =>
        root.Kind is RootKind.Store or RootKind.ColumnReduce && plan.Fuser.Computed(root).TrueForAll(v => plan.Graph.Nodes[v.Node].Operation is not Reduce);
}
