using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Passes;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Runtime.Models;

namespace Mdl.EndToEnd.Tests;

/// <summary>A generated model beside the reference evaluator on the graph that it was generated from, with the same weights.</summary>
internal sealed unsafe class Reference
{
    private readonly LanguageModel _model;
    private readonly BoundModel _bound;

    public Reference(LanguageModel model, string file)
    {
        _model = model;
        // Imports are files of this assembly too, wherever the source says they are.
        var compilation = Binder.Bind(Text(file), path => Text(Path.GetFileName(path)), default);
        Assert.DoesNotContain(compilation.Diagnostics, d => d.Severity == Severity.Error);
        _bound = compilation.Models.Single(m => m.ClassName == model.Info.Name);
    }

    /// <summary>Draws weights that make every path matter: gains near 1, biases near 0, matrices larger than training would start with.</summary>
    public void Randomize(int seed)
    {
        var random = new Random(seed);
        foreach (var p in _model.Info.Parameters)
        {
            for (long i = 0; i < p.Size; i++)
            {
                var noise = (random.NextDouble() * 2) - 1;
                _model.Weights[p.Offset + i] = (float)(p.Initial.IsNormal ? noise * 0.4 : p.Initial.Value + (noise * 0.2));
            }
        }
    }

    public double[][] Logits(int[] tokens, int batch)
    {
        var length = tokens.Length / batch;
        return [.. Evaluator.Run(_bound.Forward.Graph, Symbols(batch, length), _ => Ints(tokens, batch, length), Weights).Select(x => x.Data)];
    }

    /// <summary>Compares loss, metrics, gradients and next states of one batch; other tolerances than those of f32 need a reason at the call.</summary>
    public void CheckTraining(int batch, int length, int seed, double forward = 1e-5, double gradients = 1e-4)
    {
        var random = new Random(seed);
        var width = length + 1 + _bound.MtpDepth;
        var tokens = Enumerable.Range(0, batch * width).Select(_ => random.Next(_model.Info.Vocabulary)).ToArray();
        // Some targets count for nothing, others for more or less than one.
        var targets = tokens.Select(_ => random.Next(3) * 0.75f).ToArray();
        var differentiated = CompilerPasses.Training(_bound, recomputeLayers: false);
        var expected = Evaluator.Run(
            differentiated.Graph, Symbols(batch, length),
            name => name == "tokens" ? Ints(tokens, batch, width) : new([batch, width], [.. targets.Select(w => (double)w)]), Weights);

        using var program = _model.CreateTrainingProgram(batch, length);
        tokens.CopyTo(new Span<int>(program.Tokens, tokens.Length));
        if (_bound.Settings.IsMasked)
        {
            targets.CopyTo(new Span<float>(program.TargetWeights, tokens.Length));
        }

        program.Forward();
        program.Backward();
        for (var i = 0; i < _bound.Training.Outputs.Count; i++)
        {
            var output = _bound.Training.Outputs[i];
            if (output.Kind == OutputKind.State)
            {
                continue;
            }

            var metric = _model.Info.Metrics.Single(m => m.Name == (output.Kind == OutputKind.Loss ? "loss" : output.Name));
            // f32 sums over a few hundred terms: 1e-5 relative is what the project promises of the forward pass.
            Close(expected[i].Data, program.Metrics.Slice(metric.Offset, metric.Rows * metric.Columns), forward, metric.Name);
        }

        for (var i = 0; i < differentiated.Gradients.Count; i++)
        {
            var bound = _bound.Parameters.Single(p => p.Key == differentiated.Gradients[i].Path);
            var info = Info(bound);
            // Gradients add more rounding steps than the forward pass: 1e-4 of the tensor's largest element.
            Close(expected[_bound.Training.Outputs.Count + i].Data, new(program.Gradients + info.Offset, (int)info.Size), gradients, bound.Key);
        }

        program.CommitStates();
        for (var i = 0; i < _bound.Training.Outputs.Count; i++)
        {
            var output = _bound.Training.Outputs[i];
            if (output.Kind == OutputKind.State)
            {
                var info = Info(_bound.Parameters.Single(p => p.Key == output.Name));
                Close(expected[i].Data, new(_model.Weights + info.Offset, (int)info.Size), 1e-5, output.Name);
            }
        }
    }

    public static void Close(double[] expected, ReadOnlySpan<float> actual, double tolerance, string name)
    {
        Assert.Equal(expected.Length, actual.Length);
        // Where terms of order 1 cancel, f32 leaves about 1e-7: a tensor of zeros is compared on that scale.
        var scale = Math.Max(expected.Max(Math.Abs), 1e-2);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"{name}[{i}] is {actual[i]}, wanted {expected[i]} (largest {scale})");
        }
    }

    private static SourceText Text(string file)
    {
        using var stream = typeof(Reference).Assembly.GetManifestResourceStream(file)!;
        return new(file, new StreamReader(stream).ReadToEnd());
    }

    private ParameterInfo Info(BoundParameter bound) => _model.Info.Parameters.Single(p =>
        p.Path == bound.Path && p.FirstIndex == bound.FirstIndex && p.Repeats == bound.Repeats);

    private static Dictionary<string, long> Symbols(int batch, int length) => new() { ["B"] = batch, ["T"] = length };

    private static NDArray Ints(int[] values, int rows, int columns) => new([rows, columns], [.. values.Select(v => (double)v)]);

    private NDArray Weights(string key)
    {
        var bound = _bound.Parameters.Single(p => p.Key == key);
        var info = Info(bound);
        return new(
            bound.TensorShape.Select(d => (int)d.Constant).ToEquatableArray(),
            [.. new ReadOnlySpan<float>(_model.Weights + info.Offset, (int)info.Size).ToArray().Select(x => (double)x)]);
    }
}
