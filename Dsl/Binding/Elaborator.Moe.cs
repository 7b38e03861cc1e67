using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary>Mixtures of experts: a router, dispatched rows, experts in groups, and what they are combined to.</summary>
internal sealed partial class Elaborator
{
    private const int MostExperts = 1 << 16;
    private const int MostShared = 64;

    private void RunMoe(MoeSyntax moe, Frame frame)
    {
        frame.ResultSpan = moe.Name.Span;
        frame.Result = Poison.Instance;
        if (moe.Inputs.Count != 1 || frame.Names[moe.Inputs[0].Name.Text] is not Tensor { Rank: > 0 } x)
        {
            Report(frame, DiagnosticIds.MoeItem, moe.Name.Span, $"the moe `{moe.Name}` takes one tensor [.., D]");
            return;
        }

        if (x.Lead == Lead.Rows)
        {
            Report(frame, DiagnosticIds.RowsMixed, moe.Name.Span, $"`{moe.Name}` stands inside an expert; experts of experts are not supported");
            return;
        }

        var router = OneItem(moe, MoeItemKind.Router, frame);
        var experts = OneItem(moe, MoeItemKind.Experts, frame);
        var capacity = Capacity(moe, frame);
        var count = experts is null ? null : ExpertCount(experts.Count!, frame);
        if (router is null || experts is null || capacity is null || count is null)
        {
            return;
        }

        var leading = x.Shape.Take(x.Rank - 1).ToArray();
        var flat = Made(frame.Region.Builder.Reshape(Here(x, frame), Dim.Product(leading), x.Type.Last), frame);
        frame.Region.Builder.Origin = OriginOf(router.Span, frame);
        if (Route(router, flat, new(count.Value, capacity.Value), frame) is not { } routes)
        {
            return;
        }

        frame.Region.Builder.Origin = OriginOf(experts.Span, frame);
        if (ApplyExperts(experts, flat, routes, count.Value, capacity.Value, frame) is not { } output || AddShared(moe, flat, output, frame) is not { } sum)
        {
            return;
        }

        frame.Region.Builder.Origin = OriginOf(moe.Span, frame);
        frame.Result = Made(frame.Region.Builder.Reshape(Here(sum, frame), leading.Append(sum.Type.Last)), frame);
    }

    private MoeItemSyntax? OneItem(MoeSyntax moe, MoeItemKind kind, Frame frame)
    {
        var items = moe.Items.Where(i => i.Kind == kind).ToArray();
        var word = kind.ToString().ToLowerInvariant();
        if (items.Length == 1)
        {
            return items[0];
        }

        var message = items.Length == 0 ? $"the moe `{moe.Name}` has no `{word}`" : $"the moe `{moe.Name}` has {items.Length} times `{word}`; one is wanted";
        Report(frame, DiagnosticIds.MoeItem, items.Length == 0 ? moe.Name.Span : items[1].Span, message);
        return null;
    }

    private int? ExpertCount(ExpressionSyntax syntax, Frame frame)
    {
        var value = Evaluate(syntax, frame);
        return isGeneric && IsUnknown(value) ? 2 : (int?)Count(value, syntax.Span, frame, 1, MostExperts, "the number of experts");
    }

    /// <summary>0 for dropless, else the capacity factor.</summary>
    private double? Capacity(MoeSyntax moe, Frame frame)
    {
        var items = moe.Items.Where(i => i.Kind == MoeItemKind.Tokens).ToArray();
        if (items.Length > 1)
        {
            Report(frame, DiagnosticIds.MoeItem, items[1].Span, $"the moe `{moe.Name}` says twice what happens to `tokens`");
            return null;
        }

        switch (items.Length == 0 ? null : items[0].Value)
        {
            case null or NameSyntax { Text: "dropless" }:
                return 0;
            case CallSyntax { Callee: NameSyntax { Text: "capacity" }, Arguments: { Count: 1 } arguments }:
                var value = Evaluate(arguments[0].Value, frame);
                if (isGeneric && IsUnknown(value))
                {
                    return 1;
                }

                if (RealNumber(value, arguments[0].Value.Span, frame, "the capacity factor") is not { } factor)
                {
                    return null;
                }

                if (factor is > 0 and < 1e6)
                {
                    return factor;
                }

                Report(
                    frame, DiagnosticIds.SizeOutOfRange, arguments[0].Value.Span,
                    $"the capacity factor is above 0 and below a million, {ButIs(factor, arguments[0].Value.Span, frame)}");
                return null;
            default:
                Report(frame, DiagnosticIds.MoeItem, items[0].Value.Span, "`tokens` are `dropless` or `capacity(factor)`");
                return null;
        }
    }

