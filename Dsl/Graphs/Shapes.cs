using System.Runtime.CompilerServices;
using System.Text;

namespace Mdl.Dsl.Graphs;

/// <summary>Inputs do not fit an operation. The message speaks of sizes only; whoever builds the graph adds names and the place.</summary>
public sealed class ShapeException(string message) : Exception(message);

internal static class Shapes
{
    /// <summary>Right-aligned broadcasting: missing axes and axes of size 1 stretch.</summary>
    public static EquatableArray<Dim> Broadcast(EquatableArray<Dim> left, EquatableArray<Dim> right)
    {
        var rank = Math.Max(left.Count, right.Count);
        var result = new Dim[rank];
        for (var i = 0; i < rank; i++)
        {
            var a = i < rank - left.Count ? Dim.One : left[i - (rank - left.Count)];
            var b = i < rank - right.Count ? Dim.One : right[i - (rank - right.Count)];
            result[i] = a.IsOne ? b : b.IsOne || a.Equals(b) ? a : throw new ShapeException($"{left} does not broadcast with {right}: {a} is not {b}");
        }

        return new(result);
    }

    /// <summary>Whether right-aligned broadcasting makes one shape the other one.</summary>
    public static bool Stretches(EquatableArray<Dim> from, EquatableArray<Dim> to)
    {
        var missing = to.Count - from.Count;
        for (var i = 0; i < from.Count && missing >= 0; i++)
        {
            if (!from[i].IsOne && !from[i].Equals(to[missing + i]))
            {
                return false;
            }
        }

        return missing >= 0;
    }

    public static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ShapeException(message);
        }
    }

    /// <summary>The message is put together only where the condition fails: shape rules run for every node of every pass.</summary>
    public static void Require(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureMessage message)
    {
        if (!condition)
        {
            throw new ShapeException(message.ToString());
        }
    }

    public static EquatableArray<TensorType> One(TensorType type) => [type];
}

/// <summary>An interpolated string that is evaluated only if a condition is false.</summary>
[InterpolatedStringHandler]
internal readonly ref struct FailureMessage
{
    private readonly StringBuilder? _text;

    public FailureMessage(int literalLength, int formattedCount, bool condition, out bool isWanted)
    {
        isWanted = !condition;
        _text = condition ? null : new StringBuilder(literalLength + (16 * formattedCount));
    }

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(value);

    public override string ToString() => _text?.ToString() ?? "";
}
