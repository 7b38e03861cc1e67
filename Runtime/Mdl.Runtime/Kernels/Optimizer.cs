using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Devices;

namespace Mdl.Runtime.Kernels;

/// <summary>The numbers of one AdamW update.</summary>
/// <param name="LearningRate">Learning rate.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the corrected second moment.</param>
/// <param name="WeightDecay">Decoupled decay per unit of learning rate; 0 where none applies.</param>
/// <param name="Correction1">1 - Beta1^t at step t = 1, 2, ...</param>
/// <param name="Correction2">1 - Beta2^t at step t = 1, 2, ...</param>
/// <param name="GradientScale">Factor on the gradient, such as that of clipping.</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, float Correction1, float Correction2, float GradientScale);

/// <summary>Passes over the flat memory of weights, gradients and moments.</summary>
public static unsafe class Optimizer
{
    private const int PerChunk = 1 << 15;

    private struct Arguments
    {
        public float* W;
        public float* G;
        public float* M;
        public float* V;
        public long Count;
        public double* Partials;
        public AdamWStep Step;
        public bool ZeroGradient;
    }

    /// <summary>The sum of g[i]^2 over <paramref name="n"/> values in double precision, added in an order that depends on n alone.</summary>
    public static double SquaredNorm(Team team, float* g, long n)
    {
        var chunks = Chunks(n);
        // The chunks below use no scratch memory of their own, so the first worker's holds the partial sums.
        using var hold = team.Hold();
        var a = new Arguments { G = g, Count = n, Partials = (double*)team.Scratch(0, chunks * (long)sizeof(double)) };
        team.Run(&NormChunk, &a, chunks);
        var sum = 0.0;
        for (var i = 0; i < chunks; i++)
        {
            sum += a.Partials[i];
        }

        return sum;
    }

    /// <summary>
    /// AdamW on elements begin .. begin + count - 1: with g scaled, m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
    /// w -= LearningRate * (m / Correction1 / (sqrt(v / Correction2) + Epsilon) + WeightDecay * w) (Loshchilov and Hutter 2019, algorithm 2).
    /// </summary>
    public static void AdamW(Team team, float* w, float* g, float* m, float* v, long begin, long count, in AdamWStep step, bool zeroGradient)
    {
        var a = new Arguments { W = w + begin, G = g + begin, M = m + begin, V = v + begin, Count = count, Step = step, ZeroGradient = zeroGradient };
        team.Run(&AdamWChunk, &a, Chunks(count));
    }

    private static int Chunks(long n) => checked((int)((n + PerChunk - 1) / PerChunk));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(Arguments*)arguments;
        var g = a.G + ((long)chunk * PerChunk);
        var count = (int)Math.Min(PerChunk, a.Count - ((long)chunk * PerChunk));
        var sum0 = Vector512<double>.Zero;
        var sum1 = Vector512<double>.Zero;
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            var (low, high) = Vector512.Widen(Vector512.Load(g + i));
            sum0 = Vector512.FusedMultiplyAdd(low, low, sum0);
            sum1 = Vector512.FusedMultiplyAdd(high, high, sum1);
        }

        var sum = Vector512.Sum(sum0 + sum1);
        for (; i < count; i++)
        {
            sum += (double)g[i] * g[i];
        }

        a.Partials[chunk] = sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdamWChunk(void* arguments, int chunk, int worker)
    {
        ref var a = ref *(Arguments*)arguments;
        var first = (long)chunk * PerChunk;
        var w = a.W + first;
        var g = a.G + first;
        var m = a.M + first;
        var v = a.V + first;
        var count = (int)Math.Min(PerChunk, a.Count - first);
        var s = a.Step;
        var (beta1, beta2) = (Vector512.Create(s.Beta1), Vector512.Create(s.Beta2));
        var (rest1, rest2) = (Vector512.Create(1 - s.Beta1), Vector512.Create(1 - s.Beta2));
        var (scale, epsilon) = (Vector512.Create(s.GradientScale), Vector512.Create(s.Epsilon));
        // w += -rate/c1 * m / (sqrt(v/c2) + eps) - rate * decay * w; not w * (1 - rate * decay), which rounds a small decay away.
        var decay = Vector512.Create(-s.LearningRate * s.WeightDecay);
        var rate = Vector512.Create(-s.LearningRate / s.Correction1);
        var root = Vector512.Create(1 / s.Correction2);
        var i = 0;
        for (; i <= count - 16; i += 16)
        {
            var gradient = Vector512.Load(g + i) * scale;
            var first1 = Vector512.FusedMultiplyAdd(beta1, Vector512.Load(m + i), rest1 * gradient);
            var second = Vector512.FusedMultiplyAdd(beta2, Vector512.Load(v + i), rest2 * gradient * gradient);
            first1.Store(m + i);
            second.Store(v + i);
            var step = rate * first1 / (Vector512.Sqrt(second * root) + epsilon);
            var weight = Vector512.Load(w + i);
            (weight + Vector512.FusedMultiplyAdd(decay, weight, step)).Store(w + i);
            if (a.ZeroGradient)
            {
                Vector512<float>.Zero.Store(g + i);
            }
        }

        for (; i < count; i++)
        {
            var gradient = g[i] * s.GradientScale;
            m[i] = MathF.FusedMultiplyAdd(s.Beta1, m[i], (1 - s.Beta1) * gradient);
            v[i] = MathF.FusedMultiplyAdd(s.Beta2, v[i], (1 - s.Beta2) * gradient * gradient);
            var step = -s.LearningRate / s.Correction1 * m[i] / (MathF.Sqrt(v[i] * (1 / s.Correction2)) + s.Epsilon);
            w[i] += MathF.FusedMultiplyAdd(-s.LearningRate * s.WeightDecay, w[i], step);
            if (a.ZeroGradient)
            {
                g[i] = 0;
            }
        }
    }
}
