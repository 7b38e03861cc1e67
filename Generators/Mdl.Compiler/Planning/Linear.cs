using System.Text;
using Mdl.Dsl;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Planning;

/// <summary>The loop variables of a row kernel, in the order in which an index names them.</summary>
internal enum LoopVariable
{
    /// <summary>The column within the row: the vectorised loop.</summary>
    Column,

    /// <summary>The flat number within the axes of a reduction that is summed serially.</summary>
    Inner,

    /// <summary>The flat number of the row.</summary>
    Row,
}

/// <summary>
/// One digit of a loop variable: <c>variable / Divisor % Modulus</c>; no modulus for the leading digit. With a source it is a digit of the number
/// that is looked up there, and the variable the innermost one that this number moves with.
/// </summary>
internal sealed record Digit(LoopVariable Variable, Dim Divisor, Dim? Modulus, Lookup? Source = null);

/// <summary>Element <paramref name="At"/> (in dense order) of a stored tensor of ints; none below 0 where <paramref name="IsOptional"/>: those count as 0.</summary>
internal sealed record Lookup(Value Index, Linear At, bool IsOptional);

/// <summary>A digit times a coefficient.</summary>
internal sealed record LinearTerm(Digit Digit, Dim Coefficient);

/// <summary>An index: a sum of digits with coefficients, plus an offset.</summary>
internal sealed record Linear(EquatableArray<LinearTerm> Terms, Dim Offset)
{
    private int _hash;

    public static Linear Zero { get; } = new([], Dim.Zero);

    public static Linear Column { get; } = Of(new Digit(LoopVariable.Column, Dim.One, null));

    public static Linear Row { get; } = Of(new Digit(LoopVariable.Row, Dim.One, null));

    public static Linear Inner { get; } = Of(new Digit(LoopVariable.Inner, Dim.One, null));

    public static Linear Of(Digit digit) => new([new(digit, Dim.One)], Dim.Zero);

    /// <summary>What is looked up at an index, divided by a number; null where the index moves with the columns.</summary>
    public static Linear? Of(Lookup lookup, Dim divisor) => lookup.At.Uses(LoopVariable.Column) ? null
        : Of(new Digit(lookup.At.Uses(LoopVariable.Inner) ? LoopVariable.Inner : LoopVariable.Row, divisor, null, lookup));

    public bool IsZero => Terms.Count == 0 && Offset.Equals(Dim.Zero);

    public bool Uses(LoopVariable variable)
    {
        foreach (var term in Terms)
        {
            if (term.Digit.Variable == variable)
            {
                return true;
            }
        }

        return false;
    }

    public Linear Plus(Dim offset) => offset.Equals(Dim.Zero) ? this : new(Terms, Offset + offset);

    public Linear Times(Dim factor)
    {
        if (factor.IsOne || IsZero)
        {
            return this;
        }

        if (factor.Equals(Dim.Zero))
        {
            return Zero;
        }

        var terms = new LinearTerm[Terms.Count];
        for (var i = 0; i < terms.Length; i++)
        {
            terms[i] = new(Terms[i].Digit, Terms[i].Coefficient * factor);
        }

        return new(EquatableArray.Owning(terms), Offset * factor);
    }

    /// <summary>The whole quotient by a number; null where it takes more than digits.</summary>
    public Linear? DividedBy(int divisor)
    {
        if (divisor == 1)
        {
            return this;
        }

        if (Terms.Count == 1 && Terms[0].Coefficient.IsOne && Offset.Equals(Dim.Zero) && Terms[0].Digit.Modulus is null)
        {
            return Of(Terms[0].Digit with { Divisor = Terms[0].Digit.Divisor * divisor });
        }

        var terms = new LinearTerm[Terms.Count];
        for (var i = 0; i < terms.Length; i++)
        {
            if (Dim.Divide(Terms[i].Coefficient, divisor) is not { } quotient)
            {
                return null;
            }

            terms[i] = new(Terms[i].Digit, quotient);
        }

        return Offset.IsConstant && Offset.Constant >= 0 && Offset.Constant < divisor ? new(EquatableArray.Owning(terms), Dim.Zero) : null;
    }

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

