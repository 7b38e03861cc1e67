using System.Text;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;
using static Mdl.Compiler.Emission.Expressions;

namespace Mdl.Compiler.Emission;

/// <summary>Expressions: loads, functions, and choices of views, each computed as far out as it can be.</summary>
internal partial class RowKernelEmitter
{
    /// <summary>A pointer expression; Level.Column if it moves with the columns.</summary>
    private string Address(Storage storage, ElementType element, Linear flat, out Level level)
    {
        var pointer = Pointer(storage, element);
        var moving = MovingTerm(flat);
        var constant = flat.Offset.IsConstant ? flat.Offset : Dim.Zero;
        var offset = flat.Offset.IsConstant ? Dim.Zero : flat.Offset;
        var rest = new Linear(moving is null ? flat.Terms : flat.Terms.Where(t => t.Digit.Variable != LoopVariable.Column).ToEquatableArray(), offset);
        string? start = null;
        if (!rest.IsZero)
        {
            start = rest.Uses(LoopVariable.Inner)
                ? Start(pointer, Text(rest))
                : RowLevelStart(pointer, rest);
        }

        level = moving is not null ? Level.Column : rest.Uses(LoopVariable.Inner) ? Level.Inner : Level.Row;
        var column = moving is null ? "" : moving.Coefficient.IsOne ? " + c" : $" + c * {Text(moving.Coefficient)}";
        return At(pointer, start, column + (constant.Equals(Dim.Zero) ? "" : " + " + SizeText(constant)), storage.IsWeight);
    }

    /// <summary>An element: the start of its row, if that is not the pointer, and " + ..." within the row.</summary>
    protected virtual string At(string pointer, string? start, string within, bool isWeight) => (start ?? pointer) + within;

    /// <summary>The value of an element of a weight.</summary>
    protected virtual string ReadWeight(string element) => $"Simd.Read({element})";

    /// <summary>The value of an element.</summary>
    protected virtual string Read(string element) => $"*({element})";

    /// <summary>Sets an element.</summary>
    protected virtual string Write(string element, string value) => $"*({element}) = {value};";

    private static LinearTerm? MovingTerm(Linear index)
    {
        foreach (var term in index.Terms)
        {
            if (term.Digit.Variable == LoopVariable.Column)
            {
                return term;
            }
        }

        return null;
    }

    private string Columnwise(Operand operand)
    {
        if (!_vector || operand.Level == Level.Column)
        {
            return operand.Text;
        }

        return operand.Level == Level.Row
            ? RowLevelVector(operand.Text)
            : $"Vector512.Create({operand.Text})";
    }

    private Operand Eval(Value value, Linear[] at, bool isRoot = false)
    {
        if (_reductions.TryGetValue(value, out var reduced) && Fuser.IsRow(_kernel.Rows, Graph.Type(value), at))
        {
            return new(reduced, Level.Row);
        }

        var key = new Place(value, at);
        if (_rowValues.TryGetValue(key, out var known) || _loopMemo.TryGetValue(key, out known))
        {
            return known;
        }

        var node = Graph.Nodes[value.Node];
        if (!isRoot && !Inlines(value, at))
        {
            return Keep(key, Load(value, Graph.Type(value).Strides, at, value, Dim.Zero), "m", value);
        }

        switch (node.Operation)
        {
            case Constant constant:
                return new(Float(constant.Value), Level.Row);
            case SizeOf size:
                return new($"(float)({Text(size.Size)})", Level.Row);
            case Iota:
                return Counter(at[0], "");
            case Positions when _dialect.Positions is { } table:
                return Keep(key, Load(table, ElementType.I32, at[0]), "position", value);
            case Positions:
                _symbols.Add("past");
                return Counter(at[0], "past + ");
            case Concat concat:
                return Eval(Chosen(node, concat, at, out var chosen), _plan.Fuser.Into(value, chosen, at)!);
            case CombineRows combine:
                return Combined(key, value, node, combine, at);
            case Reduce:
                throw new InvalidOperationException($"reduction {value} is read before its pass");
        }

        if (IndexFlow.IsView(node.Operation))
        {
            if (_plan.Fuser.Into(value, 0, at) is { } into)
            {
                return Eval(node.Inputs[0], into);
            }

            // A view that digits cannot follow reads strided memory.
            var view = _plan.Fuser.Beneath(value);
            return Keep(key, Load(value, view.Strides, at, view.Base, view.Offset), "m", value);
        }

        var operands = new Operand[node.Inputs.Count];
        var level = Level.Row;
        for (var i = 0; i < operands.Length; i++)
        {
            operands[i] = Eval(node.Inputs[i], at);
            level = operands[i].Level > level ? operands[i].Level : level;
        }

        var texts = new string[operands.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = level == Level.Column ? Columnwise(operands[i]) : operands[i].Text;
        }

        var text = node.Operation switch
        {
            Unary { Function: UnaryFunction.ToFloat } => level == Level.Column && _vector ? $"Vector512.ConvertToSingle({texts[0]})" : $"(float){texts[0]}",
            Unary unary => Unary(Library, unary.Function, texts[0]),
            Binary binary => Binary(Library, binary.Function, texts[0], texts[1]),
            Select => $"{Library}.Select({texts[0]}, {texts[1]}, {texts[2]})",
            _ => throw new InvalidOperationException($"{node.Operation} is no row operation"),
        };
        return Keep(key, new(text, level), "e", value);
    }

