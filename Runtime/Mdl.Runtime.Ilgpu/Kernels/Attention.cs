using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>Attention with an online softmax (Dao et al. 2022): one group a query, 64 keys at a time; scores are never stored.</summary>
public static class Attention
{
    /// <summary>Most floats of a head.</summary>
    internal const int MostWidth = 512;

    /// <summary>
    /// output [Batch, Queries, Heads, ValueWidth] = softmax(Scale q k') v and lse [Batch, Queries, Heads] = the logarithm of the softmax's divisor.
    /// A sink is one more logit per head, without a value.
    /// </summary>
    public static void Forward(
        IlgpuDevice team, in AttentionShape s, ArrayView<float> q, ArrayView<float> k, ArrayView<float> v, ArrayView<float> sink,
        ArrayView<float> output, ArrayView<float> lse) =>
        Forward(team, s, AttentionSizes.Of(s), AttentionSizes.Extent(s), q, k, v, sink, output, lse);

    /// <summary>
    /// Appends the keys and values of s.Queries new tokens at positions past .. to the caches [Batch, capacity, KeyHeads, width], then attends:
    /// query i stands at position past + i and sees what is cached (under the mask). s.Keys is past + s.Queries.
    /// </summary>
    public static void Cached(
        IlgpuDevice team, in AttentionShape s, ArrayView<float> q, ArrayView<float> k, ArrayView<float> v, ArrayView<float> sink,
        ArrayView<float> keyCache, ArrayView<float> valueCache, int past, int capacity, ArrayView<float> output)
    {
        Append(team, k, keyCache, s.Batch, s.Queries, s.KeyHeads * s.KeyWidth, s.KeyStride, past, capacity);
        Append(team, v, valueCache, s.Batch, s.Queries, s.KeyHeads * s.ValueWidth, s.ValueStride, past, capacity);
        var sizes = AttentionSizes.Of(s);
        (sizes.KeyStride, sizes.ValueStride) = (s.KeyHeads * s.KeyWidth, s.KeyHeads * s.ValueWidth);
        var extent = AttentionSizes.Extent(s) with
        {
            Past = past, KeyBatch = (long)capacity * sizes.KeyStride, ValueBatch = (long)capacity * sizes.ValueStride,
        };
        Forward(team, s, sizes, extent, q, keyCache, valueCache, sink, output, default);
    }

    /// <summary>
    /// Gradients of q, k, v and the sinks, from the output, the log-sum-exp and the gradient of the output; all are overwritten. The heads of a token's
    /// gradients lie one behind the other, tokens lie the given strides apart.
    /// </summary>
    public static void Backward(
        IlgpuDevice team, in AttentionShape s, ArrayView<float> q, ArrayView<float> k, ArrayView<float> v, ArrayView<float> sink, ArrayView<float> output,
        ArrayView<float> lse, ArrayView<float> dOutput, ArrayView<float> dq, long dqStride, ArrayView<float> dk, long dkStride,
        ArrayView<float> dv, long dvStride, ArrayView<float> dSink)
    {
        ArgumentNullException.ThrowIfNull(team);
        var (sizes, extent) = (AttentionSizes.Of(s), AttentionSizes.Extent(s));
        var rows = (long)s.Batch * s.Queries * s.Heads;
        var delta = team.Scratch(rows);
        team.Launch(AttentionDeltaKernel.Run, rows, new AttentionDeltaKernel { Extent = extent, Output = output, Gradient = dOutput, Delta = delta }, sizes);
        team.Launch(AttentionQueryGradientKernel.Run, rows, new AttentionQueryGradientKernel
        {
            Extent = extent, Q = q, K = k, V = v, Lse = lse, Gradient = dOutput, Delta = delta, Dq = dq, DqStride = (int)dqStride,
        }, sizes);
        team.Launch(AttentionKeyGradientKernel.Run, (long)s.Batch * s.Keys * s.KeyHeads, new AttentionKeyGradientKernel
        {
            Extent = extent, Q = q, K = k, V = v, Lse = lse, Gradient = dOutput, Delta = delta,
            Dk = dk, Dv = dv, DkStride = (int)dkStride, DvStride = (int)dvStride,
        }, sizes);
        if (sink.IsValid)
        {
            team.Launch(AttentionSinkGradientKernel.Run, s.Heads, new AttentionSinkGradientKernel
            {
                Sink = sink, Lse = lse, Delta = delta, DSink = dSink, Heads = s.Heads, Rows = s.Batch * s.Queries,
            });
        }
    }

    private static void Forward(
        IlgpuDevice team, in AttentionShape s, AttentionSizes sizes, AttentionExtent extent, ArrayView<float> q, ArrayView<float> k, ArrayView<float> v, ArrayView<float> sink,
        ArrayView<float> output, ArrayView<float> lse)
    {
        // An argument that is not used still has to be memory.
        (sizes.HasSink, sizes.HasLse) = (sink.IsValid ? 1 : 0, lse.IsValid ? 1 : 0);
        team.Launch(AttentionForwardKernel.Run, (long)s.Batch * s.Queries * s.Heads, new AttentionForwardKernel
        {
            Extent = extent, Q = q, K = k, V = v, Sink = sink.IsValid ? sink : q, Output = output, Lse = lse.IsValid ? lse : output,
        }, sizes);
    }

    private static void Append(
        IlgpuDevice team, ArrayView<float> x, ArrayView<float> cache, int batch, int tokens, int width, long stride, int past, int capacity) =>
        team.LaunchThreads(AppendKernel.Run, (long)batch * tokens * width, new AppendKernel
        {
            X = x, Cache = cache, Size = checked(batch * tokens * width), Tokens = tokens, Width = width, Stride = (int)stride, Past = past, Capacity = capacity,
        });
}

internal struct AppendKernel
{
    public ArrayView<float> X;
    public ArrayView<float> Cache;
    public int Size, Tokens, Width, Stride, Past, Capacity;

    public static void Run(AppendKernel k)
    {
        var i = (Grid.IdxX * IlgpuDevice.GroupSize) + Group.IdxX;
        if (i >= k.Size)
        {
            return;
        }

        var (row, column) = (i / k.Width, i % k.Width);
        var (batch, token) = (row / k.Tokens, row % k.Tokens);
        k.Cache[((((long)batch * k.Capacity) + k.Past + token) * k.Width) + column] = k.X[(row * k.Stride) + column];
    }
}