    private Template? BlockOf(MoeItemSyntax item, Frame frame, out Instance? shared)
    {
        shared = null;
        switch (Evaluate(item.Value, frame))
        {
            case Template template:
                return template;
            case Instance instance:
                shared = instance;
                return instance.Template;
            case Poison:
                return null;
            case DeclarationName name:
                Report(
                    frame, DiagnosticIds.WrongKind, item.Value.Span,
                    $"`{name.Declaration.Name}` wants its arguments: `{name.Declaration.Name}(...)`");
                return null;
            case var other:
                if (!IsUnknown(other))
                {
                    Report(frame, DiagnosticIds.WrongKind, item.Value.Span, $"a block is wanted, but {frame.Quote(item.Value.Span)} is {other.Kind}");
                }

                Failed = true;
                return null;
        }
    }

    private (Tensor Choose, Tensor Gate)? Route(MoeItemSyntax item, Tensor x, RouterContext context, Frame frame)
    {
        if (BlockOf(item, frame, out var shared) is not { } template)
        {
            return null;
        }

        if (template.Declaration.Syntax is not BlockSyntax { Kind: BlockKind.Router })
        {
            Report(frame, DiagnosticIds.MoeItem, item.Value.Span, $"`{template.Declaration.Name}` is not a router");
            return null;
        }

        if (CallRouter(shared ?? new(template, frame.Home.Inside("router")), x, item.Value.Span, frame, context) is not { } router)
        {
            return null;
        }

        if (RouterValue(router, "choose") is not { } choose || RouterValue(router, "gate") is not { } gate)
        {
            return null;
        }

        gate = gate.Rank > 2 ? DropGhosts(gate, router) : gate;
        if (choose.Type.Element != ElementType.I32 || choose.Rank != 2 || !choose.Shape[0].Equals(x.Shape[0]))
        {
            FailRouter(router, "choose", $"`choose` is int[N, k] with the N of the router's input, not {choose.Type}");
            return null;
        }

        if (gate.Type.Element != ElementType.F32 || gate.Shape != choose.Shape)
        {
            FailRouter(router, "gate", $"`gate` is {choose.Shape} like `choose`, not {gate.Type}");
            return null;
        }

        return (choose, gate);
    }

    private void FailRouter(Frame router, string name, string message)
    {
        if (isGeneric && message.Contains(UnknownMark))
        {
            Failed = true;
            return;
        }

        var assignment = ((BlockSyntax)router.Declaration.Syntax).Body.OfType<AssignSyntax>().LastOrDefault(a => a.Targets.Any(t => t.Text == name));
        Report(router, DiagnosticIds.RouterResult, assignment?.Span ?? router.Declaration.Syntax.Name.Span, message);
    }

    private Tensor? RouterValue(Frame router, string name)
    {
        switch (router.Find(name))
        {
            case Tensor tensor:
                return tensor;
            case Poison:
                return null;
            default:
                Report(
                    router, DiagnosticIds.RouterResult, router.Declaration.Syntax.Name.Span,
                    $"the router `{router.Declaration.Name}` does not define `{name}`");
                return null;
        }
    }

    /// <summary>How many choices fell on each expert.</summary>
    private Entity RouterLoad(NameSyntax name, RouterContext router, Frame frame) => frame.Find("choose") switch
    {
        Tensor choose when choose.Rank == 2 && choose.Type.Element == ElementType.I32 => Made(Dispatched(choose, router, frame)[4], frame),
        Poison => Poison.Instance,
        _ => Fail(frame, DiagnosticIds.RouterResult, name.Span, "`load` is known once `choose` is"),
    };

