using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

internal struct AttentionForwardKernel
{
    public AttentionExtent Extent;
    public ArrayView<float> Q;
    public ArrayView<float> K;
    public ArrayView<float> V;
    public ArrayView<float> Sink;
    public ArrayView<float> Output;
    public ArrayView<float> Lse;

    public static void Run(AttentionForwardKernel a, SpecializedValue<AttentionSizes> sizes)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var p = SharedMemory.Allocate<float>(IlgpuDevice.GroupSize);
        var q = SharedMemory.Allocate<float>(Attention.MostWidth);
        var sums = SharedMemory.Allocate<float>(Attention.MostWidth);
        var s = AttentionSizes.With(sizes.Value, a.Extent);
        var lane = Group.IdxX;
        var (row, head) = (Grid.IdxX / s.Heads, Grid.IdxX % s.Heads);
        var (batch, query) = (row / s.Queries, row % s.Queries);
        var keyHead = head / (s.Heads / s.KeyHeads);
        for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
        {
            q[d] = a.Q[(row * s.QueryStride) + (head * s.KeyWidth) + d] * s.Scale;
        }

        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            sums[d] = 0f;
        }

        Group.Barrier();
        var largest = s.HasSink != 0 ? a.Sink[head] : float.NegativeInfinity;
        var divisor = s.HasSink != 0 ? 1f : 0f;
        var keys = (batch * s.KeyBatch) + (keyHead * s.KeyWidth);
        var values = (batch * s.ValueBatch) + (keyHead * s.ValueWidth);
        var end = AttentionSizes.End(s, query);
        for (var first = AttentionSizes.Begin(s, query); first < end; first += IlgpuDevice.GroupSize)
        {
            var key = first + lane;
            var score = float.NegativeInfinity;
            if (key < end)
            {
                score = 0f;
                for (var d = 0; d < s.KeyWidth; d++)
                {
                    score += q[d] * a.K[keys + (key * s.KeyStride) + d];
                }
            }

            var before = largest;
            largest = DeviceMath.Maximum(before, GroupReduction.Maximum(shared, lane, score));
            var weight = key < end ? DeviceMath.Exp(score - largest) : 0f;
            var keep = DeviceMath.Exp(before - largest);
            divisor = (divisor * keep) + GroupReduction.Sum(shared, lane, weight);
            p[lane] = weight;
            Group.Barrier();
            var count = end - first < IlgpuDevice.GroupSize ? end - first : IlgpuDevice.GroupSize;
            for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
            {
                var sum = sums[d] * keep;
                for (var j = 0; j < count; j++)
                {
                    sum += p[j] * a.V[values + ((first + j) * s.ValueStride) + d];
                }

                sums[d] = sum;
            }

            Group.Barrier();
        }

        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            a.Output[(row * s.OutputStride) + (head * s.ValueWidth) + d] = sums[d] / divisor;
        }

        if (lane == 0 && s.HasLse != 0)
        {
            a.Lse[Grid.IdxX] = largest + DeviceMath.Log(divisor);
        }
    }
}
