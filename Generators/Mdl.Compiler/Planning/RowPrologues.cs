using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>
/// A row kernel that makes the left operand of a product, such as a norm in front of a projection, becomes the product's prologue: it runs on each block of rows right
/// before these are packed. An operand that nobody else reads is not stored.
/// </summary>
internal static class RowPrologues
{
    // A product without epilogue moves its own rows too. Where these are so many times wider than the operand, what a prologue saves is not worth packing the
    // whole matrix on the right beforehand.
    private const int Widest = 8;

    /// <summary>Makes row kernels prologues of later products of the same scope, where they can be.</summary>
    public static void Add(ScopePlan plan)
    {
        for (var i = 0; i < plan.Steps.Count; i++)
        {
            if (plan.Steps[i] is not KernelStep { Kernel: var kernel } || !kernel.Roots.TrueForAll(r => r is { Concat: null, Kind: RootKind.Store or RootKind.Select }))
            {
                continue;
            }

            var makes = new HashSet<Value>(kernel.Roots.Select(r => r.Value));
            var reader = FirstReader(plan, i, makes);
            if (reader < 0 || (i < plan.ForwardSteps && reader >= plan.ForwardSteps) || Products(plan.Steps[reader]) is not { } product
                || !IsPrologue(plan, kernel, makes, product) || !CanWait(plan, kernel, i, reader))
            {
                continue;
            }

            plan.Steps[reader] = product with { Prologue = kernel };
            plan.Steps.RemoveAt(i--);
            plan.ForwardSteps -= reader < plan.ForwardSteps ? 1 : 0;
        }
    }

    /// <summary>Finds the left operands that only their own products read; they have no memory.</summary>
    public static void Discard(ScopePlan plan)
    {
        var outputs = plan.Graph.Outputs.Select(plan.Fuser.DenseBase).ToList();
        foreach (var product in plan.Steps.OfType<ProductStep>().Where(s => s.Prologue is not null))
        {
            var left = plan.Fuser.TemplateInput(plan.Graph.Nodes[product.Nodes[0]], 0).Base;
            if (!outputs.Contains(left) && plan.Steps.TrueForAll(s => s == product || !plan.Reads(s).Contains(left))
                && product.Behind.All(k => !plan.Reads(new KernelStep(k)).Contains(left)))
            {
                plan.Stored[left] = Storage.At(ProductStep.Left);
            }
        }
    }

    private static int FirstReader(ScopePlan plan, int at, HashSet<Value> makes) =>
        plan.Steps.FindIndex(at + 1, s => s is CopyStep copy ? makes.Any(v => plan.Stored[v] == copy.Source) : plan.Reads(s).Overlaps(makes));

    /// <summary>A step as products that may get a prologue.</summary>
    private static ProductStep? Products(Step step) => step switch
    {
        TemplateStep { Node: var node } => new(new([node]), []),
        ProductStep { Prologue: null } product => product,
        _ => null,
    };

    private static bool IsPrologue(ScopePlan plan, RowKernel kernel, HashSet<Value> makes, ProductStep product)
    {
        foreach (var number in product.Nodes)
        {
            var node = plan.Graph.Nodes[number];
            if (node.Operation is not Contract { TransposeLeft: false } || node.Types[0].Rank != 2)
            {
                return false;
            }

            var (left, right) = (plan.Fuser.TemplateInput(node, 0), plan.Fuser.TemplateInput(node, 1));
            if (!makes.Contains(left.Base) || makes.Contains(right.Base) || !left.IsDense || !left.Offset.Equals(Dim.Zero) || !plan.Graph.Type(left.Base).Size.Equals(Dim.Product(left.Shape))
                || RowEpilogues.RowsPerRow(plan, kernel, number) is not { IsConstant: true }
                || (product.Kernels.Count == 0 && !IsNarrow(node.Types[0].Last, left.Shape[left.Shape.Count - 1])))
            {
                return false;
            }

            // What a product adds itself to changes block by block.
            if (Accumulation.Addend(node) is { } addend && plan.Reads(new KernelStep(kernel)).Any(v => plan.Stored[v] == plan.Stored[node.Inputs[addend]]))
            {
                return false;
            }
        }

        // Epilogues see the rows of a block, not yet those of the next ones.
        return product.Behind.All(k => k.Roots.TrueForAll(r => plan.Fuser.Reads(r).TrueForAll(d => !makes.Contains(d.Value) || (d.Aligned && k.Rows.Equals(kernel.Rows)))));
    }

    private static bool IsNarrow(Dim columns, Dim depth) => columns.IsConstant && depth.IsConstant && columns.Constant <= Widest * depth.Constant;

    /// <summary>Whether nothing in between writes to memory that a kernel reads.</summary>
    private static bool CanWait(ScopePlan plan, RowKernel kernel, int from, int to)
    {
        var reads = new HashSet<Storage>(plan.Reads(plan.Steps[from]).Select(v => plan.Stored[v]));
        return plan.Steps.Skip(from + 1).Take(to - from - 1).All(s => s is not (LoopStep or CopyStep) && !Writes(plan, s).Any(reads.Contains));
    }

    private static IEnumerable<Storage> Writes(ScopePlan plan, Step step)
    {
        IEnumerable<Storage> Of(RowKernel kernel) => kernel.Roots.Select(r => plan.Stored[r.Concat ?? r.Value]);
        IEnumerable<Storage> Outputs(int node) => plan.Graph.Nodes[node].Types.Select((_, i) => plan.Stored[new(node, i)]);
        return step switch
        {
            KernelStep { Kernel: var kernel } => Of(kernel),
            TemplateStep { Node: var node } => Outputs(node),
            ProductStep product => product.Nodes.SelectMany(Outputs).Concat(product.All.SelectMany(Of)),
            _ => [],
        };
    }
}
