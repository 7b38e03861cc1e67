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
    private readonly int _hash;
    private string? _text;

    private Dim(long constant, Term[] terms)
    {
        _constant = constant;
        _terms = terms;
        _hash = unchecked((int)constant * 31 + (int)(constant >> 32));
        foreach (var term in terms)
        {
            // Symbols are few and short: this tells them apart, and sizes are made far more often than looked up.
            _hash = unchecked((((_hash * 31) + (int)term.Coefficient) * 31) + (term.Symbols.Length * 256) + term.Symbols[0]);
        }
    }

    // Most sizes are small.
    private static readonly Dim[] Small = [.. Enumerable.Range(0, 257).Select(n => new Dim(n, []))];

    public static Dim One => Small[1];

    public static Dim Zero => Small[0];

    public bool IsConstant => _terms.Length == 0;

    /// <summary>The value of a constant size.</summary>
    /// <exception cref="InvalidOperationException">The size has symbols.</exception>
    public long Constant => IsConstant ? _constant : throw new InvalidOperationException($"'{this}' is not a constant");

    /// <summary>One product of symbols with a coefficient.</summary>
    private bool IsTerm => _terms.Length == 1 && _constant == 0;

    public bool IsOne => _constant == 1 && IsConstant;

    public IEnumerable<string> Symbols => IsConstant ? [] : _terms.SelectMany(t => t.Factors).Distinct(StringComparer.Ordinal);

    public IEnumerable<(long Coefficient, IReadOnlyList<string> Factors)> Terms => AllTerms.Select(t => (t.Coefficient, (IReadOnlyList<string>)t.Factors));

    private IEnumerable<Term> AllTerms => _constant == 0 ? _terms : _terms.Prepend(Term.Of(_constant));

    public static Dim Symbol(string name) => new(0, [new Term(name, 1)]);

    public static implicit operator Dim(long value) => value >= 0 && value < Small.Length ? Small[value] : new(value, []);

    public static Dim operator +(Dim left, Dim right) => left.IsConstant && right.IsConstant
        ? checked(left._constant + right._constant)
        : left.IsConstant ? right.Plus(left._constant)
        : right.IsConstant ? left.Plus(right._constant)
        : Merge(left, right);

    public static Dim operator -(Dim left, Dim right) => left + (right * -1);

    public static Dim operator *(Dim left, Dim right)
    {
        if (right.IsConstant)
        {
            return left.IsConstant ? checked(left._constant * right._constant) : left.Scale(right._constant);
        }

        return left.IsConstant
            ? right.Scale(left._constant)
            : left.IsTerm && right.IsTerm ? new(0, [left._terms[0].Times(right._terms[0])])
            : Expand(left, right);
    }

    // Apart, because a method that holds a query makes the query's closure before it knows whether it is needed.
    private static Dim Expand(Dim left, Dim right) => Sum(from a in left.AllTerms from b in right.AllTerms select a.Times(b));

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

        if (!right.IsTerm && !right.IsConstant)
        {
            return null;
        }

        if (left.IsConstant || right.Equals(Zero))
        {
            return left.Equals(Zero) && !right.Equals(Zero) ? Zero : null;
        }

        var divisor = right.IsConstant ? Term.Of(right._constant) : right._terms[0];
        var terms = new List<Term>();
        foreach (var term in left.AllTerms)
        {
            var factors = term.Factors.ToList();
            if (term.Coefficient % divisor.Coefficient != 0 || !divisor.Factors.All(factors.Remove))
            {
                return null;
            }

            terms.Add(Term.Of(factors, term.Coefficient / divisor.Coefficient));
        }

        return Sum(terms);
    }

    public static Dim Product(IEnumerable<Dim> dims)
    {
        var product = One;
        foreach (var dim in dims)
        {
            product *= dim;
        }

        return product;
    }

    /// <summary>As the product of any sizes, without an enumerator of its own.</summary>
    public static Dim Product(EquatableArray<Dim> dims)
    {
        var product = One;
        foreach (var dim in dims)
        {
            product *= dim;
        }

        return product;
    }

    /// <summary>Replaces symbols by sizes; symbols that are not in the table stay.</summary>
    public Dim Substitute(IReadOnlyDictionary<string, Dim> table) => IsConstant ? this : AllTerms.Aggregate(
        Zero,
        (sum, term) => sum + term.Factors.Aggregate((Dim)term.Coefficient, (p, f) => p * (table.TryGetValue(f, out var d) ? d : Symbol(f))));

    public long Evaluate(IReadOnlyDictionary<string, long> table) => IsConstant
        ? _constant
        : AllTerms.Sum(term => term.Factors.Aggregate(term.Coefficient, (p, f) => checked(p * table[f])));

    /// <summary>The value where every symbol is the same number.</summary>
    public long EvaluateAll(long symbol)
    {
        var sum = _constant;
        foreach (var term in _terms)
        {
            var product = term.Coefficient;
            for (var i = 0; i < term.Factors.Length; i++)
            {
                product = checked(product * symbol);
            }

            sum = checked(sum + product);
        }

        return sum;
    }

    public bool Equals(Dim? other)
    {
        if (ReferenceEquals(this, other))
        {
            return true;
        }

        if (other is null || _hash != other._hash || _constant != other._constant || _terms.Length != other._terms.Length)
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

    public override int GetHashCode() => _hash;

    public override string ToString() => _text ??= Text();

    private string Text()
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
        var sums = new List<Term>();
        foreach (var term in terms)
        {
            if (term.Factors.Length == 0)
            {
                constant = checked(constant + term.Coefficient);
                continue;
            }

            var same = sums.FindIndex(t => string.Equals(t.Symbols, term.Symbols, StringComparison.Ordinal));
            if (same < 0)
            {
                sums.Add(term);
            }
            else
            {
                sums[same] = term.With(checked(sums[same].Coefficient + term.Coefficient));
            }
        }

        sums.RemoveAll(t => t.Coefficient == 0);
        sums.Sort((a, b) => string.CompareOrdinal(a.Symbols, b.Symbols));
        return new(constant, [.. sums]);
    }

    /// <summary>The sum of two sizes with symbols.</summary>
    private static Dim Merge(Dim left, Dim right)
    {
        var (a, b) = (left._terms, right._terms);
        var terms = new Term[a.Length + b.Length];
        int i = 0, j = 0, count = 0;
        while (i < a.Length || j < b.Length)
        {
            var order = i == a.Length ? 1 : j == b.Length ? -1 : string.CompareOrdinal(a[i].Symbols, b[j].Symbols);
            if (order != 0)
            {
                terms[count++] = order < 0 ? a[i++] : b[j++];
                continue;
            }

            var coefficient = checked(a[i].Coefficient + b[j].Coefficient);
            if (coefficient != 0)
            {
                terms[count++] = a[i].With(coefficient);
            }

            i++;
            j++;
        }

        if (count < terms.Length)
        {
            Array.Resize(ref terms, count);
        }

        return new(checked(left._constant + right._constant), terms);
    }

    private Dim Plus(long constant) => constant == 0 ? this : new(checked(_constant + constant), _terms);

    private Dim Scale(long factor)
    {
        if (factor is 0 or 1)
        {
            return factor == 0 ? Zero : this;
        }

        var terms = new Term[_terms.Length];
        for (var i = 0; i < terms.Length; i++)
        {
            terms[i] = _terms[i].Times(factor);
        }

        return new(checked(_constant * factor), terms);
    }

    private readonly struct Term
    {
        public Term(string symbol, long coefficient)
            : this([symbol], symbol, coefficient)
        {
        }

        private Term(string[] factors, string symbols, long coefficient)
        {
            Factors = factors;
            Symbols = symbols;
            Coefficient = coefficient;
        }

        public static Term Of(long constant) => new([], "", constant);

        /// <summary>In ordinal order.</summary>
        public string[] Factors { get; }

        /// <summary>The factors joined by '*'.</summary>
        public string Symbols { get; }

        public long Coefficient { get; }

        public static Term Of(IEnumerable<string> factors, long coefficient)
        {
            string[] sorted = [.. factors];
            Array.Sort(sorted, StringComparer.Ordinal);
            return new(sorted, string.Join("*", sorted), coefficient);
        }

        public Term Times(long factor) => new(Factors, Symbols, checked(Coefficient * factor));

        public Term With(long coefficient) => new(Factors, Symbols, coefficient);

        public Term Times(Term other) => Factors.Length == 0 ? other.Times(Coefficient)
            : other.Factors.Length == 0 ? Times(other.Coefficient)
            : new(Merge(Factors, other.Factors, out var symbols), symbols, checked(Coefficient * other.Coefficient));

        private static string[] Merge(string[] left, string[] right, out string symbols)
        {
            var factors = new string[left.Length + right.Length];
            int i = 0, j = 0;
            for (var k = 0; k < factors.Length; k++)
            {
                factors[k] = j == right.Length || (i < left.Length && string.CompareOrdinal(left[i], right[j]) <= 0) ? left[i++] : right[j++];
            }

            symbols = string.Join("*", factors);
            return factors;
        }

        public override string ToString() => Coefficient == 1 ? Symbols
            : Coefficient == -1 ? "-" + Symbols
            : Coefficient.ToString(CultureInfo.InvariantCulture) + "*" + Symbols;
    }
}
