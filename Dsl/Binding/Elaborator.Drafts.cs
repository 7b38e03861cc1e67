using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>One depth of multi-token prediction, elaborated for inference.</summary>
/// <param name="Next">Its tokens.</param>
/// <param name="Given">What it sees of the depth before or of the model: inputs for all that depends on tokens.</param>
/// <param name="Frame">Its own names.</param>
/// <param name="Logits">Its result.</param>
internal sealed record Draft(Value Next, Frame Given, Frame Frame, Tensor Logits);

/// <summary>The mtp block as programs of their own, which are given what they read of the model.</summary>
internal sealed partial class Elaborator
{
    /// <summary>The depths of the mtp block for decoding, once the model is elaborated for inference.</summary>
    public BoundDrafts Drafts { get; private set; } = BoundDrafts.None;

    /// <summary>The names around a depth, with an input in place of every tensor that depends on tokens.</summary>
    private static Frame Given(Frame around, Frame model)
    {
        var builder = model.Region.Builder;
        var depends = new bool[builder.Count];
        for (var i = 0; i < depends.Length; i++)
        {
            depends[i] = builder[i].Operation is Input || builder[i].Inputs.Any(v => depends[v.Node]);
        }

        var given = new Frame(model.Declaration, model.Region, model.Home) { Around = around };
        foreach (var name in around.VisibleNames().Distinct(StringComparer.Ordinal).ToList())
        {
            if (name != "next" && around.Find(name) is Tensor tensor && ReferenceEquals(tensor.Region, model.Region) && depends[tensor.Value.Node])
            {
                var input = builder.Add(new Input(BoundDrafts.Given(name), tensor.Type));
                builder.Name(input, name);
                given.Names[name] = tensor with { Value = input };
            }
        }

        return given;
    }

    private BoundDrafts DraftGraphs(Frame model)
    {
        if (_objective is not { Drafts: { Count: > 0 } drafts })
        {
            return BoundDrafts.None;
        }

        var names = ReadNames(drafts[0], model);
        if (Problem(drafts, names, model) is { } problem)
        {
            return BoundDrafts.None with { Problem = problem };
        }

        var outputs = names.Select(n => new GraphOutput(OutputKind.Carried, n)).Prepend(new(OutputKind.Result, "logits")).ToEquatableArray();
        var last = drafts[drafts.Count - 1];
        return new(
            names.ToEquatableArray(),
            drafts.Select(d => new BoundGraph(
                model.Region.Assemble(
                    [d.Next, .. names.Select(n => Here((Tensor)d.Given.Names[n], model))],
                    [Here(d.Logits, model), .. names.Select(n => Left(d, n, model))]),
                outputs)).ToEquatableArray(),
            names.All(last.Frame.Names.ContainsKey),
            null);
    }

    /// <summary>The names whose values a depth needs, be it for its logits or for the names that it leaves for the next depth.</summary>
    private static List<string> ReadNames(Draft draft, Frame model)
    {
        var names = new List<string>();
        var needed = new List<Value> { Here(draft.Logits, model) };
        while (true)
        {
            var live = model.Region.Live(needed);
            var more = draft.Given.Names.Where(n => n.Value is Tensor t && live[t.Value.Node] && !names.Contains(n.Key)).Select(n => n.Key).ToList();
            if (more.Count == 0)
            {
                return names;
            }

            names.AddRange(more);
            needed.AddRange(more.Select(n => Left(draft, n, model)));
        }
    }

    /// <summary>A name as a depth leaves it: what the depth set it to, or else what it was given.</summary>
    private static Value Left(Draft draft, string name, Frame model) =>
        Here(draft.Frame.Names.TryGetValue(name, out var set) && set is Tensor tensor ? tensor : (Tensor)draft.Given.Names[name], model);

    private static string? Problem(List<Draft> drafts, List<string> names, Frame model)
    {
        var foreign = model.Region.Live([.. drafts.Select(d => Here(d.Logits, model)), .. drafts.SelectMany(d => names.Select(n => Left(d, n, model)))]);
        if (Enumerable.Range(0, foreign.Length).Any(i => foreign[i] && model.Region.Builder[i].Operation is Input { Name: "tokens" }))
        {
            return "its mtp block reads a list of tensors of the model";
        }

        foreach (var name in names)
        {
            var type = ((Tensor)drafts[0].Given.Names[name]).Type;
            if (type.Rank < 2 || !type.Shape[0].Equals(Batch) || !type.Shape[1].Equals(Time) || type.Shape.Skip(2).Any(d => !d.IsConstant))
            {
                return $"its mtp block reads `{name}`, which has no value for each token";
            }

            if (drafts.Any(d => !model.Region.Builder.Type(Left(d, name, model)).Equals(type)))
            {
                return $"its mtp block gives `{name}` another shape";
            }
        }

        return null;
    }
}
