using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Passes over the flat memory of weights, gradients and moments.</summary>
public static class Optimizer
{
    /// <summary>The sum of g[i]^2 over <paramref name="n"/> values: single precision over 4096 of them, double precision over those sums, in order.</summary>
    public static unsafe double SquaredNorm(IlgpuDevice team, ArrayView<float> g, long n)
    {
        ArgumentNullException.ThrowIfNull(team);
        var chunks = checked((int)((n + SquaredNormKernel.PerGroup - 1) / SquaredNormKernel.PerGroup));
        if (chunks == 0)
        {
            return 0;
        }

        var partials = team.Scratch(chunks);
        team.Launch(SquaredNormKernel.Run, chunks, new SquaredNormKernel { G = g, Count = n, Partials = partials });
        var sums = new float[chunks];
        // The copy holds an address: an array that the garbage collector moves meanwhile would stay empty.
        fixed (float* first = sums)
        {
            partials.SubView(0, chunks).CopyToCPU(ref *first, chunks);
        }

        var sum = 0.0;
        foreach (var part in sums)
        {
            sum += part;
        }

        return sum;
    }

    /// <summary>AdamW on elements begin .. begin + count - 1, as on the host (Loshchilov and Hutter 2019, algorithm 2).</summary>
    public static void AdamW(
        IlgpuDevice team, ArrayView<float> w, ArrayView<float> g, ArrayView<float> m, ArrayView<float> v, long begin, long count, in AdamWStep step) =>
        team.LaunchThreads(AdamWKernel.Run, count, new AdamWKernel
        {
            W = w.SubView(begin, count), G = g.SubView(begin, count), M = m.SubView(begin, count), V = v.SubView(begin, count), Count = checked((int)count),
            Beta1 = step.Beta1, Beta2 = step.Beta2, Rest1 = 1 - step.Beta1, Rest2 = 1 - step.Beta2, Epsilon = step.Epsilon, Scale = step.GradientScale,
            // w += -rate/c1 * m / (sqrt(v/c2) + eps) - rate * decay * w; not w * (1 - rate * decay), which rounds a small decay away.
            Decay = -step.LearningRate * step.WeightDecay, Rate = -step.LearningRate / step.Correction1, Root = 1 / step.Correction2,
        });
}

internal struct SquaredNormKernel
{
    public const int PerGroup = 4096;

    public ArrayView<float> G;
    public ArrayView<float> Partials;
    public long Count;

    public static void Run(SquaredNormKernel k)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var begin = (long)Grid.IdxX * PerGroup;
        var sum = 0f;
        for (var i = Group.IdxX; i < PerGroup; i += IlgpuDevice.GroupSize)
        {
            if (begin + i < k.Count)
            {
                var g = k.G[begin + i];
                sum += g * g;
            }
        }

        sum = GroupReduction.Sum(shared, Group.IdxX, sum);
        if (Group.IdxX == 0)
        {
            k.Partials[Grid.IdxX] = sum;
        }
    }
}

internal struct AdamWKernel
{
    public ArrayView<float> W;
    public ArrayView<float> G;
    public ArrayView<float> M;
    public ArrayView<float> V;
    public int Count;
    public float Beta1, Beta2, Rest1, Rest2, Epsilon, Scale, Decay, Rate, Root;

    public static void Run(AdamWKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i >= k.Count)
        {
            return;
        }

        var g = k.G[i] * k.Scale;
        var m = (k.Beta1 * k.M[i]) + (k.Rest1 * g);
        var v = (k.Beta2 * k.V[i]) + (k.Rest2 * g * g);
        k.M[i] = m;
        k.V[i] = v;
        var w = k.W[i];
        k.W[i] = w + ((k.Rate * m / (MathF.Sqrt(v * k.Root) + k.Epsilon)) + (k.Decay * w));
    }
}
