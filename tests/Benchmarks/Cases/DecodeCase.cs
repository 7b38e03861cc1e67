using Mdl.Benchmarks.Reports;
using Mdl.Benchmarks.Workers;

namespace Mdl.Benchmarks.Cases;

/// <summary>Tokens drawn one by one through the key/value cache, one sequence; the row shows the middle round.</summary>
internal static class DecodeCase
{
    private const int Prompt = 64;
    private const int Tokens = 256;

    public static IEnumerable<Row> Run(BenchmarkContext context)
    {
        using var own = context.StartOwn();
        var rates = Enumerable.Range(0, context.Rounds).Select(_ => 1 / Ask(own)[0]).ToArray();
        yield return new Row($"decoding LingNano after {Prompt} tokens", "tokens/s", rates.Median());
    }

    /// <summary>Seconds of a token, and managed bytes of a token.</summary>
    public static double[] Ask(Worker own) => own.Ask($"decode {Prompt} {Tokens}");
}
