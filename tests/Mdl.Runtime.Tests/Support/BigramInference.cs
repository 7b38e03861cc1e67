using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Tests.Support;

/// <summary>Logits of <see cref="BigramModel"/>. It keeps the tokens it was run with as its "cache", so that tests see what a caller put there.</summary>
public sealed unsafe class BigramInference(BigramModel model, int batch, int chunk, int capacity) : InferenceProgram
{
    private const int V = BigramModel.Vocabulary;
    private readonly Arena _arena = new(4L * ((batch * chunk) + (batch * chunk * V)));

    /// <summary>The tokens of the first sequence, by position.</summary>
    public List<int> Cache { get; } = new(capacity);

    public override int Batch => batch;

    public override int Chunk => chunk;

    public override int Capacity => capacity;

    public override long ArenaBytes => _arena.Bytes;

    public override int* Tokens => (int*)_arena.Memory;

    public override float* Logits => (float*)_arena.Memory + (batch * chunk);

    public override void Run(int count, int past, bool lastOnly)
    {
        if (count < 1 || count > chunk || past > Cache.Count || past + count > capacity)
        {
            throw new InvalidOperationException($"Run({count}, {past}) with {Cache.Count} cached of {capacity}.");
        }

        Cache.RemoveRange(past, Cache.Count - past);
        for (var i = 0; i < count; i++)
        {
            Cache.Add(Tokens[i]);
        }

        var rows = lastOnly ? 1 : count;
        for (var sequence = 0; sequence < batch; sequence++)
        {
            for (var row = 0; row < rows; row++)
            {
                var token = Tokens[(sequence * count) + (lastOnly ? count - 1 : row)];
                for (var i = 0; i < V; i++)
                {
                    Logits[(((sequence * rows) + row) * V) + i] =
                        model.Weights[BigramModel.Table + (token * V) + i] + model.Weights[BigramModel.Gain + i] + model.Weights[BigramModel.Gain + V + i];
                }
            }
        }
    }

    public override void Dispose() => _arena.Dispose();
}
