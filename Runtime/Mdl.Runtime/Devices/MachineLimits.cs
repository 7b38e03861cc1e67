using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mdl.Runtime.Kernels;

namespace Mdl.Runtime.Devices;

/// <summary>Measures what the processor can do at best, so that other measurements can be read as fractions of it.</summary>
public static unsafe class MachineLimits
{
    /// <summary>
    /// Floating-point operations in a second (a multiply-add is two) when all threads of the team do nothing but independent multiply-adds of
    /// operands in a format. The best of many runs of a fraction of a millisecond:
    /// on a busy machine some of them meet no other program.
    /// </summary>
    public static double MeasureMultiplyAddPeak(Team team, int runs = 400, ElementFormat format = ElementFormat.Single)
    {
        // Rounds of some 12 cycles each; many parts for each thread, so that no thread waits long for another at the end.
        const int Rounds = 1000;
        var parts = 32 * team.Threads;
        using var probe = (team.KernelsFor(format) ?? throw new NotSupportedException($"The processor has no products of {format}.")).CreatePeakProbe();
        var call = new PeakCall { Probe = probe, Rounds = Rounds };
        var seconds = Best(team, &Multiply, Unsafe.AsPointer(ref call), parts, runs);
        return probe.OperationsPerRound * (double)Rounds * parts / seconds;
    }

    /// <summary>Bytes in a second that all threads of the team read from a block of memory of this size, over and over.</summary>
    public static double MeasureReadBandwidth(Team team, long bytes)
    {
        const long Part = 1 << 18;
        var parts = (int)Math.Max(bytes / Part, 1);
        using var memory = new Arena(parts * Part);
        using var sums = new Arena(parts * 64L);

        // Pages that nobody has written may all be one page of zeros, which stays in the caches.
        for (var part = 0; part < parts; part++)
        {
            new Span<byte>(memory.Memory + part * Part, (int)Part).Fill(1);
        }

        var call = new ReadCall { Memory = memory.Memory, Sums = (float*)sums.Memory, Bytes = Part };
        return parts * Part / Best(team, &Read, &call, parts, 5);
    }

    private static double Best(Team team, delegate*<void*, int, int, void> body, void* arguments, int chunks, int repeats)
    {
        var best = double.PositiveInfinity;
        for (var i = 0; i < repeats; i++)
        {
            var start = Stopwatch.GetTimestamp();
            team.Run(body, arguments, chunks);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static void Multiply(void* arguments, int chunk, int worker)
    {
        ref var call = ref Unsafe.AsRef<PeakCall>(arguments);
        call.Probe.Run(call.Rounds);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(void* arguments, int chunk, int worker)
    {
        var call = (ReadCall*)arguments;
        var from = (float*)(call->Memory + chunk * call->Bytes);
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0L; i < call->Bytes / sizeof(float); i += 64)
        {
            s0 += Vector512.Load(from + i);
            s1 += Vector512.Load(from + i + 16);
            s2 += Vector512.Load(from + i + 32);
            s3 += Vector512.Load(from + i + 48);
        }

        (s0 + s1 + s2 + s3).Store(call->Sums + chunk * 16L);
    }

    private struct PeakCall
    {
        public PeakProbe Probe;
        public long Rounds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ReadCall
    {
        public byte* Memory;
        public float* Sums;
        public long Bytes;
    }
}
