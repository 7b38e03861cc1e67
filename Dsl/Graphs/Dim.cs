using System.Globalization;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// The size of one axis: a polynomial with integer coefficients over named symbols, such as <c>B*T</c> or <c>2*hidden + 1</c>.
/// Two sizes are equal exactly when their normal forms are.
/// </summary>
public sealed class Dim : IEquatable<Dim>
{
    // Sorted by monomial; a monomial is its symbols in ordinal order joined by '*', and "" for the constant term.
    private readonly EquatableArray<Term> _terms;

    private Dim(IEnumerable<Term> terms) => _terms = terms
        .GroupBy(t => t.Symbols, StringComparer.Ordinal)
        .Select(g => new Term(g.Key, g.Sum(t => t.Coefficient)))
        .Where(t => t.Coefficient != 0)
        .OrderBy(t => t.Symbols, StringComparer.Ordinal)
        .ToEquatableArray();

    public static Dim One { get; } = 1;

    public static Dim Zero { get; } = 0;

    public bool IsConstant => _terms.Count == 0 || (_terms.Count == 1 && _terms[0].Symbols.Length == 0);

    /// <summary>The value of a constant size.</summary>
    /// <exception cref="InvalidOperationException">The size has symbols.</exception>
    public long Constant => IsConstant
        ? (_terms.Count == 0 ? 0 : _terms[0].Coefficient)
        : throw new InvalidOperationException($"'{this}' is not a constant");

    public bool IsOne => IsConstant && Constant == 1;

    public IEnumerable<string> Symbols => _terms.SelectMany(t => t.Factors).Distinct(StringComparer.Ordinal);

    public IEnumerable<(long Coefficient, IReadOnlyList<string> Factors)> Terms => _terms.Select(t => (t.Coefficient, (IReadOnlyList<string>)t.Factors));

    public static Dim Symbol(string name) => new([new Term(name, 1)]);

    public static implicit operator Dim(long value) => new([new Term("", value)]);

    public static Dim operator +(Dim left, Dim right) => new(left._terms.Concat(right._terms));

    public static Dim operator -(Dim left, Dim right) => left + (right * -1);

    public static Dim operator *(Dim left, Dim right) => new(
        from a in left._terms
        from b in right._terms
        select new Term(Join(a.Factors.Concat(b.Factors)), checked(a.Coefficient * b.Coefficient)));

    /// <summary>The quotient if the division leaves no remainder whatever the symbols are, else null.</summary>
    public static Dim? Divide(Dim left, Dim right)
    {
        if (left.Equals(right) && !right.Equals(Zero))
        {
            return One;
        }

        if (right._terms.Count != 1)
        {
            return null;
        }

        var divisor = right._terms[0];
        var terms = new List<Term>();
        foreach (var term in left._terms)
        {
            var factors = term.Factors.ToList();
            if (term.Coefficient % divisor.Coefficient != 0 || !divisor.Factors.All(factors.Remove))
            {
                return null;
            }

            terms.Add(new Term(Join(factors), term.Coefficient / divisor.Coefficient));
        }

        return new(terms);
    }

    public static Dim Product(IEnumerable<Dim> dims) => dims.Aggregate(One, (a, b) => a * b);

    /// <summary>Replaces symbols by sizes; symbols that are not in the table stay.</summary>
    public Dim Substitute(IReadOnlyDictionary<string, Dim> table) => _terms.Aggregate(
        Zero,
        (sum, term) => sum + term.Factors.Aggregate((Dim)term.Coefficient, (p, f) => p * (table.TryGetValue(f, out var d) ? d : Symbol(f))));

    public long Evaluate(IReadOnlyDictionary<string, long> table) =>
        _terms.Sum(term => term.Factors.Aggregate(term.Coefficient, (p, f) => checked(p * table[f])));

    public bool Equals(Dim? other) => other is not null && _terms.Equals(other._terms);

    public override bool Equals(object? obj) => obj is Dim other && Equals(other);

    public override int GetHashCode() => _terms.GetHashCode();

    public override string ToString()
    {
        if (_terms.Count == 0)
        {
            return "0";
        }

        // Symbols first, the constant last: "T + 1".
        var parts = _terms.Where(t => t.Symbols.Length > 0).Concat(_terms.Where(t => t.Symbols.Length == 0)).Select(t => t.ToString());
        return string.Join(" + ", parts).Replace("+ -", "- ");
    }

    private static string Join(IEnumerable<string> factors) => string.Join("*", factors.OrderBy(f => f, StringComparer.Ordinal));

    private sealed record Term(string Symbols, long Coefficient)
    {
        public string[] Factors => Symbols.Length == 0 ? [] : Symbols.Split('*');

        public override string ToString() => Symbols.Length == 0 ? Coefficient.ToString(CultureInfo.InvariantCulture)
            : Coefficient == 1 ? Symbols
            : Coefficient == -1 ? "-" + Symbols
            : Coefficient.ToString(CultureInfo.InvariantCulture) + "*" + Symbols;
    }
}
