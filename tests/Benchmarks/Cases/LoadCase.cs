using System.Diagnostics;
using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>From the start of a process to the logits of one token, with weights that were quantised beforehand and lie in the system's page cache.</summary>
internal static class LoadCase
{
    private const double Mebibyte = 1 << 20;

    private static readonly (string Ours, string Peer)[] Formats = [("Int8", "int8"), ("Int4", "int4")];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        var folder = Directory.CreateTempSubdirectory("mdl-load-");
        try
        {
            foreach (var (format, peerFormat) in Formats)
            {
                var file = Path.Combine(folder.FullName, "model.safetensors");
                using (var writer = context.StartOwn())
                {
                    writer.Ask($"serve-save {format} {file}");
                }

                var (ours, memory) = (new List<double>(), new List<double>());
                var (peers, peerMemory) = (new List<double>(), new List<double>());
                var model = context.LlamaModel(peerFormat);
                // The first round brings the files into the page cache.
                for (var round = -1; round < context.Rounds; round++)
                {
                    var begin = Stopwatch.GetTimestamp();
                    using var worker = context.StartOwn();
                    var bytes = worker.AskAtOnce($"first-token {file}")[0];
                    var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
                    var peer = context.Llama is { } llama && model is not null ? llama.FirstToken(model) : default((double Seconds, double Bytes)?);
                    if (round >= 0)
                    {
                        ours.Add(seconds);
                        memory.Add(bytes / Mebibyte);
                        peers.AddRange(peer is { } p ? [p.Seconds] : []);
                        peerMemory.AddRange(peer is { } q ? [q.Bytes / Mebibyte] : []);
                    }
                }

                yield return Of($"Ling-mini layers, process start to first token, {format} file", "s", ours, peers);
                yield return Of($"  memory beyond the file, {format}", "MiB", memory, peerMemory);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Row Of(string what, string unit, List<double> ours, List<double> peers)
    {
        var figure = ours.Median();
        double? peer = peers.Count == 0 ? null : peers.Median();
        return new Row(what, unit, figure) { Peer = peer, Target = "1x llama.cpp", Reached = peer is { } other ? figure <= other : null };
    }
}
