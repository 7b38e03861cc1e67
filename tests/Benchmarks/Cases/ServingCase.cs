using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks.Cases;

/// <summary>Inference at the shapes of Ling-mini: one dense and three sparse layers, the whole vocabulary.</summary>
internal static class ServingCase
{
    private const int Prompt = 512;
    private const int Tokens = 64;
    private const int Sequences = 8;

    private static readonly (string Ours, string Peer, double Prefill, double Decode)[] Formats = [("Int8", "int8", 2, 1.2), ("Int4", "int4", 0, 1.1), ("BFloat16", "", 0, 0)];

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        foreach (var (format, peerFormat, prefill, decode) in Formats)
        {
            using var own = context.StartOwn();
            var rates = new List<double[]>();
            var peers = new List<(double Prefill, double Decode)>();
            var batches = new List<double>();
            own.Ask($"serve-begin {format}");
            var model = peerFormat.Length > 0 ? context.LlamaModel(peerFormat) : null;
            for (var round = 0; round < context.Rounds; round++)
            {
                var seconds = own.Ask($"serve {Prompt} {Tokens}");
                rates.Add([Prompt / seconds[0], 1 / seconds[1], Sequences / seconds[2]]);
                if (context.Llama is { } llama && model is not null)
                {
                    peers.Add(llama.Ask(model, Prompt, Tokens));
                    batches.AddRange(llama.Batch(model, Prompt, Tokens / 4, Sequences) is { } rate ? [rate] : []);
                }
            }

            double? Peer(Func<(double Prefill, double Decode), double> rate) => peers.Count == 0 ? null : peers.Select(rate).Median();
            Row Of(string what, int figure, double? peer, double target)
            {
                var ours = rates.Select(r => r[figure]).Median();
                return new Row($"{what}, {format} weights", "tokens/s", ours)
                {
                    Peer = peer, Target = target > 0 ? $"{target}x llama.cpp" : "", Reached = target > 0 && peer is { } other ? ours >= target * other : null,
                };
            }

            yield return Of($"Ling-mini layers, prompt of {Prompt}", 0, Peer(p => p.Prefill), prefill);
            yield return Of($"Ling-mini layers, a token after {Prompt}", 1, Peer(p => p.Decode), decode);
            yield return Of($"Ling-mini layers, {Sequences} sequences after {Prompt}", 2, batches.Count == 0 ? null : batches.Median(), batches.Count == 0 ? 0 : 1.3);
        }
    }
}
