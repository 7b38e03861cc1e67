using Mdl.Benchmarks.Libtorch.Model;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Libtorch;

/// <summary>Kernels at the sizes of Ling-mini, forward and backward.</summary>
internal static class LargeKernels
{
    private const int Width = 128;

    public static double[] Attend(int length, int heads, int keyHeads, double seconds)
    {
        using var q = randn([1, heads, length, Width], requires_grad: true);
        using var k = randn([1, keyHeads, length, Width], requires_grad: true);
        using var v = randn([1, keyHeads, length, Width], requires_grad: true);
        var group = heads / keyHeads;
        return WorkerLoop.Time(seconds, () =>
        {
            using var scope = NewDisposeScope();
            nn.functional.scaled_dot_product_attention(q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1), is_casual: true).sum().backward();
        });
    }

    public static double[] CrossEntropy(int tokens, int width, int words, double seconds)
    {
        using var h = randn([tokens, width], requires_grad: true);
        using var w = (randn(words, width) * 0.02).detach().requires_grad_(true);
        using var target = randint(0, words, [tokens], int64);
        return WorkerLoop.Time(seconds, () =>
        {
            using var scope = NewDisposeScope();
            nn.functional.cross_entropy(h.matmul(w.t()), target).backward();
        });
    }

    /// <summary>The memory, in bytes, that a process takes at most for the cross-entropy of a linear layer besides operands and gradients.</summary>
    public static double CrossEntropyMemory(int tokens, int width, int words)
    {
        // The libraries are there before.
        const int Few = 64;
        CrossEntropy(Few, Few, Few, 0);
        var before = WorkerLoop.Memory();
        using var h = randn([tokens, width], requires_grad: true);
        using var w = randn([words, width], requires_grad: true);
        using var target = randint(0, words, [tokens], int64);
        using (NewDisposeScope())
        {
            nn.functional.cross_entropy(h.matmul(w.t()), target).backward();
        }

        return WorkerLoop.PeakMemory() - before - (2.0 * sizeof(float) * width * ((long)tokens + words));
    }

    /// <summary>Seconds of some runs of a mixture of experts of Ling-mini's sizes, after a first one that is not counted.</summary>
    public static double[] Mixture(int tokens, int runs)
    {
        var sizes = LingSizes.MiniLayer;
        using var experts = new Experts(sizes);
        using var x = randn([tokens, sizes.Hidden], requires_grad: true);
        void Run()
        {
            using var scope = NewDisposeScope();
            experts.forward(x).sum().backward();
        }

        Run();
        return [.. Enumerable.Range(0, runs).Select(_ => WorkerLoop.Seconds(Run))];
    }

    /// <summary>The second operand is transposed, which is the faster layout.</summary>
    public static double[] ShortProduct(int size, double seconds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var a = rand(size, size).to(ScalarType.BFloat16);
        var b = rand(size, size).to(ScalarType.BFloat16);
        return WorkerLoop.Time(seconds, () => a.matmul(b.t()).Dispose());
    }
}
