using Mdl.Compiler.Passes;
using Mdl.Compiler.Planning;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Compiler.Emission;

/// <summary>A scalar or a load that a training program leaves for its caller.</summary>
internal sealed record MetricPlan(string Name, bool IsLoad, long Rows, long Columns, long Offset);

/// <summary>A state's next value in the training program.</summary>
internal sealed record StatePlan(BoundParameter Parameter, Storage Next);

internal sealed record TrainingPlan(
    ProgramPlan Program, IReadOnlyList<MetricPlan> Metrics, IReadOnlyList<StatePlan> States, Dim TokenCount)
{
    /// <summary>The keys of the parameters that the program knows each by itself: those that adapters leave frozen, in whatever format they are held.</summary>
    public required IReadOnlyCollection<string> Apart { get; init; }
}

/// <param name="Program">The plan.</param>
/// <param name="Logits">Where the logits are.</param>
/// <param name="Vocabulary">Their width.</param>
/// <param name="SelectsRows">Whether the input "rows" chooses the rows whose logits are computed.</param>
/// <param name="Longest">The longest sequence that the model has positions for, or null.</param>
/// <param name="Uncached">What mixes tokens in a way that no cache holds, or null.</param>
internal sealed record InferencePlan(ProgramPlan Program, Storage Logits, long Vocabulary, bool SelectsRows, long? Longest, Node? Uncached)
{
    /// <summary>The keys of the parameters that the program reads.</summary>
    public required IReadOnlyCollection<string> Parameters { get; init; }

    /// <summary>Where the program leaves what the next depth of prediction is given.</summary>
    public required IReadOnlyList<Storage> Carried { get; init; }

    /// <summary>What the program itself is given, one row for each token; nothing for a model.</summary>
    public required IReadOnlyList<CarriedTensor> Given { get; init; }
}

/// <summary>A tensor that one depth of prediction hands to the next.</summary>
/// <param name="Name">Its name in the source.</param>
/// <param name="Width">Elements for each token.</param>
/// <param name="Element">Their type.</param>
internal sealed record CarriedTensor(string Name, long Width, ElementType Element)
{
    /// <summary>The field of a program with its rows.</summary>
    public string Field => "_given_" + Name;

    public static IReadOnlyList<CarriedTensor> Of(BoundDrafts drafts) => drafts.Depths.Count == 0 ? [] :
    [
        .. drafts.Names.Select(name =>
        {
            var given = drafts.Depths[0].Graph.Nodes.First(n => n.Operation is Input input && input.Name == BoundDrafts.Given(name)).Types[0];
            return new CarriedTensor(name, Dim.Product(given.Shape.Skip(2)).Constant, given.Element);
        }),
    ];
}

/// <summary>
/// From a bound model to the plans of its programs. Devices without epilogues and selections in row kernels need plans of their own (<c>rowsAlone</c>).
/// </summary>
internal static class ModelPlans
{
    public static TrainingPlan Training(BoundModel model, WeightLayout layout, CancellationToken cancellation, bool rowsAlone = false)
    {
        var differentiated = CompilerPasses.Training(model, model.Settings.RecomputeLayers);
        cancellation.ThrowIfCancellationRequested();
        var (normal, forward) = Normalizer.Run(differentiated.Graph, differentiated.ForwardNodes);
        var (graph, forwardNodes) = Accumulation.Run(normal, forward);
        var targets = new List<Target>();
        var states = new List<(BoundParameter, Value)>();
        var metrics = new List<MetricPlan>();
        long offset = 0;
        for (var i = 0; i < model.Training.Outputs.Count; i++)
        {
            var (output, value) = (model.Training.Outputs[i], graph.Outputs[i]);
            var shape = graph.Type(value).Shape;
            switch (output.Kind)
            {
                case OutputKind.State:
                    states.Add((model.Parameters.First(p => p.Key == output.Name), value));
                    break;
                default:
                    var columns = shape.Count == 0 ? 1 : shape[shape.Count - 1].Constant;
                    var rows = shape.Count < 2 ? 1 : Dim.Product(shape.Take(shape.Count - 1)).Constant;
                    var name = output.Kind == OutputKind.Loss ? "loss" : output.Name;
                    metrics.Add(new(name, output.Kind == OutputKind.Load, rows, columns, offset));
                    targets.Add(new(value, Storage.At("_metrics").Plus(offset)));
                    offset += rows * columns;
                    break;
            }
        }

        for (var i = 0; i < differentiated.Gradients.Count; i++)
        {
            targets.Add(new(graph.Outputs[model.Training.Outputs.Count + i], Storage.At("_gradients").Plus(layout[differentiated.Gradients[i].Path])));
        }

        // Devices with programs of their own hold all weights in one block.
        var held = new HashSet<string>(model.Settings.Adapters is null ? [] : model.Parameters.Where(p => p.IsFrozen).Select(p => p.Key));
        var apart = new HashSet<string>(StringComparer.Ordinal);
        var program = new Planner(
            name => name switch
            {
                "tokens" => Storage.At("_tokens"),
                "target_weights" => Storage.At("_targetWeights"),
                "clean" or "noise" or "sigma" or "label" => Storage.At("_in_" + name),
                _ => throw new InvalidOperationException($"no input {name}"),
            },
            path =>
            {
                if (rowsAlone || !held.Contains(path))
                {
                    return layout.InBlock(path);
                }

                apart.Add(path);
                return layout.Apart(path);
            },
            cancellation,
            rowsAlone).Plan(graph, forwardNodes, targets, [.. states.Select(s => s.Item2)]);
        var top = program.Top;
        var loss = metrics.FindIndex(m => m.Name == "loss");
        (metrics[0], metrics[loss]) = (metrics[loss], metrics[0]);
        return new(
            program, metrics, [.. states.Select(s => new StatePlan(s.Item1, top.Stored[top.Fuser.DenseBase(s.Item2)]))],
            Dim.Symbol("B") * (Dim.Symbol("T") + 1 + model.MtpDepth)) { Apart = apart };
    }

