using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Parameters and states.</summary>
internal sealed partial class Elaborator
{
    private const double DefaultDeviation = 0.02;

    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);

    private void Declare(Name name, TypeSyntax type, ExpressionSyntax? initial, string doc, bool isState, Span span, Frame frame)
    {
        if (frame.Names.TryGetValue(name.Text, out var taken) && taken is Tensor or EmptyTensor)
        {
            Report(frame, DiagnosticIds.DuplicateName, name.Span, $"`{name}` is defined already, as {taken.Kind}");
            return;
        }

        var value = MakeParameter(name, type, initial, doc, isState, span, frame);
        Define(name, value, frame);
        if (isState && value is Tensor)
        {
            frame.States[name.Text] = KeyOf(frame.Home, name.Text);
        }
    }

    private static string KeyOf(Home home, string name) =>
        BoundParameter.KeyOf(home.PathOf(name), home.Region.Repeats, home.Region.FirstIndex);

    private Entity MakeParameter(Name name, TypeSyntax type, ExpressionSyntax? initial, string doc, bool isState, Span span, Frame frame)
    {
        if (type.Element.Length > 0)
        {
            return Fail(frame, DiagnosticIds.ElementType, type.Span, $"`{name}` holds floats, not {type.Element}s");
        }

        if (!MayHoldBlocks(span, frame))
        {
            return Poison.Instance;
        }

        CheckStorage(type, frame);
        if (isGeneric)
        {
            return GenericParameter(type, frame);
        }

        var home = frame.Home;
        var key = KeyOf(home, name.Text);
        if (_refused.Contains(key) || ConstantShape(name, type, frame) is not { } shape || InitialValue(initial, isState, frame) is not { } start)
        {
            // Another use of the same instance would only say the same again.
            _refused.Add(key);
            return Silent();
        }

        var stacked = home.Experts is { } experts ? [experts.Count, .. shape] : shape;
        var parameter = new BoundParameter(
            home.PathOf(name.Text), stacked, home.Region.Repeats, home.Region.FirstIndex, start, isState, doc, OriginOf(span, frame)) { IsSingle = type.Storage == "f32", HasExperts = home.Experts is not null };
        parameter = parameter with { IsFrozen = IsFrozen(parameter) };
        if (!FitsInMemory(parameter))
        {
            return Fail(frame, DiagnosticIds.SizeOutOfRange, type.Span, $"`{name}` has more elements than any machine can hold");
        }

        if (Parameters.Find(parameter.Key) is not { } known)
        {
            Parameters.Add(parameter);
            for (var around = frame; around is { Caller: not null }; around = around.Caller)
            {
                Parameters.Document(BoundModel.BlockKey(around.Home.Path, home.Region.FirstIndex), around.Declaration.Syntax.Doc);
            }
        }
        else if (known.Shape != stacked)
        {
            return FailShape(frame, type.Span, $"`{name}` is {known.Shape} in an earlier call of this block and {stacked} in this one");
        }

        return Seen(parameter, home, span, frame);
    }

    /// <summary>A parameter that is known, as a block sees it.</summary>
    private Entity Seen(BoundParameter parameter, Home home, Span span, Frame frame)
    {
        var shape = home.Experts is null ? parameter.Shape : parameter.Shape.RemoveAt(0);
        var tensor = Load(parameter.Key, shape.Select(n => (Dim)n).ToEquatableArray(), home, frame) with { InF32 = parameter.IsSingle };
        return IsAdapted(parameter) ? WithAdapter(parameter, tensor, home, span, frame) : tensor;
    }

    /// <summary>A parameter of a block whose sizes are not known: checked for its names only.</summary>
    private Entity GenericParameter(TypeSyntax type, Frame frame)
    {
        var shape = new List<Dim>();
        foreach (var item in type.Shape)
        {
            if (AxisSize(Evaluate(item, frame), item.Span, frame, "an axis") is not { } size)
            {
                return Silent();
            }

            shape.Add(size);
        }

        var experts = frame.Home.Experts;
        var value = frame.Home.Region.Placeholder(TensorType.F32(experts is null ? shape : [experts.Count, .. shape]));
        var seen = frame.Region.Import(frame.Home.Region, value);
        return new Tensor(frame.Region, seen, TensorType.F32(shape), 0, experts is null ? Lead.Plain : Lead.Experts, experts);
    }

    private static Tensor Load(string key, EquatableArray<Dim> shape, Home home, Frame frame)
    {
        var experts = home.Experts;
        var value = home.Region.Parameter(key, experts is null ? shape : [experts.Count, .. shape]);
        return new(frame.Region, frame.Region.Import(home.Region, value), new(ElementType.F32, shape), 0, experts is null ? Lead.Plain : Lead.Experts, experts);
    }

    private static Origin OriginOf(Span span, Frame frame) => new(frame.Source.Text.Path, frame.Source.Line(span.Start));

    private static bool FitsInMemory(BoundParameter parameter)
    {
        var size = (double)Math.Max(parameter.Repeats, 1);
        foreach (var n in parameter.Shape)
        {
            size *= n;
        }

        return size < 1L << 50;
    }

    private void CheckStorage(TypeSyntax type, Frame frame)
    {
        if (type.Storage is not ("" or "f32"))
        {
            Report(frame, DiagnosticIds.StorageNotSupported, type.Span, $"`in {type.Storage}` is not supported yet; everything is computed in f32");
        }
    }

    private EquatableArray<long>? ConstantShape(Name name, TypeSyntax type, Frame frame)
    {
        var sizes = new List<long>();
        foreach (var item in type.Shape)
        {
            if (item is EllipsisSyntax)
            {
                Report(frame, DiagnosticIds.NotKnownAtBuildTime, item.Span, $"each axis of `{name}` needs a size");
                return null;
            }

            if (Count(Evaluate(item, frame), item.Span, frame, 1, 1L << 40, $"an axis of `{name}`") is not { } size)
            {
                return null;
            }

            sizes.Add(size);
        }

        return sizes.ToEquatableArray();
    }

    private Initializer? InitialValue(ExpressionSyntax? initial, bool isState, Frame frame)
    {
        if (initial is null)
        {
            return isState ? new(false, 0) : new(true, DefaultDeviation);
        }

        var isNormal = initial is CallSyntax { Callee: NameSyntax { Text: "normal" } } && frame.Find("normal") is null;
        var arguments = isNormal ? ((CallSyntax)initial).Arguments : [];
        if (isNormal && arguments.Count != 1)
        {
            Report(frame, DiagnosticIds.WrongArguments, initial.Span, "`normal` takes one number, the standard deviation");
            return null;
        }

        var value = isNormal ? arguments[0].Value : initial;
        if (RealNumber(Evaluate(value, frame), value.Span, frame, "the initial value") is not { } number)
        {
            return null;
        }

        if (isNormal && number < 0)
        {
            Report(frame, DiagnosticIds.SizeOutOfRange, value.Span, "a standard deviation is not negative");
            return null;
        }

        return new(isNormal, number);
    }
}
