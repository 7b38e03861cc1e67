using System.Diagnostics;
using System.Text.Json;

namespace Mdl.Runtime.Profiling;

/// <summary>Writes what a profiler saw in the trace event format that chrome://tracing and Perfetto read.</summary>
public static class ChromeTrace
{
    private const double Microseconds = 1e6;

    /// <summary>Writes the file.</summary>
    public static void Write(Profiler profiler, string path)
    {
        using var stream = File.Create(path);
        Write(profiler, stream);
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    public static void Write(Profiler profiler, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(profiler);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        var origin = long.MaxValue;
        foreach (var trace in profiler.Events)
        {
            origin = Math.Min(origin, trace.Start);
        }

        var step = 0;
        foreach (var trace in profiler.Events)
        {
            json.WriteStartObject();
            json.WriteString("name", trace.Launch?.Name ?? $"step {++step}");
            json.WriteString("cat", trace.Launch?.Phase.ToString() ?? "Step");
            json.WriteString("ph", "X");
            json.WriteNumber("ts", (trace.Start - origin) * Microseconds / Stopwatch.Frequency);
            json.WriteNumber("dur", trace.Ticks * Microseconds / Stopwatch.Frequency);
            json.WriteNumber("pid", 1);
            json.WriteNumber("tid", 1);
            if (trace is { Launch: { } launch, Ticks: > 0 })
            {
                Arguments(json, launch, trace.Ticks / (double)Stopwatch.Frequency);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Arguments(Utf8JsonWriter json, LaunchInfo launch, double seconds)
    {
        json.WriteStartObject("args");
        json.WriteString("operation", launch.Operation);
        json.WriteString("source", launch.Source);
        json.WriteNumber("GFLOP/s", launch.Flops / seconds / 1e9);
        json.WriteNumber("GB/s", launch.Bytes / seconds / 1e9);
        json.WriteEndObject();
    }
}
