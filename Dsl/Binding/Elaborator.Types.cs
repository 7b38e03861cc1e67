using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Leading axes that were folded into one for a block that takes fewer axes.</summary>
internal sealed record Folding(EquatableArray<Dim> Leading, Dim Folded);

/// <summary>Declared shapes against actual ones: names bind to sizes, <c>..</c> to any leading axes.</summary>
internal sealed partial class Elaborator
{
    private Tensor? BindInput(InputSyntax declared, Entity value, Span span, Frame frame, Frame callee, ref Folding? folding)
    {
        if (AsTensor(value, span, frame) is not { } x)
        {
            return null;
        }

        var type = declared.Type;
        CheckStorage(type, callee);
        var hasEllipsis = type.Shape.Count > 0 && type.Shape[0] is EllipsisSyntax;
        if (!hasEllipsis && x.Rank > type.Shape.Count && x.Ghosts != 0)
        {
            x = DropGhosts(x, frame);
        }

        if (!hasEllipsis && type.Shape.Count > 0 && x.Rank > type.Shape.Count && x.Lead == Lead.Plain)
        {
            var count = x.Rank - type.Shape.Count + 1;
            var leading = x.Shape.Take(count).ToEquatableArray();
            folding ??= new(leading, Dim.Product(leading));
            x = Made(frame.Region.Builder.Reshape(Here(x, frame), new[] { Dim.Product(leading) }.Concat(x.Shape.Skip(count))), frame);
        }

        if (Match(type, x, callee) is { } problem)
        {
            var wanted = $"`{declared.Name}: {callee.Quote(type.Span).Trim('`')}`";
            var given = frame.Declaration.Syntax is MoeSyntax moe ? $"`{moe.Name}` gives it rows of tokens {x.Type}" : $"{frame.Quote(span)} is {x.Type}";
            FailShape(frame, span, $"`{callee.Declaration.Name}` takes {wanted}, but {given}{problem}");
            return null;
        }

        return Failed && IsBroken(type, callee) ? null : x;
    }

    // A size in the type that could not be evaluated has been reported; what follows from it would only repeat that.
    private static bool IsBroken(TypeSyntax type, Frame callee) =>
        type.Shape.Any(s => s is NameSyntax name && callee.Find(name.Text) is Poison);

    /// <summary>Null where the type fits, else what does not, to be put after a sentence.</summary>
    private string? Match(TypeSyntax type, Tensor x, Frame callee)
    {
        if ((type.Element == "int") != (x.Type.Element == ElementType.I32))
        {
            return type.Element == "int" ? ": ints are wanted" : ": floats are wanted, which `float(...)` makes";
        }

        var hasEllipsis = type.Shape.Count > 0 && type.Shape[0] is EllipsisSyntax;
        var named = hasEllipsis ? type.Shape.Skip(1).ToArray() : type.Shape.ToArray();
        if (hasEllipsis ? x.Rank < named.Length : x.Rank != named.Length)
        {
            return $": {(hasEllipsis ? "at least " : "")}{(named.Length == 1 ? "one axis is" : $"{named.Length} axes are")} wanted";
        }

        if (hasEllipsis)
        {
            var leading = x.Shape.Take(x.Rank - named.Length).ToEquatableArray();
            callee.Ellipsis ??= leading;
            if (callee.Ellipsis.Value != leading)
            {
                return $": `..` is {callee.Ellipsis.Value} already";
            }
        }

        for (var i = 0; i < named.Length; i++)
        {
            if (MatchAxis(named[i], x.Shape[x.Rank - named.Length + i], callee) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private string? MatchAxis(ExpressionSyntax axis, Dim actual, Frame callee)
    {
        if (axis is EllipsisSyntax)
        {
            return ": `..` stands before all other axes";
        }

        if (axis is NameSyntax name && callee.Find(name.Text) is null && session.Find(name.Text, callee.Source) is null)
        {
            callee.Names[name.Text] = new Size(actual);
            return null;
        }

        if (AxisSize(Evaluate(axis, callee), axis.Span, callee, "an axis") is not { } wanted || wanted.Equals(actual))
        {
            return null;
        }

        return $": {callee.Quote(axis.Span)} is {wanted}, not {actual}";
    }

    /// <summary>Checks results against their declared types, drops ghost axes that these do not have, and unfolds what was folded.</summary>
    private Entity Leave(Frame callee, EquatableArray<TypeSyntax> declared, Folding? folding)
    {
        if (callee.Result is null)
        {
            return Fail(callee, DiagnosticIds.NoResult, callee.Declaration.Syntax.Name.Span, $"`{callee.Declaration.Name}` returns nothing");
        }

        if (callee.Result is Poison)
        {
            return Poison.Instance;
        }

        var values = callee.Result is Series series ? series.Items : [callee.Result];
        if (declared.Count > 0 && declared.Count != values.Count)
        {
            return Fail(
                callee, DiagnosticIds.NoResult, callee.ResultSpan,
                $"`{callee.Declaration.Name}` is declared with {Plural(declared.Count, "result")} and returns {values.Count}");
        }

        var results = new List<Entity>();
        for (var i = 0; i < values.Count; i++)
        {
            // A function of build-time numbers gives a number, which needs no shape.
            if (values[i] is (Size or Number) && declared.Count == 0)
            {
                results.Add(values[i]);
                continue;
            }

            if (AsTensor(values[i], callee.ResultSpan, callee) is not { } x)
            {
                return Poison.Instance;
            }

            x = x.Lead == Lead.Experts ? ToRows(x, callee) : x;
            if (declared.Count > 0 && CheckResult(declared[i], ref x, callee) is { } failure)
            {
                return failure;
            }

            results.Add(folding is null || x.Rank == 0 || !x.Shape[0].Equals(folding.Folded)
                ? x
                : Made(callee.Region.Builder.Reshape(Here(x, callee), folding.Leading.Concat(x.Shape.Skip(1))), callee));
        }

        return results.Count == 1 ? results[0] : new Series(results.ToEquatableArray());
    }

    private Poison? CheckResult(TypeSyntax type, ref Tensor x, Frame callee)
    {
        CheckStorage(type, callee);
        var hasEllipsis = type.Shape.Count > 0 && type.Shape[0] is EllipsisSyntax;
        var rank = hasEllipsis ? type.Shape.Count - 1 + (callee.Ellipsis?.Count ?? x.Rank) : type.Shape.Count;
        if (x.Rank > rank && x.Ghosts != 0)
        {
            x = DropGhosts(x, callee);
        }

        var problem = Match(type, x, callee);
        x = x with { Ghosts = 0 };
        return problem is null
            ? null
            : FailShape(
                callee, callee.ResultSpan,
                $"`{callee.Declaration.Name}` is declared to return {callee.Quote(type.Span)}, but returns {x.Type}{problem}");
    }
}
