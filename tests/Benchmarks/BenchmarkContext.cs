using System.Reflection;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks;

/// <summary>What cases need to know: how long to measure, and how to start the processes that are measured.</summary>
internal sealed class BenchmarkContext(int threads, int rounds, bool alone, string? llama = null, IReadOnlyList<string>? llamaModels = null)
{
    /// <summary>llama.cpp, if the user has it.</summary>
    public Llama? Llama { get; } = llama is null ? null : new Llama(llama, threads);

    /// <summary>A model for it, by the format of its weights, or null.</summary>
    public string? LlamaModel(string format) =>
        llamaModels?.FirstOrDefault(m => m.StartsWith(format + "=", StringComparison.Ordinal)) is { } found ? found[(format.Length + 1)..] : null;

    public int Threads { get; } = threads;

    /// <summary>How often the two sides take turns.</summary>
    public int Rounds { get; } = rounds;

    public string PeerPath { get; } = Path.GetFullPath(
        typeof(BenchmarkContext).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Peer").Value!);

    public bool HasPeer => !alone && File.Exists(PeerPath);

    /// <summary>A fresh process of ours.</summary>
    public Worker StartOwn() => Worker.Start("Mdl", typeof(BenchmarkContext).Assembly.Location, "worker", $"{Threads}");

    /// <summary>A process as the compiler's server is, in which source generators run: its runtimeconfig.json asks for the collector of servers.</summary>
    public Worker StartCompiler() => Worker.Start("Mdl", typeof(BenchmarkContext).Assembly.Location, [("DOTNET_gcServer", "1")], "worker", $"{Threads}");

    /// <summary>A fresh process of libtorch, or null where it has not been built.</summary>
    public Worker? StartPeer() => HasPeer ? Worker.Start("libtorch", PeerPath, $"{Threads}") : null;
}