        LinearTerm[] terms = [.. Terms, .. other.Terms];
        while (MergeAny(terms) is { } fewer)
        {
            terms = fewer;
        }

        // A fixed order, so that equal indices compare equal.
        Sort(terms);
        return new(EquatableArray.Owning(terms), Offset + other.Offset);
    }

    /// <summary>The terms with the first two that can be one as the last; null where there are none.</summary>
    private static LinearTerm[]? MergeAny(LinearTerm[] terms)
    {
        for (var i = 0; i < terms.Length; i++)
        {
            for (var j = 0; j < terms.Length; j++)
            {
                if (i != j && Merge(terms[i], terms[j]) is { } both)
                {
                    var fewer = new LinearTerm[terms.Length - 1];
                    var count = 0;
                    for (var k = 0; k < terms.Length; k++)
                    {
                        if (k != i && k != j)
                        {
                            fewer[count++] = terms[k];
                        }
                    }

                    fewer[count] = both;
                    return fewer;
                }
            }
        }

        return null;
    }

    /// <summary>By the variables, then by what else the digits are; digits that are the same stay in their order.</summary>
    private static void Sort(LinearTerm[] terms)
    {
        for (var i = 1; i < terms.Length; i++)
        {
            for (var j = i; j > 0 && Order(terms[j].Digit, terms[j - 1].Digit) < 0; j--)
            {
                (terms[j], terms[j - 1]) = (terms[j - 1], terms[j]);
            }
        }
    }

    private static int Order(Digit left, Digit right) =>
        left.Variable != right.Variable ? (int)left.Variable - (int)right.Variable
        : Order(left.Divisor, right.Divisor) is var divisors and not 0 ? divisors
        : Order(left.Modulus, right.Modulus) is var moduli and not 0 ? moduli
        : left.Source == right.Source ? 0
        : string.CompareOrdinal(left.Source?.ToString(), right.Source?.ToString());

    /// <summary>By their texts, each closed by a comma: so that "8*T" comes before "8".</summary>
    private static int Order(Dim? left, Dim? right) =>
        left is null ? (right is null ? 0 : string.CompareOrdinal(",", right + ",")) : left.Equals(right) ? 0 : string.CompareOrdinal(left + ",", right + ",");

    /// <summary>Splits an index over an axis of size product(sizes) into indices over the axes; null where that takes more than digits.</summary>
    public Linear[]? Split(IReadOnlyList<Dim> sizes)
    {
        var result = new Linear[sizes.Count];
        int first = -1, last = -1;
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = Zero;
            if (!sizes[i].IsOne)
            {
                first = first < 0 ? i : first;
                last = i;
            }
        }

        if (first < 0 || IsZero)
        {
            return result;
        }

        if (first == last)
        {
            result[first] = this;
            return result;
        }

        if (Terms.Count != 1 || !Terms[0].Coefficient.IsOne || !Offset.Equals(Dim.Zero) || Terms[0].Digit.Variable == LoopVariable.Column)
        {
            return null;
        }

        var digit = Terms[0].Digit;
        var below = Dim.One;
        for (var i = last; i >= first; i--)
        {
            if (!sizes[i].IsOne)
            {
                var modulus = i == first && digit.Modulus is null ? null : sizes[i];
                result[i] = Of(digit with { Divisor = digit.Divisor * below, Modulus = modulus });
                below *= sizes[i];
            }
        }

        return result;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (digit, coefficient) in Terms)
        {
            text.Append(coefficient).Append('*').Append(digit.Variable).Append(digit.Source).Append('/').Append(digit.Divisor).Append('%').Append(digit.Modulus).Append(" + ");
        }

        return text.Append(Offset).ToString();
    }

    private static LinearTerm? Merge(LinearTerm high, LinearTerm low)
    {
        var (h, l) = (high.Digit, low.Digit);
        if (h.Variable != l.Variable || h.Source != l.Source)
        {
            return null;
        }

        if (h == l)
        {
            return new(h, high.Coefficient + low.Coefficient);
        }

        return l.Modulus is { } size && h.Divisor.Equals(l.Divisor * size) && high.Coefficient.Equals(low.Coefficient * size)
            ? new(l with { Modulus = h.Modulus is null ? null : h.Modulus * size }, low.Coefficient)
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
