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
        using var process = Start("bench", model, prompt, tokens);
        var errors = process.StandardError.ReadToEndAsync();
        var lines = Regex.Matches(process.StandardOutput.ReadToEnd(), @"prefill ([\d.]+) tok/s\s+decode ([\d.]+) tok/s");
        process.WaitForExit();
        return lines.Count > 0
            ? (lines.Max(l => Number(l.Groups[1].Value)), lines.Max(l => Number(l.Groups[2].Value)))
            : throw new InvalidOperationException($"{program} printed no rates for {model}: {errors.Result.Trim()}");
    }

    /// <summary>
    /// Tokens a second of several sequences that take a token each in every step, after prompts of their own: <c>PROGRAM batch MODEL.gguf PROMPT TOKENS THREADS
    /// SEQUENCES</c> prints lines "batch N tok/s"; the best line, or null if the program does not know the request.
    /// </summary>
    public double? Batch(string model, int prompt, int tokens, int sequences)
    {
        using var process = Start("batch", model, prompt, tokens, sequences);
        _ = process.StandardError.ReadToEndAsync();
        var lines = Regex.Matches(process.StandardOutput.ReadToEnd(), @"batch ([\d.]+) tok/s");
        process.WaitForExit();
        return lines.Count > 0 ? lines.Max(l => Number(l.Groups[1].Value)) : null;
    }

    /// <summary>Seconds from the start of a process to the logits of its first token, and most bytes of memory that no file stands behind.</summary>
    public (double Seconds, double Bytes) FirstToken(string model)
    {
        var begin = Stopwatch.GetTimestamp();
        using var process = Start("bench", model, prompt: 1, tokens: 1);
        _ = process.StandardError.ReadToEndAsync();
        // Output to a pipe comes when the process ends: what it computed beyond the first token is taken off.
        var output = process.StandardOutput;
        var (peak, lines) = (0.0, new List<string>());
        var reading = Task.Run(() =>
        {
            while (output.ReadLine() is { } line)
            {
                lines.Add(line);
            }
        });
        while (!reading.Wait(TimeSpan.FromMilliseconds(2)))
        {
            peak = Math.Max(peak, Own.FirstToken.AnonymousMemory(Text(process.Id)));
        }

        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        process.WaitForExit();
        var rates = lines.SelectMany(l => Regex.Matches(l, @"prefill ([\d.]+) tok/s\s+decode ([\d.]+) tok/s")).Select(m => (1 / Number(m.Groups[1].Value)) + (1 / Number(m.Groups[2].Value))).ToArray();
        return rates.Length > 0
            ? (seconds - rates.Sum() + FirstOf(lines[0]), peak)
            : throw new InvalidOperationException($"{program} printed no rates for {model}");
    }

    private static double FirstOf(string line) => 1 / Number(Regex.Match(line, @"prefill ([\d.]+) tok/s").Groups[1].Value);

    private Process Start(string request, string model, int prompt, int tokens, int? sequences = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { request, model, Text(prompt), Text(tokens), Text(threads) })
        {
            start.ArgumentList.Add(argument);
        }

        if (sequences is { } count)
        {
            start.ArgumentList.Add(Text(count));
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"cannot start {program}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