    private Operand Combined(Place key, Value value, Node node, CombineRows combine, Linear[] at)
    {
        var parts = new Operand[combine.Slots];
        var conditions = new string?[combine.Slots];
        for (var slot = 0; slot < parts.Length; slot++)
        {
            var row = IndexFlow.IntoSlot(node, slot, at)!;
            parts[slot] = Eval(node.Inputs[0], row);
            if (row[0].Terms[0].Digit.Source is { IsOptional: true } lookup)
            {
                var entry = Text(lookup with { IsOptional = false });
                conditions[slot] = lookup.At.Uses(LoopVariable.Inner) ? $"({entry} < 0 ? 0f : 1f)"
                    : RowLevelPresence(entry);
            }
        }

        var level = parts.Max(p => p.Level);
        var texts = parts.Select((part, slot) =>
        {
            var text = level == Level.Column ? Columnwise(part) : part.Text;
            return conditions[slot] is not { } condition ? text
                : level == Level.Column && _vector ? $"Simd.Select(Vector512.Create({condition}), {text}, Vector512<float>.Zero)"
                : $"({condition} != 0 ? {text} : 0f)";
        });
        return Keep(key, new(string.Join(" + ", texts), level), "e", value);
    }

    private Value Chosen(Node node, Concat concat, Linear[] at, out int chosen)
    {
        var position = _segmentStart + at[concat.Axis].Offset.Constant;
        var edge = 0L;
        for (chosen = 0; chosen < node.Inputs.Count; chosen++)
        {
            edge += Graph.Type(node.Inputs[chosen]).Shape[concat.Axis].Constant;
            if (position < edge)
            {
                return node.Inputs[chosen];
            }
        }

        throw new InvalidOperationException($"column {_segmentStart} .. {_segmentEnd} lies outside of {node.Operation}");
    }

    private Operand Counter(Linear index, string shift)
    {
        // The first element of the vector is the index itself: c is a multiple of the vector's width past the segment's start.
        var text = $"(float)({shift}{Text(index)})";
        if (shift.Length > 0)
        {
            text = _vector && index.Uses(LoopVariable.Column) ? $"(int)({shift}{Text(index)})" : $"(int)({shift}{Text(index)})";
        }

        if (!index.Uses(LoopVariable.Column))
        {
            return new(text, index.Uses(LoopVariable.Inner) ? Level.Inner : Level.Row);
        }

        return new(_vector ? $"Simd.CountFrom({text})" : text, Level.Column);
    }

    private Operand Load(Value value, EquatableArray<Dim> strides, Linear[] at, Value stored, Dim offset)
    {
        return Load(_plan.Stored[stored], Graph.Type(value).Element, IndexFlow.Flatten(strides, at).Plus(offset));
    }

    private Operand Load(Storage storage, ElementType element, Linear flat)
    {
        var address = Address(storage, element, flat, out var level);
        if (level != Level.Column || !_vector)
        {
            return new(storage.IsWeight ? ReadWeight(address) : Read(address), level);
        }

        var stride = MovingTerm(flat)!.Coefficient;
        return new(stride.IsOne ? $"{(storage.IsWeight ? "Simd" : "Vector512")}.Load({address})" : $"Simd.LoadStrided({address}, {Text(stride)})", level);
    }

    private Operand Keep(Place key, Operand operand, string prefix, Value value)
    {
        var hint = Hint(Graph.Nodes[value.Node].Name);
        var variable = (hint.Length > 0 ? hint + "_" : prefix) + Number(++_counter);
        var isOnRow = operand.Level == Level.Row;
        (isOnRow ? _row : _loop).Line($"var {variable} = {operand.Text};");
        return (isOnRow ? _rowValues : _loopMemo)[key] = new(variable, operand.Level);
    }

    /// <summary>The letters of a name.</summary>
    private static string Hint(string name)
    {
        var letters = new StringBuilder(name.Length);
        foreach (var c in name)
        {
            if (c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_')
            {
                letters.Append(c);
            }
        }

        return letters.Length == name.Length ? name : letters.ToString();
    }
}
