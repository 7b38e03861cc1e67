using System.Diagnostics;
using System.Globalization;

namespace Mdl.Benchmarks.Workers;

/// <summary>
/// The side of a measured process: it reads requests, one a line, and answers each with a line of numbers. While it waits for a line it
/// does nothing, so that two such processes can take turns on the same cores.
/// </summary>
internal static class WorkerLoop
{
    /// <summary>How the line of an answer begins; other lines are messages for people.</summary>
    public const string AnswerMark = "answer";

    /// <summary>Answers requests until the input ends.</summary>
    /// <param name="handle">Gets the words of a request; its numbers are the answer.</param>
    public static void Run(Func<string[], IEnumerable<double>> handle)
    {
        while (Console.In.ReadLine() is { } line)
        {
            var numbers = handle(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
            Console.Out.WriteLine(string.Join(' ', numbers.Select(n => n.ToString("R", CultureInfo.InvariantCulture)).Prepend(AnswerMark)));
            Console.Out.Flush();
        }
    }

    /// <summary>The seconds of the best and of the middle run, of as many runs as fit into the given time. A first run is not counted.</summary>
    public static double[] Time(double seconds, Action run)
    {
        run();
        var times = new List<double>();
        var begin = Stopwatch.GetTimestamp();
        do
        {
            times.Add(Seconds(run));
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds);

        times.Sort();
        return [times[0], times[times.Count / 2]];
    }

    /// <summary>The seconds of one run.</summary>
    public static double Seconds(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The memory that this process has now, in bytes.</summary>
    public static double Memory()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>The most memory that this process has had at any time, in bytes.</summary>
    public static double PeakMemory()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