    /// <summary>The denoiser of a diffusion's network.</summary>
    public static ProgramPlan Denoising(BoundModel model, WeightLayout layout, CancellationToken cancellation, bool rowsAlone = false)
    {
        var (normal, _) = Normalizer.Run(CompilerPasses.Denoising(model), int.MaxValue);
        var graph = Accumulation.Run(normal, int.MaxValue).Graph;
        return new Planner(name => Storage.At("_in_" + name), layout.InBlock, cancellation, rowsAlone)
            .Plan(graph, graph.Nodes.Count, [new(graph.Outputs[0], Storage.At("_out_denoised"))], []);
    }

    /// <summary>The denoiser with its derivative along a direction.</summary>
    public static ProgramPlan Pullback(BoundModel model, WeightLayout layout, CancellationToken cancellation, bool rowsAlone = false)
    {
        var differentiated = CompilerPasses.DenoisingPullback(model);
        var (normal, forward) = Normalizer.Run(differentiated.Graph, differentiated.ForwardNodes);
        var (graph, forwardNodes) = Accumulation.Run(normal, forward);
        return new Planner(name => Storage.At("_in_" + name), key => key == "y" ? Storage.At("_in_y") : layout.InBlock(key), cancellation, rowsAlone)
            .Plan(graph, forwardNodes, [new(graph.Outputs[0], Storage.At("_out_denoised")), new(graph.Outputs[1], Storage.At("_out_pulled"))], []);
    }

    /// <summary>The model with its cache.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weight">Where a parameter is, by its key.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="rowsAlone">See above.</param>
    /// <param name="carries">Whether the program leaves what drafts are given.</param>
    public static InferencePlan Inference(
        BoundModel model, Func<string, Storage> weight, CancellationToken cancellation, bool rowsAlone = false, bool carries = false) =>
        Inference(model.Forward, "tokens", [], carries, weight, cancellation, rowsAlone);

    /// <summary>One depth of multi-token prediction with a cache of its own.</summary>
    public static InferencePlan Draft(BoundModel model, int depth, Func<string, Storage> weight, CancellationToken cancellation) =>
        Inference(model.Drafts.Depths[depth], "next", CarriedTensor.Of(model.Drafts), carries: true, weight, cancellation, rowsAlone: false);

    private static InferencePlan Inference(
        BoundGraph bound, string tokens, IReadOnlyList<CarriedTensor> given, bool carries, Func<string, Storage> weight, CancellationToken cancellation,
        bool rowsAlone)
    {
        var kinds = bound.Outputs.Select(o => o.Kind).ToList();
        var result = kinds.IndexOf(OutputKind.Result);
        var outputs = bound.Graph.Outputs.Where((_, i) => i == result || (carries && kinds[i] == OutputKind.Carried)).ToEquatableArray();
        var (graph, _) = Normalizer.Run(CompilerPasses.Inference(bound.Graph with { Outputs = outputs }), int.MaxValue);
        var selected = RowSelection.Run(graph);
        var selects = selected is not null;
        graph = Accumulation.Run(selected ?? graph, int.MaxValue).Graph;
        var logits = graph.Outputs[0];
        var parameters = new HashSet<string>(StringComparer.Ordinal);
        var inputs = given.ToDictionary(g => BoundDrafts.Given(g.Name), g => Storage.At(g.Field), StringComparer.Ordinal);
        inputs.Add(tokens, Storage.At("_tokens"));
        inputs.Add(RowSelection.InputName, Storage.At("_rows"));
        var program = new Planner(
            name => inputs.TryGetValue(name, out var storage) ? storage : throw new InvalidOperationException($"no input {name}"),
            key =>
            {
                parameters.Add(key);
                return weight(key);
            },
            cancellation,
            rowsAlone).Plan(graph, graph.Nodes.Count, [], graph.Outputs);
        Storage Stored(Value value) => program.Top.Stored[program.Top.Fuser.DenseBase(value)];
        return new(
            program, Stored(logits), graph.Type(logits).Last.Constant, selects, TokenMixing.LongestSequence(graph), TokenMixing.FirstUncached(graph))
        {
            Parameters = parameters,
            Carried = [.. graph.Outputs.Skip(1).Select(Stored)],
            Given = given,
        };
    }
}
