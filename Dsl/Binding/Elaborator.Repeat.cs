using Mdl.Dsl.Graphs;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Binding;

/// <summary><c>repeat n { Block(...) }</c></summary>
internal sealed partial class Elaborator
{
    private const int MostRepeats = 100_000;
    private const int MostUnrolled = 256;

    private Entity EvaluateRepeat(RepeatSyntax syntax, Frame frame)
    {
        if (!MayHoldBlocks(syntax.Span, frame))
        {
            return Poison.Instance;
        }

        var given = Evaluate(syntax.Count, frame);
        var body = Evaluate(syntax.Body, frame);
        var count = isGeneric && IsUnknown(given) ? 2 : Count(given, syntax.Count.Span, frame, 0, MostRepeats, "the number of repetitions");
        if (count is null || body is Poison)
        {
            return Poison.Instance;
        }

        return body is Template template
            ? new Repetition((int)count.Value, template, frame.Home, "", 0)
            : Fail(
                frame, DiagnosticIds.Repetition, syntax.Body.Span,
                $"a block with its arguments is repeated, such as `Layer(heads)`; {frame.Quote(syntax.Body.Span)} is {body.Kind}");
    }

    private Entity CallRepetition(Repetition repetition, IReadOnlyList<(Entity Value, Span Span)> inputs, CallSyntax call, Frame frame)
    {
        if (inputs.Any(i => i.Value is Poison))
        {
            return Poison.Instance;
        }

        if (repetition.Segment.Length == 0)
        {
            // Several repetitions of one block share their segment: dense layers are layers[0..], those with experts follow.
            var segment = PathNames.CamelPlural(repetition.Template.Declaration.Name);
            frame.Segments.TryGetValue(segment, out var first);
            frame.Segments[segment] = first + repetition.Count;
            repetition = repetition with { Segment = segment, FirstIndex = first };
        }

        if (repetition.Count == 0)
        {
            return inputs.Count == 1 ? inputs[0].Value : new Series(inputs.Select(i => i.Value).ToEquatableArray());
        }

        var isNested = repetition.Home.Region.Repeats > 0 || !ReferenceEquals(repetition.Home.Region, frame.Region)
            || repetition.Home.Experts is not null || inputs.Any(i => i.Value is Tensor { Lead: Lead.Rows });
        return isNested ? Unroll(repetition, inputs, call, frame) : Loop(repetition, inputs, call, frame);
    }

    /// <summary>A repetition inside a repetition: the graph repeats one level, so the inner instances are written out.</summary>
    private Entity Unroll(Repetition repetition, IReadOnlyList<(Entity Value, Span Span)> inputs, CallSyntax call, Frame frame)
    {
        if (repetition.Count > MostUnrolled)
        {
            return Fail(
                frame, DiagnosticIds.Repetition, call.Callee.Span,
                $"a repetition inside another has at most {MostUnrolled} instances, not {repetition.Count}");
        }

        for (var i = 0; i < repetition.Count; i++)
        {
            var home = repetition.Home.Inside(FormattableString.Invariant($"{repetition.Segment}[{repetition.FirstIndex + i}]"));
            var result = CallInstance(new(repetition.Template, home), inputs, call, frame);
            if (result is Poison)
            {
                return result;
            }

            var results = result is Series series ? series.Items : [result];
            if (results.Count > inputs.Count)
            {
                return Fail(frame, DiagnosticIds.Repetition, call.Span, TooManyResults(repetition, results.Count, inputs.Count));
            }

            inputs = inputs.Select((input, k) => k < results.Count ? (results[k], input.Span) : input).ToArray();
            if (i == repetition.Count - 1)
            {
                return result;
            }
        }

        return Poison.Instance;
    }

    private static string TooManyResults(Repetition repetition, int results, int inputs) =>
        $"`{repetition.Template.Declaration.Name}` returns {Plural(results, "tensor")} and takes {inputs}: what it returns is what the next one takes";

