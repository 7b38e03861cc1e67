using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>x @ w</c>.</summary>
internal sealed partial class Elaborator
{
    private Entity EvaluateContraction(BinarySyntax syntax, Frame frame)
    {
        var left = Evaluate(syntax.Left, frame);
        var right = Evaluate(syntax.Right, frame);
        if (left is Poison || right is Poison
            || AsTensor(left, syntax.Left.Span, frame) is not { } x || AsTensor(right, syntax.Right.Span, frame) is not { } w)
        {
            return Poison.Instance;
        }

        if (x.Type.Element != ElementType.F32 || w.Type.Element != ElementType.F32)
        {
            return Fail(
                frame, DiagnosticIds.ElementType, syntax.Span, $"{frame.Quote(syntax.Span)} contracts ints; `float(...)` makes floats of ints");
        }

        if (x.Rank == 0 || w.Rank == 0)
        {
            return FailShape(frame, syntax.Span, $"{frame.Quote(syntax.Span)} contracts {x.Type} with {w.Type}: a number is multiplied by `*`");
        }

        if (x.Lead == Lead.Experts || w.Lead == Lead.Rows)
        {
            return Mixed(syntax.Span, frame);
        }

        var inner = w.Rank == 1 ? w.Shape[0] : w.Shape[w.Rank - 2];
        if (!x.Type.Last.Equals(inner) && (w.Rank <= 2 || w.Rank == x.Rank))
        {
            return FailShape(frame, syntax.Span, $"{frame.Quote(syntax.Span)} contracts {x.Type.Last} with {inner}");
        }

        return w.Lead == Lead.Experts ? ContractWithExperts(x, w, syntax, frame)
            : w.Rank <= 2 ? ContractWithMatrix(x, w, syntax, frame)
            : ContractBatches(x, w, syntax, frame);
    }

    private Entity ContractWithExperts(Tensor x, Tensor w, BinarySyntax syntax, Frame frame)
    {
        if (x.Lead != Lead.Rows || x.Rank != 2 || w.Rank != 2)
        {
            return Fail(
                frame,
                DiagnosticIds.RowsMixed,
                syntax.Span,
                $"{frame.Quote(syntax.Span)} is {x.Type} @ {w.Type}; an expert contracts its rows [rows, D] with matrices only");
        }

        var (value, isTransposed) = Untranspose(Here(w, frame), frame);
        var offsets = frame.Region.Import(w.Experts!.Region, w.Experts.Offsets);
        Value Product(Value rows, Value weights) => frame.Region.Builder.Add(new GroupedContract(isTransposed) { InF32 = w.InF32 }, rows, weights, offsets);
        return Made(Contracted(Product, Here(x, frame), value, w, isTransposed, frame), frame, x);
    }

    /// <summary>One matrix for all leading axes of x: these become one, and come back in the result.</summary>
    private Entity ContractWithMatrix(Tensor x, Tensor w, BinarySyntax syntax, Frame frame)
    {
        if (x.Rank == 1 && x.Lead == Lead.Rows)
        {
            return Mixed(syntax.Span, frame);
        }

        var builder = frame.Region.Builder;
        var matrix = w.Rank == 1 ? builder.Reshape(Here(w, frame), w.Shape[0], Dim.One) : Here(w, frame);
        var (value, isTransposed) = Untranspose(matrix, frame);
        var leading = x.Shape.Take(x.Rank - 1).ToArray();
        var (rows, rowsTransposed) = x.Rank == 2 && x.Lead == Lead.Plain
            ? Untranspose(Here(x, frame), frame)
            : (builder.Reshape(Here(x, frame), Dim.Product(leading), x.Type.Last), false);
        Value Product(Value left, Value right) =>
            builder.Add(new Contract(left == rows && rowsTransposed, isTransposed) { InF32 = x.InF32 || w.InF32 }, left, right);
        var product = Contracted(Product, rows, value, w, isTransposed, frame);
        var shape = w.Rank == 1 ? leading : [.. leading, w.Type.Last];
        return Made(builder.Reshape(product, shape), frame, x);
    }

    /// <summary>The product with a matrix, to which the matrix's adapter adds.</summary>
    private Value Contracted(Func<Value, Value, Value> contract, Value rows, Value matrix, Tensor w, bool isTransposed, Frame frame) => w.Adapter is { } adapter
        ? Adapt(contract(rows, Here(adapter.Matrix, frame)), adapter, isTransposed, contract, rows, frame)
        : contract(rows, matrix);

    private Entity ContractBatches(Tensor x, Tensor w, BinarySyntax syntax, Frame frame)
    {
        if (x.Lead == Lead.Rows)
        {
            return Mixed(syntax.Span, frame);
        }

        if (x.Rank != w.Rank || !x.Shape.Take(x.Rank - 2).SequenceEqual(w.Shape.Take(w.Rank - 2)))
        {
            return FailShape(frame, syntax.Span, $"{frame.Quote(syntax.Span)} contracts {x.Type} with {w.Type}: their leading axes differ");
        }

        var (right, rightTransposed) = Untranspose(Here(w, frame), frame);
        var (left, leftTransposed) = Untranspose(Here(x, frame), frame);
        return Made(frame.Region.Builder.Add(new Contract(leftTransposed, rightTransposed) { InF32 = x.InF32 || w.InF32 }, left, right), frame);
    }

    /// <summary>What a swap of the last two axes was applied to: contractions read either order.</summary>
    private static (Value Value, bool IsTransposed) Untranspose(Value value, Frame frame)
    {
        var node = frame.Region.Builder[value.Node];
        if (node.Operation is not Transpose { Permutation: var axes })
        {
            return (value, false);
        }

        var n = axes.Count;
        var swaps = n >= 2 && axes[n - 1] == n - 2 && axes[n - 2] == n - 1 && axes.Take(n - 2).SequenceEqual(Enumerable.Range(0, n - 2));
        return swaps ? (node.Inputs[0], true) : (value, false);
    }
}
