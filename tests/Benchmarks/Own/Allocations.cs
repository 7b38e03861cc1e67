namespace Mdl.Benchmarks.Own;

/// <summary>Counts managed memory.</summary>
internal static class Allocations
{
    /// <summary>Bytes that all threads of the process allocate on the managed heap in one of several runs, after a first one.</summary>
    public static double Per(int runs, Action run)
    {
        run();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < runs; i++)
        {
            run();
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)runs;
    }
}