    private static EquatableArray<Value> Dispatched(Tensor choose, RouterContext router, Frame frame) =>
        frame.Region.Builder.AddAll(new Dispatch(router.Experts, router.CapacityFactor), Here(choose, frame));

    private Tensor? ApplyExperts(MoeItemSyntax item, Tensor x, (Tensor Choose, Tensor Gate) routes, int count, double capacity, Frame frame)
    {
        if (BlockOf(item, frame, out var shared) is not { } template)
        {
            return null;
        }

        var builder = frame.Region.Builder;
        var dispatched = Dispatched(routes.Choose, new(count, capacity), frame);
        var (choice, row, offsets, expert, load) = (dispatched[0], dispatched[1], dispatched[2], dispatched[3], dispatched[4]);
        if (isTraining)
        {
            AddLoad(load, frame);
        }

        var slots = routes.Choose.Type.Last;
        if (!slots.IsConstant || slots.Constant > MostExperts)
        {
            Report(
                frame, DiagnosticIds.RouterResult, item.Span,
                $"`choose` names {slots} experts for each token; that number must be known at build time");
            return null;
        }

        var rows = builder.Type(choice).Shape[0];
        var context = new ExpertRows(frame.Region, count, expert, offsets, rows);
        var gathered = builder.Add(new GatherRows((int)slots.Constant), Here(x, frame), choice);
        var input = new Tensor(frame.Region, gathered, builder.Type(gathered), 0, Lead.Rows, context);
        var home = frame.Home.Inside("experts") with { Experts = context };
        if (CallInstance(shared ?? new(template, home), [(input, item.Value.Span)], CallOf(item), frame) is not Tensor y)
        {
            return null;
        }

        if (y.Lead != Lead.Rows || y.Rank != 2)
        {
            Report(
                frame, DiagnosticIds.RowsMixed, item.Span,
                $"an expert turns rows [rows, D] into rows, but `{template.Declaration.Name}` gives {y.Type}");
            return null;
        }

        var gate = builder.Add(new GatherRows(1), builder.Reshape(Here(routes.Gate, frame), rows, Dim.One), choice);
        var weighted = builder.Binary(BinaryFunction.Multiply, Here(y, frame), gate);
        return Made(builder.Add(new CombineRows((int)slots.Constant, capacity == 0), weighted, row), frame);
    }

    private static CallSyntax CallOf(MoeItemSyntax item) => item.Value as CallSyntax ?? new(item.Value, [], item.Value.Span);

    private static void AddLoad(Value load, Frame frame)
    {
        var home = frame.Home;
        var name = BoundParameter.KeyOf(home.Path, home.Region.Repeats, home.Region.FirstIndex);
        if (frame.Region.Loads.All(l => l.Name != name))
        {
            frame.Region.Loads.Add((name, load));
        }
    }

    private Tensor? AddShared(MoeSyntax moe, Tensor x, Tensor output, Frame frame)
    {
        foreach (var item in moe.Items.Where(i => i.Kind == MoeItemKind.Shared))
        {
            if (Count(Evaluate(item.Count!, frame), item.Count!.Span, frame, 0, MostShared, "the number of shared experts") is not { } count
                || BlockOf(item, frame, out var shared) is not { } template)
            {
                return null;
            }

            frame.Region.Builder.Origin = OriginOf(item.Span, frame);
            for (var i = 0; i < count; i++)
            {
                var segment = count == 1 ? "shared" : FormattableString.Invariant($"shared[{i}]");
                if (CallInstance(shared ?? new(template, frame.Home.Inside(segment)), [(x, item.Value.Span)], CallOf(item), frame) is not Tensor y)
                {
                    return null;
                }

                if (y.Shape != output.Shape)
                {
                    FailShape(frame, item.Span, $"the shared expert gives {y.Type}, the routed ones {output.Type}");
                    return null;
                }

                output = Combine(BinaryFunction.Add, output, y, frame);
            }
        }

        return output;
    }
}