    private Entity Loop(Repetition repetition, IReadOnlyList<(Entity Value, Span Span)> inputs, CallSyntax call, Frame frame)
    {
        var body = new Region(frame.Region, repetition.Count, repetition.FirstIndex);
        var tensors = new List<Tensor>();
        foreach (var (value, span) in inputs)
        {
            if (AsTensor(value, span, frame) is not { } tensor)
            {
                return Poison.Instance;
            }

            tensors.Add(tensor);
        }

        // How many inputs are carried is known once the body has returned; the others become invariants.
        var placeholders = tensors.Select(t => body.Placeholder(t.Type)).ToArray();
        var inner = new Frame(frame.Declaration, body, new Home(body, repetition.Home.PathOf(repetition.Segment) + "[{i}]")) { Caller = frame, CallSpan = call.Span };
        var arguments = tensors.Select((t, i) => ((Entity)new Tensor(body, placeholders[i], t.Type, t.Ghosts), inputs[i].Span)).ToArray();
        body.Builder.Origin = OriginOf(call.Span, frame);
        var result = CallInstance(new(repetition.Template, inner.Home), arguments, call, inner);
        if (result is Poison)
        {
            return result;
        }

        var results = (result is Series series ? series.Items : [result]).Cast<Tensor>().ToArray();
        if (results.Length > tensors.Count)
        {
            return Fail(frame, DiagnosticIds.Repetition, call.Span, TooManyResults(repetition, results.Length, tensors.Count));
        }

        for (var i = 0; i < results.Length; i++)
        {
            if (results[i].Type != tensors[i].Type)
            {
                return FailShape(
                    frame, call.Span,
                    $"the repeated `{repetition.Template.Declaration.Name}` turns {tensors[i].Type} into {results[i].Type}; both must be one shape");
            }
        }

        return AddRepeat(repetition, body, tensors, placeholders, results, frame);
    }

    private static Entity AddRepeat(
        Repetition repetition, Region body, List<Tensor> tensors, Value[] placeholders, Tensor[] results, Frame frame)
    {
        var yields = results.Select(r => body.Import(r.Region, r.Value)).ToList();
        if (body.Losses.Count > 0)
        {
            yields.Add(body.Losses.Aggregate((a, b) => body.Builder.Binary(BinaryFunction.Add, a, b)));
        }

        yields.AddRange(body.Loads.Select(l => l.Value));
        yields.AddRange(body.States.Select(s => s.Value));

        var live = body.Live(yields);
        var carried = results.Length;
        var fixedInputs = tensors.Skip(carried).Select((t, i) => (Outer: Here(t, frame), Inner: placeholders[carried + i]));
        var invariants = fixedInputs.Concat(body.Invariants).Where(p => live[p.Inner.Node]).ToArray();
        var slices = body.Slices.Where(p => live[p.Inner.Node]).ToArray();
        var inner = placeholders.Take(carried).Concat(invariants.Select(p => p.Inner)).Concat(slices.Select(p => p.Inner)).ToArray();
        var outer = tensors.Take(carried).Select(t => Here(t, frame)).Concat(invariants.Select(p => p.Outer)).Concat(slices.Select(p => p.Outer));
        var graph = body.Assemble(inner, yields);

        var builder = frame.Region.Builder;
        var outputs = builder.AddAll(new Repeat(repetition.Count, carried, invariants.Length, graph), outer);
        var next = carried;
        if (body.Losses.Count > 0)
        {
            frame.Region.Losses.Add(builder.Reshape(builder.Reduce(ReduceFunction.Sum, outputs[next], 0)));
            next++;
        }

        foreach (var (name, _) in body.Loads)
        {
            frame.Region.Loads.Add((name, outputs[next++]));
        }

        foreach (var (name, _) in body.States)
        {
            frame.Region.States.Add((name, outputs[next++]));
        }

        var values = results.Select((r, i) => (Entity)Made(outputs[i], frame, null, r.Ghosts)).ToEquatableArray();
        return values.Count == 1 ? values[0] : new Series(values);
    }
}
