using ILGPU;
using ILGPU.Runtime;
using Mdl.Runtime.Ilgpu.Devices;

namespace Mdl.Runtime.Ilgpu.Kernels;

/// <summary>delta = dOutput . output for each query and head: what the softmax's derivative takes off every probability's gradient.</summary>
internal struct AttentionDeltaKernel
{
    public AttentionExtent Extent;
    public ArrayView<float> Output;
    public ArrayView<float> Gradient;
    public ArrayView<float> Delta;

    public static void Run(AttentionDeltaKernel a, SpecializedValue<AttentionSizes> sizes)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var s = AttentionSizes.With(sizes.Value, a.Extent);
        var lane = Group.IdxX;
        var first = (Grid.IdxX / s.Heads * s.OutputStride) + (Grid.IdxX % s.Heads * s.ValueWidth);
        var sum = 0f;
        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            sum += a.Output[first + d] * a.Gradient[first + d];
        }

        sum = GroupReduction.Sum(shared, lane, sum);
        if (lane == 0)
        {
            a.Delta[Grid.IdxX] = sum;
        }
    }
}

/// <summary>The gradient of one query head: one group goes over the keys that it sees.</summary>
internal struct AttentionQueryGradientKernel
{
    public AttentionExtent Extent;
    public ArrayView<float> Q;
    public ArrayView<float> K;
    public ArrayView<float> V;
    public ArrayView<float> Lse;
    public ArrayView<float> Gradient;
    public ArrayView<float> Delta;
    public ArrayView<float> Dq;
    public int DqStride;

    public static void Run(AttentionQueryGradientKernel a, SpecializedValue<AttentionSizes> sizes)
    {
        var ds = SharedMemory.Allocate<float>(IlgpuDevice.GroupSize);
        var q = SharedMemory.Allocate<float>(Attention.MostWidth);
        var gradient = SharedMemory.Allocate<float>(Attention.MostWidth);
        var sums = SharedMemory.Allocate<float>(Attention.MostWidth);
        var s = AttentionSizes.With(sizes.Value, a.Extent);
        var lane = Group.IdxX;
        var (row, head) = (Grid.IdxX / s.Heads, Grid.IdxX % s.Heads);
        var (batch, query) = (row / s.Queries, row % s.Queries);
        var keyHead = head / (s.Heads / s.KeyHeads);
        for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
        {
            q[d] = a.Q[(row * s.QueryStride) + (head * s.KeyWidth) + d] * s.Scale;
            sums[d] = 0f;
        }

        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            gradient[d] = a.Gradient[(row * s.OutputStride) + (head * s.ValueWidth) + d];
        }

        Group.Barrier();
        var keys = (batch * s.KeyBatch) + (keyHead * s.KeyWidth);
        var values = (batch * s.ValueBatch) + (keyHead * s.ValueWidth);
        var end = AttentionSizes.End(s, query);
        for (var first = AttentionSizes.Begin(s, query); first < end; first += IlgpuDevice.GroupSize)
        {
            var key = first + lane;
            var slope = 0f;
            if (key < end)
            {
                var score = 0f;
                for (var d = 0; d < s.KeyWidth; d++)
                {
                    score += q[d] * a.K[keys + (key * s.KeyStride) + d];
                }

                var dp = 0f;
                for (var d = 0; d < s.ValueWidth; d++)
                {
                    dp += gradient[d] * a.V[values + (key * s.ValueStride) + d];
                }

                slope = DeviceMath.Exp(score - a.Lse[Grid.IdxX]) * (dp - a.Delta[Grid.IdxX]) * s.Scale;
            }

            ds[lane] = slope;
            Group.Barrier();
            var count = end - first < IlgpuDevice.GroupSize ? end - first : IlgpuDevice.GroupSize;
            for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
            {
                var sum = sums[d];
                for (var j = 0; j < count; j++)
                {
                    sum += ds[j] * a.K[keys + ((first + j) * s.KeyStride) + d];
                }

                sums[d] = sum;
            }

            Group.Barrier();
        }

        for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
        {
            a.Dq[(row * a.DqStride) + (head * s.KeyWidth) + d] = sums[d];
        }
    }
}

/// <summary>The gradients of one key and its value: one group goes over the queries that see it, those of all heads that share it.</summary>
internal struct AttentionKeyGradientKernel
{
    public AttentionExtent Extent;
    public ArrayView<float> Q;
    public ArrayView<float> K;
    public ArrayView<float> V;
    public ArrayView<float> Lse;
    public ArrayView<float> Gradient;
    public ArrayView<float> Delta;
    public ArrayView<float> Dk;
    public ArrayView<float> Dv;
    public int DkStride, DvStride;

