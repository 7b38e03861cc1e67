using System.Text.Json;
using SkiaSharp;

namespace Mdl.Sample.Tests;

/// <summary>A whole run as a user sees it, its output redirected.</summary>
public sealed class RunTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-run-");

    [Fact]
    public void A_run_tells_in_plain_lines_and_leaves_checkpoint_metrics_pictures_and_text()
    {
        var output = Path.Combine(_folder.FullName, "out");
        var (exitCode, told, error) = SampleProcess.Run([.. Arguments(output, 4), "--eval-every", "2", "--generate", "20", "--prompt", "häuser "]);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.DoesNotContain('\u001b', told);
        Assert.Matches(@"(?m)^ +entropy \d\.\d+ nats a byte .*, given the byte before \d\.\d+ ", told);
        Assert.Matches(@"(?m)^step 1/4  loss \d\.\d+  mtp \d\.\d+  lr .* tokens/s  max expert load \d+\.\d+x  left 0:\d\d$", told);
        Assert.Matches(@"(?m)^step 4/4 .*  held-out \d\.\d+$", told);
        Assert.Matches(@"(?m)^held-out loss \d\.\d+ nats a byte .* unigram entropy \d\.\d+, bigram entropy \d\.\d+$", told);

        var steps = File.ReadLines(Path.Combine(output, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([1, 2, 3, 4], steps.Select(s => s.GetProperty("step").GetInt32()));
        foreach (var name in new[] { "loss.png", "experts.png" })
        {
            using var picture = SKBitmap.Decode(Path.Combine(output, name));
            Assert.InRange(picture.Width, 500, 3000);
            Assert.True(picture.Pixels.Distinct().Count() > 10, $"{name} is all of few colours");
        }

        Assert.StartsWith("häuser ", File.ReadAllText(Path.Combine(output, "sample.txt")), StringComparison.Ordinal);
        Assert.Contains("häuser ", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resumed_run_leaves_the_bytes_of_one_without_a_stop()
    {
        var (whole, parts) = (Path.Combine(_folder.FullName, "whole"), Path.Combine(_folder.FullName, "parts"));
        string[] quiet = ["--schedule", "constant", "--warmup", "0", "--eval-every", "0", "--generate", "0", "--quiet"];
        Assert.Equal((0, "", ""), SampleProcess.Run([.. Arguments(whole, 4), .. quiet]));
        Assert.Equal((0, "", ""), SampleProcess.Run([.. Arguments(parts, 2), .. quiet]));
        Assert.Equal((0, "", ""), SampleProcess.Run([.. Arguments(parts, 4), .. quiet, "--resume"]));
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "checkpoint.safetensors")), File.ReadAllBytes(Path.Combine(parts, "checkpoint.safetensors")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string[] Arguments(string output, int steps) =>
        ["--data", TextFiles.Write(_folder.FullName), "--out", output, "--steps", $"{steps}", "--batch", "2", "--length", "32", "--threads", "2", "--seed", "3"];
}
