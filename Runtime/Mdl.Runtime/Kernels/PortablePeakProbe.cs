using System.Runtime.CompilerServices;

namespace Mdl.Runtime.Kernels;

/// <summary>Ten multiply-adds in a round: more than are in flight, and few enough for the registers of every width.</summary>
internal sealed unsafe class PortablePeakProbe<TVector, TLanes> : PeakProbe
    where TVector : struct
    where TLanes : struct, ILanes<TVector>
{
    /// <inheritdoc/>
    public override int OperationsPerRound => 2 * 10 * TLanes.Count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(long rounds)
    {
        TVector c0 = TLanes.Zero, c1 = TLanes.Zero, c2 = TLanes.Zero, c3 = TLanes.Zero, c4 = TLanes.Zero;
        TVector c5 = TLanes.Zero, c6 = TLanes.Zero, c7 = TLanes.Zero, c8 = TLanes.Zero, c9 = TLanes.Zero;
        var x = TLanes.Broadcast(rounds);
        for (var i = 0L; i < rounds; i++)
        {
            c0 = TLanes.MultiplyAdd(x, x, c0);
            c1 = TLanes.MultiplyAdd(x, x, c1);
            c2 = TLanes.MultiplyAdd(x, x, c2);
            c3 = TLanes.MultiplyAdd(x, x, c3);
            c4 = TLanes.MultiplyAdd(x, x, c4);
            c5 = TLanes.MultiplyAdd(x, x, c5);
            c6 = TLanes.MultiplyAdd(x, x, c6);
            c7 = TLanes.MultiplyAdd(x, x, c7);
            c8 = TLanes.MultiplyAdd(x, x, c8);
            c9 = TLanes.MultiplyAdd(x, x, c9);
        }

        c0 = TLanes.Add(TLanes.Add(TLanes.Add(c0, c1), TLanes.Add(c2, c3)), c4);
        c5 = TLanes.Add(TLanes.Add(TLanes.Add(c5, c6), TLanes.Add(c7, c8)), c9);
        var kept = stackalloc float[TLanes.Count];
        TLanes.Store(TLanes.Add(c0, c5), kept);
    }
}
