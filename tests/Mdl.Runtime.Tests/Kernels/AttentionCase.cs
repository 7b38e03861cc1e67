using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Tests.Kernels;

/// <summary>Random operands of one shape, strided, and everything the kernels write for them.</summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    private const int Pad = 3;

    public AttentionCase(Random random, AttentionShape s, bool hasSink, double deviation = 1)
    {
        Shape = s with
        {
            QueryStride = (s.Heads * s.KeyWidth) + Pad, KeyStride = (s.KeyHeads * s.KeyWidth) + Pad, ValueStride = (s.KeyHeads * s.ValueWidth) + Pad,
            OutputStride = (s.Heads * s.ValueWidth) + Pad,
        };
        Q = Draw.Normal(random, s.Batch * s.Queries * Shape.QueryStride, deviation);
        K = Draw.Normal(random, s.Batch * s.Keys * Shape.KeyStride, deviation);
        V = Draw.Normal(random, s.Batch * s.Keys * Shape.ValueStride);
        DOutput = Draw.Normal(random, s.Batch * s.Queries * Shape.OutputStride);
        Sink = hasSink ? Draw.Normal(random, s.Heads) : null;
        Output = new(DOutput.Length);
        Lse = new((long)s.Batch * s.Queries * s.Heads);
        (DQ, DK, DV, DSink) = (new(Q.Length), new(K.Length), new(V.Length), new((long)s.Heads));
        Reference = new AttentionReference(
            Shape, Dense(Q, s.Heads * s.KeyWidth), Dense(K, s.KeyHeads * s.KeyWidth), Dense(V, s.KeyHeads * s.ValueWidth),
            Sink?.Span.ToArray().Select(x => (double)x).ToArray());
    }

    public AttentionShape Shape { get; }

    public Memory<float> Q { get; }

    public Memory<float> K { get; }

    public Memory<float> V { get; }

    public Memory<float> DOutput { get; }

    public Memory<float>? Sink { get; }

    public Memory<float> Output { get; }

    public Memory<float> Lse { get; }

    public Memory<float> DQ { get; }

    public Memory<float> DK { get; }

    public Memory<float> DV { get; }

    public Memory<float> DSink { get; }

    public AttentionReference Reference { get; }

    public void Run(Team team)
    {
        var sink = Sink is null ? null : Sink.Data;
        Attention.Forward(team, Shape, Q.Data, K.Data, V.Data, sink, Output.Data, Lse.Data);
        Attention.Backward(
            team, Shape, Q.Data, K.Data, V.Data, sink, Output.Data, Lse.Data, DOutput.Data, DQ.Data, Shape.QueryStride, DK.Data, Shape.KeyStride,
            DV.Data, Shape.ValueStride, DSink.Data);
    }

    public void Check()
    {
        var s = Shape;
        // Single-precision scores of magnitude up to about 5 err by 1e-6, which moves probabilities, and with them everything, by that share;
        // gradients of keys sum as many such terms as there are queries. Measured errors are a tenth of these.
        Close.Assert(Reference.Output, Narrow(Output, s.Heads * s.ValueWidth), 1e-5, $"output of {s}");
        Close.Assert(Reference.Lse, Lse.Span, 1e-5, $"lse of {s}");
        var gradients = Reference.Gradients(Dense(DOutput, s.Heads * s.ValueWidth));
        Close.Assert(gradients.Q, Narrow(DQ, s.Heads * s.KeyWidth), 3e-5, $"dq of {s}");
        Close.Assert(gradients.K, Narrow(DK, s.KeyHeads * s.KeyWidth), 3e-5, $"dk of {s}");
        Close.Assert(gradients.V, Narrow(DV, s.KeyHeads * s.ValueWidth), 3e-5, $"dv of {s}");
        if (Sink is not null)
        {
            Close.Assert(gradients.Sink, DSink.Span, 3e-5, $"dsink of {s}");
        }

        foreach (var memory in Results())
        {
            memory.AssertGuardsIntact();
        }
    }

    public float[] AllBits() => [.. Results().SelectMany(x => x.Span.ToArray())];

    public void Dispose()
    {
        foreach (var memory in Results().Concat([Q, K, V, DOutput]))
        {
            memory.Dispose();
        }

        Sink?.Dispose();
    }

    public static double[] Dense(Memory<float> memory, int width) => [.. Narrow(memory, width).Select(x => (double)x)];

    private static float[] Narrow(Memory<float> memory, int width) =>
        [.. Enumerable.Range(0, memory.Length / (width + Pad)).SelectMany(row => memory.Span.Slice(row * (width + Pad), width).ToArray())];

    private IEnumerable<Memory<float>> Results() => Sink is null ? [Output, Lse, DQ, DK, DV] : [Output, Lse, DQ, DK, DV, DSink];
}
