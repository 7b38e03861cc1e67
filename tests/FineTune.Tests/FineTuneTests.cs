using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mdl.Runtime.Checkpoints;

namespace Ling.FineTune.Tests;

public sealed class FineTuneTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-tune-");

    public FineTuneTests()
    {
        // Seven questions with one answer each; the answer depends on the question, and is the same for all but its letter.
        File.WriteAllLines(Data, Enumerable.Range(0, 30).Select(i =>
            $$$"""{"messages":[{"role":"system","content":"s"},{"role":"user","content":"say {{{(char)('a' + (i % 7))}}}"},{"role":"assistant","content":"{{{new string((char)('a' + (i % 7)), 6)}}}"}]}"""));
    }

    private string Data => Path.Combine(_folder.FullName, "data.jsonl");

    private string Out => Path.Combine(_folder.FullName, "out");

    [Theory]
    [InlineData("")]
    [InlineData("--lora 8")]
    [InlineData("--lora 8 --weights int8")]
    public void Answers_are_learnt(string how)
    {
        string[] more = how.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (exitCode, output, error) = Run(["--random", "tiny", "--data", Data, "--steps", "60", "--batch", "4", "--length", "24", "--rate", "1e-2", "--max-tokens", "8", "--threads", "1", "--out", Out, .. more]);
        Assert.Equal((0, ""), (exitCode, error));
        var losses = Regex.Match(output, @"held-out loss after ([\d.]+), before ([\d.]+)");
        var (after, before) = (Number(losses.Groups[1].Value), Number(losses.Groups[2].Value));

        // Random weights give each of 320 tokens about the same chance: log(320) = 5.77. All parameters find the seven letters, log(7) = 1.95, and more; adapters
        // of attention alone can do little with a random head, which is frozen, but must do it.
        Assert.InRange(before, 5.6, 5.9);
        Assert.True(after < (how.Length == 0 ? 1.5 : before - 0.01), $"{after} after, {before} before");
        Assert.Contains("answer before: s | say c =>", output, StringComparison.Ordinal);
        Assert.Contains("answer after: s | say c =>", output, StringComparison.Ordinal);
        var lines = File.ReadAllLines(Path.Combine(Out, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(Enumerable.Range(1, 60), lines.Select(l => l.GetProperty("step").GetInt32()));
        Assert.Equal(2, lines.Count(l => l.TryGetProperty("held_out", out _)));
        var result = Path.Combine(Out, "model.safetensors");
        Assert.Equal(!how.Contains("int8", StringComparison.Ordinal), File.Exists(result));
        if (File.Exists(result))
        {
            using var model = SafetensorsFile.Open(result);
            Assert.DoesNotContain(model.Tensors.Keys, k => k.Contains("lora", StringComparison.Ordinal));
        }

        Assert.Equal(how.Length > 0, File.Exists(Path.Combine(Out, "adapter", "adapter_model.safetensors")));
        if (how.Length > 0)
        {
            using var adapter = SafetensorsFile.Open(Path.Combine(Out, "adapter", "adapter_model.safetensors"));
            Assert.Equal([8, 64], adapter.Tensors["base_model.model.model.layers.2.attention.query_key_value.lora_A.weight"].Shape);
            Assert.Equal([64, 8], adapter.Tensors["base_model.model.model.layers.0.attention.dense.lora_B.weight"].Shape);
            Assert.Equal(12, adapter.Tensors.Count);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("--lora 4")]
    [InlineData("--lora 4 --weights int4")]
    public void A_resumed_run_ends_with_the_same_bits(string how)
    {
        string[] more = how.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var whole = Path.Combine(_folder.FullName, "whole");
        string[] arguments = ["--random", "tiny", "--data", Data, "--batch", "2", "--length", "24", "--rate", "1e-3", "--max-tokens", "0", "--quiet", .. more];
        Assert.Equal((0, "", ""), Run([.. arguments, "--steps", "80", "--threads", "1", "--out", whole]));

        // Killed some time after a checkpoint: what it did since then is lost, and done again by another number of threads.
        using (var process = FineTuneProcess.Start([.. arguments, "--steps", "80", "--threads", "1", "--out", Out, "--checkpoint-every", "2"]))
        {
            for (var i = 0; i < 600 && !File.Exists(Path.Combine(Out, "checkpoint.safetensors")) && !process.HasExited; i++)
            {
                Thread.Sleep(100);
            }

            process.Kill();
            process.WaitForExit();
        }

        Assert.Equal((0, "", ""), Run(["--resume", "--out", Out, "--threads", "2", "--quiet", "--max-tokens", "0"]));
        var result = how.Length > 0 ? Path.Combine("adapter", "adapter_model.safetensors") : "model.safetensors";
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, result)), File.ReadAllBytes(Path.Combine(Out, result)));
        Assert.Equal(Enumerable.Range(1, 80), File.ReadLines(Path.Combine(Out, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("step").GetInt32()));
        var (exitCode, _, error) = Run(["--resume", "--lora", "9", "--out", Out]);
        Assert.Equal(1, exitCode);
        Assert.Contains("it cannot go on with others", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Plain_text_is_learnt_from_a_model_that_was_saved()
    {
        var text = Path.Combine(_folder.FullName, "text.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat; ", 60)));
        Assert.Equal((0, "", ""), Run(["--random", "nano", "--data", text, "--steps", "2", "--batch", "2", "--length", "24", "--quiet", "--max-tokens", "0", "--out", Out]));
        var again = Path.Combine(_folder.FullName, "again");
        var (exitCode, output, error) = Run(
            ["--model", Path.Combine(Out, "model.safetensors"), "--data", text, "--lora", "2", "--steps", "2", "--batch", "2", "--length", "24", "--max-tokens", "4", "--prompt", "the", "--out", again]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("LingNano", output, StringComparison.Ordinal);
        Assert.Contains("answer after: the =>", output, StringComparison.Ordinal);
        Assert.Contains("1296 of 1350", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--lora 4")]
    public void A_folder_comes_back_as_a_folder(string how)
    {
        var source = Path.Combine(_folder.FullName, "base");
        using (var fresh = LingFull.LingTiny.Create(seed: 3))
        {
            fresh.SaveFolder(source, new() { Type = TensorType.Single });
        }

        string[] arguments =
        [
            "--model", source, "--data", Data, "--steps", "10", "--batch", "4", "--length", "40", "--rate", "1e-2", "--max-tokens", "4", "--threads", "1", "--out", Out,
            .. how.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ];
        var (exitCode, _, error) = Run(arguments);
        Assert.Equal(1, exitCode);
        Assert.Contains("there is no tokenizer.json, and the model's 320 tokens are not bytes", error, StringComparison.Ordinal);

        File.WriteAllText(Path.Combine(source, "tokenizer.json"), TinyTokenizer.Json);
        arguments[Array.IndexOf(arguments, "--length") + 1] = "100";
        (exitCode, var output, error) = Run(arguments);
        Assert.Equal((0, ""), (exitCode, error));

        // <role>SYSTEM</role>s, a line feed, detailed thinking off<|role_end|><role>HUMAN</role>say c<|role_end|><role>ASSISTANT</role>: markup is no text.
        Assert.Contains("answer after: SYSTEMs | detailed thinking offHUMANsay cASSISTANT =>", output, StringComparison.Ordinal);

        // Of 30 answers three are held out; each has six letters and the end of the message.
        Assert.Contains($"27 examples, 3 held out; {27 * 7} of", output, StringComparison.Ordinal);
        using var tuned = LingFull.LingTiny.Load(Path.Combine(Out, "model"));
        using var before = LingFull.LingTiny.Load(source);
        Assert.NotEqual(before.Forward([1, 2, 3]), tuned.Forward([1, 2, 3]));
        Assert.True(File.Exists(Path.Combine(Out, "model", "tokenizer.json")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static (int ExitCode, string Output, string Error) Run(string[] arguments) => FineTuneProcess.Run(arguments);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
