using System.Globalization;

namespace Mdl.Dsl.Graphs;

/// <summary>
/// The size of one axis: a polynomial with integer coefficients over named symbols, such as <c>B*T</c> or <c>2*hidden + 1</c>.
/// Two sizes are equal exactly when their normal forms are.
/// </summary>
public sealed class Dim : IEquatable<Dim>
{
    // The terms with symbols, sorted by monomial; a monomial is its symbols in ordinal order joined by '*'. Most sizes are constants and have none.
    private readonly Term[] _terms;
    private readonly long _constant;

    private Dim(long constant, Term[] terms)
    {
        _constant = constant;
        _terms = terms;
    }

    public static Dim One { get; } = new(1, []);

    public static Dim Zero { get; } = new(0, []);

    public bool IsConstant => _terms.Length == 0;

    /// <summary>The value of a constant size.</summary>
    /// <exception cref="InvalidOperationException">The size has symbols.</exception>
    public long Constant => IsConstant ? _constant : throw new InvalidOperationException($"'{this}' is not a constant");

    public bool IsOne => _constant == 1 && IsConstant;

    public IEnumerable<string> Symbols => _terms.SelectMany(t => t.Factors).Distinct(StringComparer.Ordinal);

    public IEnumerable<(long Coefficient, IReadOnlyList<string> Factors)> Terms => AllTerms.Select(t => (t.Coefficient, (IReadOnlyList<string>)t.Factors));

    private IEnumerable<Term> AllTerms => _constant == 0 ? _terms : _terms.Prepend(new Term("", _constant));

    public static Dim Symbol(string name) => new(0, [new Term(name, 1)]);

    public static implicit operator Dim(long value) => value == 1 ? One : value == 0 ? Zero : new(value, []);

    public static Dim operator +(Dim left, Dim right) => left.IsConstant && right.IsConstant
        ? checked(left._constant + right._constant)
        : Sum(left.AllTerms.Concat(right.AllTerms));

    public static Dim operator -(Dim left, Dim right) => left + (right * -1);

    public static Dim operator *(Dim left, Dim right)
    {
        if (right.IsConstant)
        {
            return left.IsConstant ? checked(left._constant * right._constant) : left.Scale(right._constant);
        }

        return left.IsConstant
            ? right.Scale(left._constant)
            : Sum(from a in left.AllTerms from b in right.AllTerms select new Term(Join(a.Factors.Concat(b.Factors)), checked(a.Coefficient * b.Coefficient)));
    }

    /// <summary>The quotient if the division leaves no remainder whatever the symbols are, else null.</summary>
    public static Dim? Divide(Dim left, Dim right)
    {
        if (left.IsConstant && right.IsConstant)
        {
            return right._constant != 0 && left._constant % right._constant == 0 ? left._constant / right._constant : null;
        }

        if (left.Equals(right))
        {
            return One;
        }

        if (right.AllTerms.Take(2).Count() != 1)
        {
            return null;
        }

        var divisor = right.AllTerms.First();
        var terms = new List<Term>();
        foreach (var term in left.AllTerms)
        {
            var factors = term.Factors.ToList();
            if (term.Coefficient % divisor.Coefficient != 0 || !divisor.Factors.All(factors.Remove))
            {
                return null;
            }

            terms.Add(new Term(Join(factors), term.Coefficient / divisor.Coefficient));
        }

        return Sum(terms);
    }

    public static Dim Product(IEnumerable<Dim> dims) => dims.Aggregate(One, (a, b) => a * b);

    /// <summary>Replaces symbols by sizes; symbols that are not in the table stay.</summary>
    public Dim Substitute(IReadOnlyDictionary<string, Dim> table) => IsConstant ? this : AllTerms.Aggregate(
        Zero,
        (sum, term) => sum + term.Factors.Aggregate((Dim)term.Coefficient, (p, f) => p * (table.TryGetValue(f, out var d) ? d : Symbol(f))));

    public long Evaluate(IReadOnlyDictionary<string, long> table) => IsConstant
        ? _constant
        : AllTerms.Sum(term => term.Factors.Aggregate(term.Coefficient, (p, f) => checked(p * table[f])));

    public bool Equals(Dim? other)
    {
        if (ReferenceEquals(this, other))
        {
            return true;
        }

        if (other is null || _constant != other._constant || _terms.Length != other._terms.Length)
        {
            return false;
        }

        for (var i = 0; i < _terms.Length; i++)
        {
            if (_terms[i].Coefficient != other._terms[i].Coefficient || !string.Equals(_terms[i].Symbols, other._terms[i].Symbols, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    public override bool Equals(object? obj) => obj is Dim other && Equals(other);

    public override int GetHashCode()
    {
        var hash = unchecked((int)_constant * 31 + (int)(_constant >> 32));
        foreach (var term in _terms)
        {
            hash = unchecked((hash * 31 + (int)term.Coefficient) * 31 + StringComparer.Ordinal.GetHashCode(term.Symbols));
        }

        return hash;
    }

    public override string ToString()
    {
        if (IsConstant)
        {
            return _constant.ToString(CultureInfo.InvariantCulture);
        }

        // Symbols first, the constant last: "T + 1".
        var parts = _terms.Select(t => t.ToString());
        parts = _constant == 0 ? parts : parts.Append(_constant.ToString(CultureInfo.InvariantCulture));
        return string.Join(" + ", parts).Replace("+ -", "- ");
    }

    private static Dim Sum(IEnumerable<Term> terms)
    {
        var constant = 0L;
        var sums = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var term in terms)
        {
            if (term.Symbols.Length == 0)
            {
                constant = checked(constant + term.Coefficient);
            }
            else
            {
                sums[term.Symbols] = sums.TryGetValue(term.Symbols, out var sum) ? checked(sum + term.Coefficient) : term.Coefficient;
            }
        }

        return new(constant, sums.Where(s => s.Value != 0).Select(s => new Term(s.Key, s.Value)).ToArray());
    }

    private Dim Scale(long factor) => factor == 1 ? this
        : factor == 0 ? Zero
        : new(checked(_constant * factor), Array.ConvertAll(_terms, t => new Term(t.Symbols, checked(t.Coefficient * factor))));

    private static string Join(IEnumerable<string> factors) => string.Join("*", factors.OrderBy(f => f, StringComparer.Ordinal));

    private readonly struct Term(string symbols, long coefficient)
    {
        public string Symbols { get; } = symbols;

        public long Coefficient { get; } = coefficient;

        public string[] Factors => Symbols.Length == 0 ? [] : Symbols.Split('*');

        public override string ToString() => Coefficient == 1 ? Symbols
            : Coefficient == -1 ? "-" + Symbols
            : Coefficient.ToString(CultureInfo.InvariantCulture) + "*" + Symbols;
    }
}
