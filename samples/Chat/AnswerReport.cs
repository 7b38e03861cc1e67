using Mdl.Runtime.Generation;

namespace Ling.Chat;

/// <summary>What an answer took. The first token comes with the question; only the others count as decoded.</summary>
public sealed record AnswerReport(int PromptTokens, TimeSpan Prefill, int Tokens, TimeSpan Decode, StopReason Stop)
{
    public string Describe(long cacheBytes, long weightBytes) => FormattableString.Invariant(
        $"prefill {PromptTokens} tokens, {PromptTokens / Prefill.TotalSeconds:F1} tokens/s; decode {Tokens} tokens, {Speed()} tokens/s; weights {weightBytes / 1048576.0:F1} MiB, cache and activations {cacheBytes / 1048576.0:F1} MiB, process {Environment.WorkingSet / 1048576.0:F0} MiB{Ending()}");

    private string Speed() => Tokens > 1 ? FormattableString.Invariant($"{(Tokens - 1) / Decode.TotalSeconds:F1}") : "-";

    private string Ending() => Stop switch
    {
        StopReason.MaxTokens => "; cut at --max-tokens",
        StopReason.Capacity => "; cut at --context",
        StopReason.StopToken => "",
        _ => "; stopped",
    };
}
