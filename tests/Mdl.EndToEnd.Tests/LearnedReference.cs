using Mdl.Compiler.Evaluation;
using Mdl.Compiler.Passes;
using Mdl.Dsl;
using Mdl.Dsl.Binding;
using Mdl.Runtime.Diffusion.Networks;

namespace Mdl.EndToEnd.Tests;

/// <summary>A generated denoiser beside the reference evaluator on the graph that it was generated from, with the same weights.</summary>
internal sealed unsafe class LearnedReference
{
    private readonly DiffusionModel _model;
    private readonly BoundNetwork _network;

    public LearnedReference(DiffusionModel model, string file)
    {
        _model = model;
        var compilation = Binder.Bind(Text(file), _ => null, default);
        Assert.DoesNotContain(compilation.Diagnostics, d => d.Severity == Severity.Error);
        _network = compilation.Diffusions.Single(d => d.ClassName == model.Info.Name).Score.Network!;
    }

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

    /// <summary>D of some samples, each with a sigma of its own.</summary>
    public double[] Denoise(float[] y, float[] sigma, int[] labels) => Denoise([.. y.Select(x => (double)x)], sigma, labels);

    public double[] Denoise(double[] y, float[] sigma, int[] labels)
    {
        var others = Input(("sigma", sigma), labels);
        var samples = new NDArray([sigma.Length, .. _network.Shape.Select(n => (int)n)], y);
        return Evaluator.Run(_network.Model.Forward.Graph, Symbols(sigma.Length), name => name == "y" ? samples : others(name), key => Weights(key))[0].Data;
    }

    public double[] DenoiseByProgram(float[] y, float sigma, int[] labels)
    {
        // Room for more samples than there are.
        var count = y.Length / _model.Dimensions;
        using var program = _model.CreateProgram(count + 3);
        y.CopyTo(new Span<float>(program.Noisy, y.Length));
        *program.Sigma = sigma;
        labels.CopyTo(new Span<int>(program.Label, labels.Length));
        program.Run(count);
        return [.. new ReadOnlySpan<float>(program.Denoised, y.Length).ToArray().Select(x => (double)x)];
    }

    /// <summary>Compares loss, gradients and next states; the derivative of the loss is compared with its slope, too.</summary>
    public void CheckTraining(float[] clean, float[] noise, float[] sigma, int[] labels)
    {
        var differentiated = CompilerPasses.Training(_network.Model, recomputeLayers: false);
        var given = Input(("clean", clean), ("noise", noise), ("sigma", sigma), labels);
        var expected = Evaluator.Run(differentiated.Graph, Symbols(sigma.Length), given, key => Weights(key));
        using var program = _model.CreateTraining(sigma.Length);
        clean.CopyTo(new Span<float>(program.Clean, clean.Length));
        noise.CopyTo(new Span<float>(program.Noise, noise.Length));
        sigma.CopyTo(new Span<float>(program.Sigma, sigma.Length));
        labels.CopyTo(new Span<int>(program.Label, labels.Length));
        program.Forward();
        program.Backward();
        // f32 beside f64, a few hundred terms.
        Assert.Equal(expected[0].Scalar, program.Metrics[0], 1e-5 * Math.Abs(expected[0].Scalar));
        var outputs = _network.Model.Training.Outputs;
        for (var i = 0; i < differentiated.Gradients.Count; i++)
        {
            var key = differentiated.Gradients[i].Path;
            var info = Info(key);
            // Gradients add more rounding steps than the forward pass: 1e-4 of the tensor's largest element.
            Close(expected[outputs.Count + i].Data, new(program.Gradients + info.Offset, (int)info.Size), 1e-4, key);
            CheckSlope(key, expected[outputs.Count + i].Data, given, sigma.Length);
        }

        program.CommitStates();
        for (var i = 0; i < outputs.Count; i++)
        {
            if (outputs[i].Kind == OutputKind.State)
            {
                var info = Info(outputs[i].Name);
                Close(expected[i].Data, new(_model.Weights + info.Offset, (int)info.Size), 1e-6, outputs[i].Name);
            }
        }
    }

    // The central difference of the loss along the gradient of one parameter, in double precision.
    private void CheckSlope(string key, double[] gradient, Func<string, NDArray> given, int batch)
    {
        double Loss(double step) => Evaluator.Run(
            _network.Model.Training.Graph, Symbols(batch), given,
            k => k == key ? Weights(k) is var w ? new(w.Shape, [.. w.Data.Select((x, i) => x + (step * gradient[i]))]) : w : Weights(k))[0].Scalar;
        var norm = Math.Sqrt(gradient.Sum(g => g * g));
        if (norm > 0)
        {
            // The error of the difference is of the order of step^2 and of 1e-16 / step.
            var step = 1e-5 / norm;
            Assert.Equal(norm * norm, (Loss(step) - Loss(-step)) / (2 * step), 1e-5 * norm * norm);
        }
    }

    private Func<string, NDArray> Input(params object[] given) => name => name == "label"
        ? new([((int[])given[^1]).Length], [.. ((int[])given[^1]).Select(l => (double)l)])
        : given.OfType<ValueTuple<string, float[]>>().Single(g => g.Item1 == name).Item2 is var data && name == "sigma"
            ? new([data.Length], [.. data.Select(x => (double)x)])
            : new([data.Length / _model.Dimensions, .. _network.Shape.Select(n => (int)n)], [.. data.Select(x => (double)x)]);

    private static Dictionary<string, long> Symbols(int batch) => new() { ["B"] = batch, ["T"] = 1 };

    private Mdl.Runtime.Models.ParameterInfo Info(string key) =>
        _model.Info.Parameters[_network.Model.Parameters.Where(p => !p.IsState).Concat(_network.Model.Parameters.Where(p => p.IsState)).ToList().FindIndex(p => p.Key == key)];

    private NDArray Weights(string key)
    {
        var info = Info(key);
        var bound = _network.Model.Parameters.Single(p => p.Key == key);
        return new([.. bound.TensorShape.Select(d => (int)d.Constant)], [.. new ReadOnlySpan<float>(_model.Weights + info.Offset, (int)info.Size).ToArray().Select(x => (double)x)]);
    }

    private static void Close(double[] expected, ReadOnlySpan<float> actual, double tolerance, string name)
    {
        var scale = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= (tolerance * scale) + 1e-9, $"{name}[{i}] is {actual[i]}, not {expected[i]}");
        }
    }

    private static SourceText Text(string file)
    {
        using var stream = typeof(LearnedReference).Assembly.GetManifestResourceStream(file)!;
        using var reader = new StreamReader(stream);
        return new(file, reader.ReadToEnd());
    }
}