    public static void Run(AttentionKeyGradientKernel a, SpecializedValue<AttentionSizes> sizes)
    {
        var p = SharedMemory.Allocate<float>(IlgpuDevice.GroupSize);
        var ds = SharedMemory.Allocate<float>(IlgpuDevice.GroupSize);
        var k = SharedMemory.Allocate<float>(Attention.MostWidth);
        var v = SharedMemory.Allocate<float>(Attention.MostWidth);
        var keySums = SharedMemory.Allocate<float>(Attention.MostWidth);
        var valueSums = SharedMemory.Allocate<float>(Attention.MostWidth);
        var s = AttentionSizes.With(sizes.Value, a.Extent);
        var lane = Group.IdxX;
        var (row, keyHead) = (Grid.IdxX / s.KeyHeads, Grid.IdxX % s.KeyHeads);
        var (batch, key) = (row / s.Keys, row % s.Keys);
        var heads = s.Heads / s.KeyHeads;
        for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
        {
            k[d] = a.K[(row * s.KeyStride) + (keyHead * s.KeyWidth) + d] * s.Scale;
            keySums[d] = 0f;
        }

        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            v[d] = a.V[(row * s.ValueStride) + (keyHead * s.ValueWidth) + d];
            valueSums[d] = 0f;
        }

        Group.Barrier();
        var begin = s.Causal != 0 ? key : 0;
        var end = s.Causal != 0 && s.Window > 0 && key + s.Window < s.Queries ? key + s.Window : s.Queries;
        var rows = (end - begin) * heads;
        for (var first = 0; first < rows; first += IlgpuDevice.GroupSize)
        {
            var mine = first + lane;
            var weight = 0f;
            var slope = 0f;
            if (mine < rows)
            {
                var token = (batch * s.Queries) + begin + (mine / heads);
                var head = (keyHead * heads) + (mine % heads);
                var score = 0f;
                for (var d = 0; d < s.KeyWidth; d++)
                {
                    score += k[d] * a.Q[(token * s.QueryStride) + (head * s.KeyWidth) + d];
                }

                var dp = 0f;
                for (var d = 0; d < s.ValueWidth; d++)
                {
                    dp += v[d] * a.Gradient[(token * s.OutputStride) + (head * s.ValueWidth) + d];
                }

                var at = (token * s.Heads) + head;
                weight = DeviceMath.Exp(score - a.Lse[at]);
                slope = weight * (dp - a.Delta[at]) * s.Scale;
            }

            p[lane] = weight;
            ds[lane] = slope;
            Group.Barrier();
            var count = rows - first < IlgpuDevice.GroupSize ? rows - first : IlgpuDevice.GroupSize;
            for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
            {
                var sum = keySums[d];
                for (var j = 0; j < count; j++)
                {
                    var token = (batch * s.Queries) + begin + ((first + j) / heads);
                    var head = (keyHead * heads) + ((first + j) % heads);
                    sum += ds[j] * a.Q[(token * s.QueryStride) + (head * s.KeyWidth) + d];
                }

                keySums[d] = sum;
            }

            for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
            {
                var sum = valueSums[d];
                for (var j = 0; j < count; j++)
                {
                    var token = (batch * s.Queries) + begin + ((first + j) / heads);
                    var head = (keyHead * heads) + ((first + j) % heads);
                    sum += p[j] * a.Gradient[(token * s.OutputStride) + (head * s.ValueWidth) + d];
                }

                valueSums[d] = sum;
            }

            Group.Barrier();
        }

        for (var d = lane; d < s.KeyWidth; d += IlgpuDevice.GroupSize)
        {
            a.Dk[(row * a.DkStride) + (keyHead * s.KeyWidth) + d] = keySums[d];
        }

        for (var d = lane; d < s.ValueWidth; d += IlgpuDevice.GroupSize)
        {
            a.Dv[(row * a.DvStride) + (keyHead * s.ValueWidth) + d] = valueSums[d];
        }
    }
}

/// <summary>dSink = - sum of P(sink) * delta: the sink takes probability from every key of its row and gives no value.</summary>
internal struct AttentionSinkGradientKernel
{
    public ArrayView<float> Sink;
    public ArrayView<float> Lse;
    public ArrayView<float> Delta;
    public ArrayView<float> DSink;
    public int Heads, Rows;

    public static void Run(AttentionSinkGradientKernel a)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.Size);
        var (head, lane) = (Grid.IdxX, Group.IdxX);
        var sum = 0f;
        for (var row = lane; row < a.Rows; row += IlgpuDevice.GroupSize)
        {
            var at = (row * a.Heads) + head;
            sum -= DeviceMath.Exp(a.Sink[head] - a.Lse[at]) * a.Delta[at];
        }

        sum = GroupReduction.Sum(shared, lane, sum);
        if (lane == 0)
        {
            a.DSink[head] = sum;
        }
    }
}
