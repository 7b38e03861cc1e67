using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Support;

/// <summary>Losses and the hand-derived gradient of <see cref="BigramModel"/>: softmax minus one-hot.</summary>
public sealed unsafe class BigramTraining(BigramModel model, int batch, int length) : TrainingProgram
{
    private const int V = BigramModel.Vocabulary;
    private readonly Arena _arena = new(4L * ((batch * (length + 1)) + BigramModel.Bias));
    private readonly float[] _metrics = new float[10];
    private readonly double[] _probabilities = new double[V];

    public override int Batch => batch;

    public override int Length => length;

    public override long ArenaBytes => _arena.Bytes;

    public override int* Tokens => (int*)_arena.Memory + BigramModel.Bias;

    public override float* Gradients => (float*)_arena.Memory;

    public override ReadOnlySpan<float> Metrics => _metrics;

    public override void Forward()
    {
        double loss = 0;
        Array.Clear(_metrics);
        for (var i = 0; i < batch * length; i++)
        {
            var (token, next) = Pair(i);
            SetProbabilities(token);
            loss -= Math.Log(_probabilities[next]);
            _metrics[2 + (token % 4)]++;
            _metrics[6 + (next % 4)]++;
        }

        _metrics[0] = _metrics[1] = (float)(loss / (batch * length));
    }

    public override void Backward()
    {
        new Span<float>(Gradients, (int)BigramModel.Bias).Clear();
        for (var i = 0; i < batch * length; i++)
        {
            var (token, next) = Pair(i);
            SetProbabilities(token);
            for (var j = 0; j < V; j++)
            {
                var delta = (float)((_probabilities[j] - (j == next ? 1 : 0)) / (batch * length));
                Gradients[BigramModel.Table + (token * V) + j] += delta;
                Gradients[BigramModel.Gain + j] += delta;
                Gradients[BigramModel.Gain + V + j] += delta;
            }
        }
    }

    public override void CommitStates()
    {
        for (var i = 0; i < 4; i++)
        {
            model.Weights[BigramModel.Bias + i] += 1;
        }
    }

    public override void Dispose() => _arena.Dispose();

    private (int Token, int Next) Pair(int i)
    {
        var place = (i / length * (length + 1)) + (i % length);
        return (Tokens[place], Tokens[place + 1]);
    }

    private void SetProbabilities(int token)
    {
        double sum = 0;
        for (var i = 0; i < V; i++)
        {
            var logit = model.Weights[BigramModel.Table + (token * V) + i] + model.Weights[BigramModel.Gain + i] + model.Weights[BigramModel.Gain + V + i];
            _probabilities[i] = Math.Exp(logit);
            sum += _probabilities[i];
        }

        for (var i = 0; i < V; i++)
        {
            _probabilities[i] /= sum;
        }
    }
}
