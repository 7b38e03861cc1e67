using System.Text;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>The loop variables of a row kernel.</summary>
internal enum LoopVariable
{
    /// <summary>The flat number of the row.</summary>
    Row,

    /// <summary>The column within the row: the vectorised loop.</summary>
    Column,

    /// <summary>The flat number within the axes of a reduction that is summed serially.</summary>
    Inner,
}

/// <summary>One digit of a loop variable: <c>variable / Divisor % Modulus</c>; no modulus for the leading digit.</summary>
internal sealed record Digit(LoopVariable Variable, Dim Divisor, Dim? Modulus);

/// <summary>An index: a sum of digits with coefficients, plus an offset.</summary>
internal sealed record Linear(EquatableArray<(Digit Digit, Dim Coefficient)> Terms, Dim Offset)
{
    private int _hash;

    public static Linear Zero { get; } = new([], Dim.Zero);

    public static Linear Column { get; } = Of(new Digit(LoopVariable.Column, Dim.One, null));

    public static Linear Row { get; } = Of(new Digit(LoopVariable.Row, Dim.One, null));

    public static Linear Inner { get; } = Of(new Digit(LoopVariable.Inner, Dim.One, null));

    public static Linear Of(Digit digit) => new([(digit, Dim.One)], Dim.Zero);

    public bool IsZero => Terms.Count == 0 && Offset.Equals(Dim.Zero);

    public bool Uses(LoopVariable variable) => Terms.Any(t => t.Digit.Variable == variable);

    public Linear Plus(Dim offset) => offset.Equals(Dim.Zero) ? this : new(Terms, Offset + offset);

    public Linear Times(Dim factor) => factor.Equals(Dim.Zero) || IsZero ? Zero
        : factor.IsOne ? this
        : new(Terms.Select(t => (t.Digit, t.Coefficient * factor)).ToEquatableArray(), Offset * factor);

    public bool Equals(Linear? other) => ReferenceEquals(this, other) || (other is not null && Offset.Equals(other.Offset) && Terms.Equals(other.Terms));

    public override int GetHashCode() => _hash != 0 ? _hash : _hash = unchecked((Terms.GetHashCode() * 31) + Offset.GetHashCode());

    /// <summary>The sum, with neighbouring digits of one variable merged: <c>T * (r / T) + r % T</c> is <c>r</c>.</summary>
    public Linear Plus(Linear other)
    {
        if (other.IsZero || IsZero)
        {
            return IsZero ? other : this;
        }

        if (Terms.Count == 0 || other.Terms.Count == 0)
        {
            return new(Terms.Count == 0 ? other.Terms : Terms, Offset + other.Offset);
        }

        var terms = Terms.Concat(other.Terms).ToList();
        for (var merged = true; merged;)
        {
            merged = false;
            for (var i = 0; i < terms.Count && !merged; i++)
            {
                for (var j = 0; j < terms.Count && !merged; j++)
                {
                    if (i != j && Merge(terms[i], terms[j]) is { } both)
                    {
                        terms.RemoveAt(Math.Max(i, j));
                        terms.RemoveAt(Math.Min(i, j));
                        terms.Add(both);
                        merged = true;
                    }
                }
            }
        }

        // A fixed order, so that equal indices compare equal.
        var sorted = terms.Count < 2 ? terms : [.. terms.OrderBy(t => t.Digit.ToString(), StringComparer.Ordinal)];
        return new(sorted.ToEquatableArray(), Offset + other.Offset);
    }

    /// <summary>Splits an index over an axis of size product(sizes) into indices over the axes; null where that takes more than digits.</summary>
    public Linear[]? Split(IReadOnlyList<Dim> sizes)
    {
        var result = Enumerable.Repeat(Zero, sizes.Count).ToArray();
        var wide = Enumerable.Range(0, sizes.Count).Where(i => !sizes[i].IsOne).ToList();
        if (wide.Count == 0 || (Terms.Count == 0 && Offset.Equals(Dim.Zero)))
        {
            return result;
        }

        if (wide.Count == 1)
        {
            result[wide[0]] = this;
            return result;
        }

        if (Terms.Count != 1 || !Terms[0].Coefficient.IsOne || !Offset.Equals(Dim.Zero) || Terms[0].Digit.Variable == LoopVariable.Column)
        {
            return null;
        }

        var digit = Terms[0].Digit;
        var below = Dim.One;
        foreach (var i in Enumerable.Reverse(wide))
        {
            var modulus = i == wide[0] && digit.Modulus is null ? null : sizes[i];
            result[i] = Of(new Digit(digit.Variable, digit.Divisor * below, modulus));
            below *= sizes[i];
        }

        return result;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (digit, coefficient) in Terms)
        {
            text.Append(coefficient).Append('*').Append(digit.Variable).Append('/').Append(digit.Divisor).Append('%').Append(digit.Modulus).Append(" + ");
        }

        return text.Append(Offset).ToString();
    }

    private static (Digit, Dim)? Merge((Digit Digit, Dim Coefficient) high, (Digit Digit, Dim Coefficient) low)
    {
        var (h, l) = (high.Digit, low.Digit);
        if (h.Variable != l.Variable)
        {
            return null;
        }

        if (h == l)
        {
            return (h, high.Coefficient + low.Coefficient);
        }

        return l.Modulus is { } size && h.Divisor.Equals(l.Divisor * size) && high.Coefficient.Equals(low.Coefficient * size)
            ? (new Digit(h.Variable, l.Divisor, h.Modulus is null ? null : h.Modulus * size), low.Coefficient)
            : null;
    }
}

/// <summary>A value at an index: the key under which expressions are computed once.</summary>
internal readonly struct Place : IEquatable<Place>
{
    private readonly Value _value;
    private readonly Linear[] _at;
    private readonly int _hash;

    public Place(Value value, Linear[] at)
    {
        _value = value;
        _at = at;
        _hash = value.GetHashCode();
        foreach (var index in at)
        {
            _hash = unchecked((_hash * 31) + index.GetHashCode());
        }
    }

    public bool Equals(Place other)
    {
        if (_hash != other._hash || _value != other._value || _at.Length != other._at.Length)
        {
            return false;
        }

        for (var i = 0; i < _at.Length; i++)
        {
            if (!_at[i].Equals(other._at[i]))
            {
                return false;
            }
        }

        return true;
    }

    public override bool Equals(object? obj) => obj is Place other && Equals(other);

    public override int GetHashCode() => _hash;
}
