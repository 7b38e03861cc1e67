using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Words with arguments, and the numbers in them.</summary>
internal sealed partial class DiffusionBinder
{
    // A value such as `minimax(beta: 2)`: its word and what stands in its parentheses; `sigma 2` is short for `sigma(2)`.
    private static (string Word, EquatableArray<CallArgumentSyntax> Arguments) Applied(ExpressionSyntax value) => value switch
    {
        NameSyntax name => (name.Text, []),
        AppliedNameSyntax applied => (applied.Name.Text, [new CallArgumentSyntax(null, applied.Value, applied.Value.Span)]),
        CallSyntax { Callee: NameSyntax callee } call => (callee.Text, call.Arguments),
        _ => ("", []),
    };

    // The word of a value if it is one of those known.
    private string? OneOf(ExpressionSyntax value, params string[] words)
    {
        var word = Applied(value).Word;
        if (words.Contains(word))
        {
            return word;
        }

        Fail(value.Span, $"{_source.Quote(value.Span)} is not known here; there {(words.Length == 1 ? "is" : "are")} {string.Join(", ", words)}{Suggestion.Hint(word, words)}");
        return null;
    }

    // The numbers of a call by the names of its parameters, given by position or by name; those left out have their defaults, of which NaN is none.
    private double[]? Numbers(ExpressionSyntax value, params (string Name, double Default)[] parameters)
    {
        var (word, arguments) = Applied(value);
        var numbers = parameters.Select(p => p.Default).ToArray();
        var given = new bool[parameters.Length];
        var position = 0;
        foreach (var argument in arguments)
        {
            var index = argument.Name is { } label ? Array.FindIndex(parameters, p => p.Name == label.Text) : position++;
            if (index < 0 || index >= parameters.Length || given[index])
            {
                var known = parameters.Length == 0 ? "no arguments" : "the arguments " + string.Join(", ", parameters.Select(p => p.Name)) + ", each once";
                Fail(argument.Span, $"`{word}` takes {known}");
                return null;
            }

            given[index] = true;
            if (Number(argument.Value, $"`{parameters[index].Name}`") is not { } number)
            {
                return null;
            }

            numbers[index] = number;
        }

        var missing = Array.FindIndex(numbers, double.IsNaN);
        if (missing >= 0)
        {
            Fail(value.Span, $"`{word}` needs `{parameters[missing].Name}`");
            return null;
        }

        return numbers;
    }

    private double? Number(ExpressionSyntax syntax, string what)
    {
        var number = new Elaborator(_session, isTraining: false).NumberOf(syntax, _frame, what);
        _hasFailed |= number is null;
        return number;
    }

    private EquatableArray<double>? List(ExpressionSyntax value, string what)
    {
        var items = value switch { ListSyntax list => list.Items, TupleSyntax tuple => tuple.Items, _ => default };
        if (items.Count == 0)
        {
            Fail(value.Span, $"{what} is a list of numbers, such as [1, 0.5]");
            return null;
        }

        var numbers = new List<double>();
        foreach (var item in items)
        {
            if (item is ListSyntax or TupleSyntax)
            {
                if (List(item, what) is not { } inner)
                {
                    return null;
                }

                numbers.AddRange(inner);
            }
            else if (Number(item, what) is { } number)
            {
                numbers.Add(number);
            }
            else
            {
                return null;
            }
        }

        return numbers.ToEquatableArray();
    }

    // Says so where a number is not in a range; the ends do not belong to it if they are open.
    private bool Within(double value, Span span, string what, double least, double most, bool isOpen = false)
    {
        if (value >= least && value <= most && !(isOpen && value == least) && !double.IsInfinity(value))
        {
            return true;
        }

        var range = double.IsInfinity(most)
            ? FormattableString.Invariant($"{(isOpen ? "above" : "at least")} {least} and finite")
            : FormattableString.Invariant($"{(isOpen ? "above" : "at least")} {least} and at most {most}");
        Fail(span, $"{what} is {range}, but {_source.Quote(span)} is not");
        return false;
    }

    private bool OnlyOne(DirectiveSyntax line)
    {
        if (line.Values.Count == 1)
        {
            return true;
        }

        Fail(line.Values[1].Span, $"`{line.Name}` takes one value");
        return false;
    }
}
