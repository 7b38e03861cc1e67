using System.Diagnostics;
using System.Runtime.InteropServices;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Kernels;

namespace Mdl.Benchmarks.Own;

/// <summary>Matrix products of the sizes that models have, as GFLOP/s and as fractions of the multiply-add peak measured in the same run.</summary>
internal static unsafe partial class ProductSweep
{
    // Other programs disturb the machine: the best of many runs is the figure that says most about the code.
    private const double SecondsPerCase = 0.4;

    private static readonly (int M, int N, int K)[] Sizes =
    [
        (1024, 1024, 1024), (2048, 2048, 2048), (4096, 512, 256), (4096, 256, 512), (512, 256, 4096), (256, 512, 4096), (512, 128, 256), (512, 256, 128),
        (4096, 256, 256), (256, 4096, 512), (4096, 32, 256), (1, 512, 256), (16, 512, 256),
    ];

    public static void Run(string filter, int threads)
    {
        using var team = new Team(threads);
        var peak = MachineLimits.MeasureMultiplyAddPeak(team) / 1e9;
        Console.WriteLine($"threads {team.Threads}, peak {peak:F0} GFLOP/s, read {MachineLimits.MeasureReadBandwidth(team, 1 << 20) / 1e9:F0} GB/s in the "
            + $"second-level cache, {MachineLimits.MeasureReadBandwidth(team, 1 << 28) / 1e9:F0} GB/s from memory, launch {LaunchSeconds(team) * 1e6:F2} us");
        foreach (var (m, n, k) in Sizes)
        {
            foreach (var (ta, tb) in new[] { (false, false), (false, true), (true, false), (true, true) })
            {
                Dense(team, filter, m, n, k, ta, tb);
            }
        }

        foreach (var (name, load) in new (string, Func<int, int>)[] { ("even", _ => 512), ("skewed", e => e == 0 ? 16384 - 31 * 100 : 100), ("one", e => e == 7 ? 16384 : 0) })
        {
            foreach (var (n, k) in new[] { (128, 256), (256, 128) })
            {
                Grouped(team, filter, name, load, n, k);
            }
        }
    }

    private static void Dense(Team team, string filter, int m, int n, int k, bool ta, bool tb)
    {
        var name = $"{m} x {n} x {k} {(ta ? 'T' : 'N')}{(tb ? 'T' : 'N')}";
        if (!name.Contains(filter, StringComparison.Ordinal))
        {
            return;
        }

        using var a = Products.Filled((long)m * k);
        using var b = Products.Filled((long)k * n);
        using var c = Products.Filled((long)m * n);
        var left = ta ? Matrix.Transposed((float*)a.Memory, m) : Matrix.RowMajor((float*)a.Memory, k);
        var right = tb ? Matrix.Transposed((float*)b.Memory, k) : Matrix.RowMajor((float*)b.Memory, n);
        Report(name, team, 2.0 * m * n * k, () => Gemm.Run(team, left, right, (float*)c.Memory, n, m, n, k, accumulate: false));
    }

    private static void Grouped(Team team, string filter, string loadName, Func<int, int> load, int n, int k)
    {
        const int Experts = 32;
        using var offsetMemory = new Arena((Experts + 1) * sizeof(int));
        var offsets = (int*)offsetMemory.Memory;
        for (var e = 0; e < Experts; e++)
        {
            offsets[e + 1] = offsets[e] + load(e);
        }

        var rows = offsets[Experts];
        using var listMemory = new Arena((long)rows * sizeof(int));
        var list = (int*)listMemory.Memory;
        var random = new Random(1);
        for (var i = 0; i < rows; i++)
        {
            list[i] = random.Next(rows);
        }

        using var x = Products.Filled((long)rows * k);
        using var w = Products.Filled((long)Experts * n * k);
        using var y = Products.Filled((long)rows * n);
        var plain = Matrix.RowMajor((float*)x.Memory, k);
        var gathered = Matrix.Gathered((float*)x.Memory, k, list, 4);
        var dy = Matrix.RowMajor((float*)y.Memory, n);
        var work = 2.0 * rows * n * k;
        foreach (var (kind, left, transpose) in new[] { ("plain N", plain, false), ("plain T", plain, true), ("gathered N", gathered, false), ("gathered T", gathered, true) })
        {
            if ($"grouped {loadName}".Contains(filter, StringComparison.Ordinal))
            {
                Report($"grouped {loadName} {rows} x {n} x {k} {kind}", team, work, () => Gemm.Grouped(team, left, (float*)w.Memory, transpose, offsets, Experts, (float*)y.Memory, rows, n, k));
            }
        }

        foreach (var (kind, left, right, p, q) in new[] { ("plain", plain, dy, k, n), ("gathered", gathered, dy, k, n), ("right gathered", dy, gathered, n, k) })
        {
            if ($"outer {loadName}".Contains(filter, StringComparison.Ordinal))
            {
                Report($"outer {loadName} {rows} x {p} x {q} {kind}", team, work, () => Gemm.GroupedOuter(team, left, right, offsets, Experts, (float*)w.Memory, p, q));
            }
        }
    }

    // The machine's speed changes from moment to moment, so every run is compared with a short run of the probe just before it.
    private static void Report(string name, Team team, double operations, Action run)
    {
        var times = new List<double>();
        var fractions = new List<double>();
        run();
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsPerCase || times.Count < 5)
        {
            var peak = MachineLimits.MeasureMultiplyAddPeak(team, 3);
            var start = Seconds(team.Threads);
            run();
            var time = Seconds(team.Threads) - start;
            times.Add(time);
            fractions.Add(operations / time / peak);
        }

        times.Sort();
        fractions.Sort();
        Console.WriteLine($"{name,-44} best {operations / times[0] / 1e9,5:F0} GFLOP/s  median {operations / times[times.Count / 2] / 1e9,5:F0}  "
            + $"of the peak next to it: median {fractions[fractions.Count / 2],4:P0}, upper quarter {fractions[fractions.Count * 3 / 4],4:P0}");
    }

    // With one thread its processor time, which does not count what other programs take from it.
    private static double Seconds(int threads)
    {
        if (threads > 1 || !OperatingSystem.IsLinux())
        {
            return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
        }

        const int ThreadProcessorTime = 3;
        var time = stackalloc long[2];
        _ = ReadClock(ThreadProcessorTime, time);
        return time[0] + time[1] * 1e-9;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, long* time);

    private static double LaunchSeconds(Team team)
    {
        const int Launches = 2000;
        var best = double.PositiveInfinity;
        for (var round = 0; round < 10; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Launches; i++)
            {
                team.Run(&Nothing, null, team.Threads);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds / Launches);
        }

        return best;
    }

    private static void Nothing(void* arguments, int chunk, int worker)
    {
    }
}
