using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Models;

public abstract unsafe partial class LanguageModel
{
    /// <summary>Gives adapters their first values: random A and B = 0, so that the model computes what it would without them.</summary>
    /// <param name="seed">Equal seeds give equal values.</param>
    /// <param name="rank">
    /// A rank below the one that is compiled in: the rows of A beyond it are 0, and because those columns of B are 0 too, their gradients are 0 and they stay so.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The rank is below 1 or above the one compiled in.</exception>
    public void InitializeAdapters(ulong seed, int? rank = null)
    {
        foreach (var adapter in Info.Adapters)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rank ?? 1, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rank ?? 1, adapter.Rank);
            WeightInitializer.Run(this, adapter.A, seed);
            WeightInitializer.Run(this, adapter.B, seed);
            if (rank is not { } kept || kept == adapter.Rank)
            {
                continue;
            }

            foreach (var part in PartsOf(adapter))
            {
                new Span<float>(part.A + (kept * part.Inputs), checked((int)((adapter.Rank - kept) * part.Inputs))).Clear();
            }
        }
    }

    /// <summary>Adds the adapters to their matrices, W + scale B A, and sets B to 0: the model computes the same as before but for rounding.</summary>
    /// <exception cref="NotSupportedException">The weights are held in a short format.</exception>
    public void MergeAdapters()
    {
        foreach (var adapter in Info.Adapters)
        {
            var matrix = Weights + Info.Parameters[adapter.Matrix].Offset;
            foreach (var part in PartsOf(adapter))
            {
                var factor = new Span<float>(part.B, checked((int)(part.Outputs * adapter.Rank)));
                foreach (ref var value in factor)
                {
                    value *= (float)adapter.Scale;
                }

                Gemm.Run(
                    Device.Team, Matrix.RowMajor(part.B, adapter.Rank), Matrix.RowMajor(part.A, part.Inputs), matrix, part.Inputs,
                    checked((int)part.Outputs), checked((int)part.Inputs), adapter.Rank, accumulate: true);
                factor.Clear();
                matrix += part.Outputs * part.Inputs;
            }
        }
    }

    /// <summary>The factors of an adapter for each instance and expert, in the order of their matrices.</summary>
    internal List<AdapterPart> PartsOf(AdapterInfo adapter)
    {
        var (matrix, a, b) = (Info.Parameters[adapter.Matrix], Info.Parameters[adapter.A], Info.Parameters[adapter.B]);
        var (outputs, inputs) = (matrix.Shape[^2], matrix.Shape[^1]);
        var parts = new List<AdapterPart>();
        for (var i = 0L; i < matrix.Size / (outputs * inputs); i++)
        {
            parts.Add(new(TrainedWeights + a.Offset + (i * adapter.Rank * inputs), TrainedWeights + b.Offset + (i * outputs * adapter.Rank), outputs, inputs));
        }

        return parts;
    }

    /// <summary>A [rank, Inputs] and B [Outputs, rank] of a matrix [Outputs, Inputs].</summary>
    internal readonly struct AdapterPart(float* a, float* b, long outputs, long inputs)
    {
        public float* A { get; } = a;

        public float* B { get; } = b;

        public long Outputs { get; } = outputs;

        public long Inputs { get; } = inputs;
    }
}
