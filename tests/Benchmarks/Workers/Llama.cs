using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Mdl.Benchmarks.Workers;

/// <summary>
/// llama.cpp, through a program of the user's: <c>PROGRAM bench MODEL.gguf PROMPT TOKENS THREADS</c> prints lines "prefill N tok/s decode N tok/s", for
/// random tokens.
/// </summary>
internal sealed class Llama(string program, int threads)
{
    /// <summary>Tokens a second of a prompt and of the tokens after it; the best line.</summary>
    public (double Prefill, double Decode) Ask(string model, int prompt, int tokens)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "bench", model, Text(prompt), Text(tokens), Text(threads) })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {program}");
        var errors = process.StandardError.ReadToEndAsync();
        var lines = Regex.Matches(process.StandardOutput.ReadToEnd(), @"prefill ([\d.]+) tok/s\s+decode ([\d.]+) tok/s");
        process.WaitForExit();
        return lines.Count > 0
            ? (lines.Max(l => Number(l.Groups[1].Value)), lines.Max(l => Number(l.Groups[2].Value)))
            : throw new InvalidOperationException($"{program} printed no rates for {model}: {errors.Result.Trim()}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
