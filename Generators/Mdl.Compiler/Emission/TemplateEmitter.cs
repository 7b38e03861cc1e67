using System.Globalization;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Writes the calls of the runtime's kernels: one method per operation, found by its name.</summary>
internal sealed class TemplateEmitter(
    Dialect dialect, ScopePlan plan, Func<StridedView[], string>? cache, string arithmetic)
{
    private Graph Graph => plan.Graph;

    public string Emit(int number)
    {
        var node = Graph.Nodes[number];
        var inputs = node.Inputs.Select((_, i) => plan.Fuser.TemplateInput(node, i)).ToArray();
        var outputs = node.Types.Select((_, i) => dialect.Of(plan.Stored[new Value(number, i)])).ToArray();
        return node.Operation switch
        {
            Contract contract => CallContract(contract, node, inputs, outputs[0]),
            GroupedContract grouped => CallGroupedContract(grouped, node, inputs, outputs[0]),
            GroupedOuter outer => CallGroupedOuter(outer, node, inputs, outputs[0]),
            GatherGradient gradient => CallGatherGradient(gradient, node, inputs, outputs[0]),
            TakeAlong => CallTakeAlong(node, inputs, outputs[0]),
            PutAlong put => CallPutAlong(put, node, inputs, outputs[0]),
            Top top => CallTop(top, node, inputs, outputs[0]),
            Dispatch dispatch => CallDispatch(dispatch, node, inputs, outputs),
            Attend attend => CallAttend(attend, inputs, outputs),
            AttendGradient gradient => CallAttendGradient(gradient, inputs, outputs),
            LinearCrossEntropy => CallLinearCrossEntropy(node, inputs, outputs),
            LinearCrossEntropyWithGradient => CallLinearCrossEntropyWithGradient(node, inputs, outputs),
            LinearCrossEntropyGradient => CallLinearCrossEntropyGradient(node, inputs, outputs),
            _ => throw new InvalidOperationException($"{node.Operation.GetType().Name} has no lowering"),
        };
    }

    // What the model's precision adds to the call of a product.
    private string Arithmetic(bool inF32) => arithmetic.Length > 0 && !inF32 ? $", arithmetic: ElementFormat.{arithmetic}" : "";

    private string P(StridedView view) => dialect.FloatsOf(plan.StorageOf(view));

    /// <summary>An operand of a product, which may be a weight in any format.</summary>
    private string W(StridedView view) => dialect.Of(plan.StorageOf(view));

    private TensorType Type(Node node, int input) => Graph.Type(node.Inputs[input]);

    private string Matrix(StridedView view, bool transposed)
    {
        var (rows, columns) = (view.Strides[view.Strides.Count - 2], view.Strides[view.Strides.Count - 1]);
        return (transposed ? columns : rows, transposed ? rows : columns) switch
        {
            (var r, { IsOne: true }) => $"Matrix.RowMajor({W(view)}, {Size(r)})",
            ({ IsOne: true }, var c) => $"Matrix.Transposed({W(view)}, {Size(c)})",
            var (r, c) => $"new Matrix({W(view)}, {Size(r)}, {Size(c)})",
        };
    }

    private string CallContract(Contract contract, Node node, StridedView[] inputs, string output)
    {
        var shape = node.Types[0].Shape;
        var (m, n) = (shape[shape.Count - 2], shape[shape.Count - 1]);
        var left = Type(node, 0).Shape;
        var k = contract.TransposeLeft ? left[left.Count - 2] : left[left.Count - 1];
        var (a, b) = (Matrix(inputs[0], contract.TransposeLeft), Matrix(inputs[1], contract.TransposeRight));
        var accumulate = Accumulation.Addend(node) is null ? "false" : "true";
        if (shape.Count == 2)
        {
            return $"Gemm.Run(_team, {a}, {b}, {output}, {Size(n)}, {Int(m)}, {Int(n)}, {Int(k)}, {accumulate}{Arithmetic(contract.InF32)}{dialect.Known(m, n, k)});";
        }

        var batches = Dim.Product(shape.Take(shape.Count - 2));
        return $"Gemm.Batched(_team, {a}, {Size(inputs[0].Strides[shape.Count - 3])}, {b}, {Size(inputs[1].Strides[shape.Count - 3])}, "
            + $"{output}, {Size(n)}, {Size(m * n)}, {Int(batches)}, {Int(m)}, {Int(n)}, {Int(k)}, {accumulate}{Arithmetic(contract.InF32)}{dialect.Known(m, n, k)});";
    }

    private string CallGroupedContract(GroupedContract grouped, Node node, StridedView[] inputs, string output)
    {
        var (w, y) = (Type(node, 1).Shape, node.Types[0].Shape);
        return $"Gemm.Grouped(_team, {RowsOf(node, 0, inputs)}, {W(inputs[1])}, {(grouped.TransposeRight ? "true" : "false")}, {P(inputs[2])}, {Int(w[0])}, "
            + $"{output}, {Int(y[0])}, {Int(y[1])}, {Int(Type(node, 0).Last)}{(Accumulation.Addend(node) is null ? "" : ", accumulate: true")}{Arithmetic(grouped.InF32)}"
            + $"{dialect.Known(Dim.Symbol("rows"), y[1], Type(node, 0).Last)});";
    }

    /// <summary>The call of one or two products of the same left operand with a prologue, an epilogue or both; empty for none.</summary>
    public string Rows(EquatableArray<int> products, string prologue, string epilogue)
    {
        var node = Graph.Nodes[products[0]];
        var inputs = node.Inputs.Select((_, i) => plan.Fuser.TemplateInput(node, i)).ToArray();
        return node.Operation is Contract contract ? CallRows(contract, node, inputs, products, prologue, epilogue) : CallGroupedRows(products, node, inputs, epilogue);
    }

    /// <summary>Where a product goes; nowhere if only its epilogue sees its rows.</summary>
    private string Place(int product) => plan.Stored[new Value(product)] is var storage && ProductStep.IsRows(storage) ? dialect.NoMemory : dialect.Of(storage);

    private string CallRows(Contract contract, Node node, StridedView[] inputs, EquatableArray<int> products, string prologue, string epilogue)
    {
        string Product(int number)
        {
            var product = Graph.Nodes[number];
            var w = Matrix(plan.Fuser.TemplateInput(product, 1), ((Contract)product.Operation).TransposeRight);
            return $"new RowProduct({w}, {Place(number)}, {Int(product.Types[0].Last)}, {(Accumulation.Addend(product) is null ? "false" : "true")})";
        }

        var left = ProductStep.IsRows(plan.StorageOf(inputs[0])) ? "default" : Matrix(inputs[0], false);
        return $"Gemm.Rows(_team, {(prologue.Length > 0 ? prologue + ", " : "")}{left}, {Product(products[0])}, {(products.Count > 1 ? Product(products[1]) : "default")}, "
            + $"{Int(node.Types[0].Shape[0])}, {Int(Type(node, 0).Last)}, {(epilogue.Length > 0 ? epilogue : "default(NoRowEpilogue)")}{Arithmetic(contract.InF32)});";
    }

    private string CallGroupedRows(EquatableArray<int> products, Node node, StridedView[] inputs, string epilogue)
    {
        string Each(Func<int, string> text) => text(products[0]) + ", " + (products.Count > 1 ? text(products[1]) : "null");
        var (w, y) = (Type(node, 1).Shape, node.Types[0].Shape);
        return $"Gemm.GroupedRows(_team, {RowsOf(node, 0, inputs)}, {Each(p => W(plan.Fuser.TemplateInput(Graph.Nodes[p], 1)))}, "
            + $"{(((GroupedContract)node.Operation).TransposeRight ? "true" : "false")}, {P(inputs[2])}, {Int(w[0])}, "
            + $"{Each(Place)}, {Int(y[0])}, {Int(y[1])}, {Int(Type(node, 0).Last)}, {epilogue}{Arithmetic(((GroupedContract)node.Operation).InF32)});";
    }

    private string CallGroupedOuter(GroupedOuter outer, Node node, StridedView[] inputs, string output)
    {
        var shape = node.Types[0].Shape;
        return $"Gemm.GroupedOuter(_team, {RowsOf(node, 0, inputs)}, {RowsOf(node, 1, inputs)}, {P(inputs[2])}, {Int(shape[0])}, {output}, {Int(shape[1])}, {Int(shape[2])}{Arithmetic(outer.InF32)}"
            + $"{dialect.Known(shape[1], shape[2], Dim.Symbol("rows"))});";
    }

    /// <summary>The rows of a grouped product; gathered while they are read, where the operand is nothing but chosen rows.</summary>
    private string RowsOf(Node node, int input, StridedView[] inputs)
    {
        if (plan.Fuser.GatheredInput(node, input) is { Operation: GatherRows gather } source)
        {
            var (x, choice) = (plan.Fuser.TemplateInput(source, 0), plan.Fuser.TemplateInput(source, 1));
            return $"Matrix.Gathered({P(x)}, {Size(source.Types[0].Last)}, {P(choice)}, {gather.Slots})";
        }

        return $"Matrix.RowMajor({W(inputs[input])}, {Size(Type(node, input).Last)})";
    }

    private string CallGatherGradient(GatherGradient gradient, Node node, StridedView[] inputs, string output) =>
        $"Indexing.GatherGradient(_team, {P(inputs[0])}, {P(inputs[1])}, {output}, {Size(Type(node, 0).Size)}, {Int(gradient.Rows)}, {Int(Dim.Product(node.Types[0].Shape.Skip(1)))});";

    private string CallTakeAlong(Node node, StridedView[] inputs, string output) =>
        $"AlongAxis.Take(_team, {P(inputs[0])}, {P(inputs[1])}, {output}, {Size(Outer(node.Types[0]))}, {Int(Type(node, 0).Last)}, {Int(node.Types[0].Last)});";

    private string CallPutAlong(PutAlong put, Node node, StridedView[] inputs, string output) =>
        $"AlongAxis.Put(_team, {P(inputs[0])}, {P(inputs[1])}, {output}, {Size(Outer(node.Types[0]))}, {Int(put.Length)}, {Int(Type(node, 0).Last)});";

    private static Dim Outer(TensorType type) => Dim.Product(type.Shape.Take(type.Rank - 1));

    private string CallTop(Top top, Node node, StridedView[] inputs, string output) =>
        $"Routing.Top(_team, {P(inputs[0])}, {output}, {Size(Outer(node.Types[0]))}, {Int(Type(node, 0).Last)}, {top.Count}, {top.Groups}, {top.Keep}, {top.GroupTop});";

    private string CallDispatch(Dispatch dispatch, Node node, StridedView[] inputs, string[] outputs) =>
        $"Routing.Dispatch(_team, {P(inputs[0])}, {Int(Type(node, 0).Shape[0])}, {Int(Type(node, 0).Last)}, {dispatch.Experts}, "
        + $"{dispatch.CapacityFactor.ToString("R", CultureInfo.InvariantCulture)}, {string.Join(", ", outputs)});";

    private static string Shape(AttentionMask mask, int window, double scale, StridedView q, StridedView k, StridedView v, string keys) =>
        $"new AttentionShape {{ Batch = {Int(q.Shape[0])}, Queries = {Int(q.Shape[1])}, Keys = {keys}, Heads = {Int(q.Shape[2])}, KeyHeads = {Int(k.Shape[2])}, "
        + $"KeyWidth = {Int(k.Shape[3])}, ValueWidth = {Int(v.Shape[3])}, Causal = {(mask == AttentionMask.Causal ? "true" : "false")}, Window = {window}, "
        + $"Scale = {Float(scale)}, QueryStride = {Size(q.Strides[1])}, KeyStride = {Size(k.Strides[1])}, ValueStride = {Size(v.Strides[1])}, "
        + $"OutputStride = {Size(q.Shape[2] * v.Shape[3])} }}";

    private string CallAttend(Attend attend, StridedView[] inputs, string[] outputs)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        var sink = inputs.Length > 3 ? P(inputs[3]) : dialect.NoMemory;
        if (cache is not null && attend.Mask == AttentionMask.Causal)
        {
            return $"Attention.Cached(_team, {Shape(attend.Mask, attend.Window, attend.Scale, q, k, v, $"(int)(past + {Size(k.Shape[1])})")}, "
                + $"{P(q)}, {P(k)}, {P(v)}, {sink}, {cache(inputs)}, {outputs[0]});";
        }

        return $"Attention.Forward(_team, {Shape(attend.Mask, attend.Window, attend.Scale, q, k, v, Int(k.Shape[1]))}, {P(q)}, {P(k)}, {P(v)}, {sink}, {outputs[0]}, {outputs[1]});";
    }

    private string CallAttendGradient(AttendGradient gradient, StridedView[] inputs, string[] outputs)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        var sink = inputs.Length > 6 ? P(inputs[6]) : dialect.NoMemory;
        string Stride(StridedView view) => Size(view.Shape[2] * view.Shape[3]);
        return $"Attention.Backward(_team, {Shape(gradient.Mask, gradient.Window, gradient.Scale, q, k, v, Int(k.Shape[1]))}, {P(q)}, {P(k)}, {P(v)}, {sink}, "
            + $"{P(inputs[3])}, {P(inputs[4])}, {P(inputs[5])}, {outputs[0]}, {Stride(q)}, {outputs[1]}, {Stride(k)}, {outputs[2]}, {Stride(v)}, "
            + $"{(outputs.Length > 3 ? outputs[3] : dialect.NoMemory)});";
    }

    private string CallLinearCrossEntropy(Node node, StridedView[] inputs, string[] outputs) =>
        $"Losses.LinearCrossEntropy(_team, {P(inputs[0])}, {W(inputs[1])}, {P(inputs[2])}, {outputs[0]}, {outputs[1]}, "
        + $"{Int(Type(node, 0).Shape[0])}, {Int(Type(node, 0).Last)}, {Int(Type(node, 1).Shape[0])}{Arithmetic(false)});";

    private string CallLinearCrossEntropyWithGradient(Node node, StridedView[] inputs, string[] outputs) =>
        $"Losses.LinearCrossEntropyWithGradient(_team, {P(inputs[0])}, {W(inputs[1])}, {P(inputs[2])}, {P(inputs[3])}, {string.Join(", ", outputs.Take(3))}, {OrNowhere(outputs, 3)}, "
        + $"{Int(Type(node, 0).Shape[0])}, {Int(Type(node, 0).Last)}, {Int(Type(node, 1).Shape[0])}{Arithmetic(false)});";

    /// <summary>An output that the operation may not have.</summary>
    private string OrNowhere(string[] outputs, int output) => outputs.Length > output ? outputs[output] : dialect.NoMemory;

    private string CallLinearCrossEntropyGradient(Node node, StridedView[] inputs, string[] outputs) =>
        $"Losses.LinearCrossEntropyGradient(_team, {P(inputs[0])}, {W(inputs[1])}, {P(inputs[2])}, {P(inputs[3])}, {P(inputs[4])}, {outputs[0]}, {OrNowhere(outputs, 1)}, "
        + $"{Int(Type(node, 0).Shape[0])}, {Int(Type(node, 0).Last)}, {Int(Type(node, 1).Shape[0])}{Arithmetic(false)});";
}
