using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Mdl.Sample.Tests;

/// <summary>What the program says of a step before the first one, beside what the step takes.</summary>
public sealed partial class PlanTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-plan-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_document_of_the_kernels_is_that_of_the_plan()
    {
        var made = In("kernels.md");
        var (exit, _, error) = SampleProcess.Run("--plan", "--markdown", made);
        Assert.Equal((0, ""), (exit, error));
        var kept = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "kernels.md")).ReplaceLineEndings("\n");
        Assert.Equal(kept, File.ReadAllText(made));
    }

    /// <summary>
    /// The pages that the process holds at most, beyond those before the model was made: the allocators' own counts would be the plan's sizes again.
    /// </summary>
    [Fact]
    public void The_plan_tells_the_memory_within_a_tenth()
    {
        var data = In("data.txt");
        File.WriteAllText(data, string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog. ", 4000)));
        var (exit, output, error) = SampleProcess.Run(
            "--profile", "--data", data, "--steps", "3", "--generate", "0", "--eval-every", "0", "--out", In("out"));
        Assert.Equal((0, ""), (exit, error));
        var line = MemoryLine().Match(output);
        Assert.True(line.Success, output);
        var (planned, measured) = (Number(line, 1), Number(line, 2));
        Assert.InRange(measured, planned * 0.9, planned * 1.1);

        using var trace = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(In("out"), "trace.json")));
        Assert.Equal(2, trace.RootElement.GetProperty("traceEvents").EnumerateArray().Count(e => e.GetProperty("cat").GetString() == "Step"));
    }

    /// <summary>All pages of the process, the runtime's own and the text included, with a text of a few bytes and with the default one, which is parsed.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_plan_tells_the_peak_of_the_process_within_a_tenth(bool isDefaultText)
    {
        string[] data = isDefaultText ? [] : ["--data", TextFiles.Write(_folder.FullName, lines: 4000)];
        var (exit, output, error) = SampleProcess.Run(["--plan", .. data]);
        Assert.Equal((0, ""), (exit, error));
        var total = TotalLine().Match(output);
        Assert.True(total.Success, output);

        (exit, output, error) = SampleProcess.Run(["--steps", "2", "--generate", "0", "--eval-every", "0", "--out", In("out"), .. data]);
        Assert.Equal((0, ""), (exit, error));
        var peak = PeakLine().Match(output);
        Assert.True(peak.Success, output);
        var (planned, measured) = (Number(total, 1), Number(peak, 1));
        Assert.InRange(planned, measured * 0.9, measured * 1.1);
    }

    [Theory]
    [InlineData(16, 256)]
    [InlineData(3, 37)]
    public void Buffers_that_are_alive_together_share_no_address(int batch, int length)
    {
        var plan = Ling.LingNano.PlanTraining(batch, length, threads: 2);
        for (var i = 0; i < plan.Buffers.Count; i++)
        {
            var a = plan.Buffers[i];
            Assert.InRange(plan.OffsetOf(i) + a.Bytes, 0, plan.ArenaBytes);
            for (var j = 0; j < i; j++)
            {
                var b = plan.Buffers[j];
                var together = a.First <= b.Last && b.First <= a.Last;
                Assert.False(
                    together && plan.OffsetOf(i) < plan.OffsetOf(j) + b.Bytes && plan.OffsetOf(j) < plan.OffsetOf(i) + a.Bytes, $"{a.Name} and {b.Name} overlap");
            }
        }
    }

    [Fact]
    public void Planning_allocates_no_arena()
    {
        // A thousand times the memory of any machine: a plan is arithmetic only.
        var (exit, output, error) = SampleProcess.Run("--plan", "--batch", "1000000", "--length", "256");
        Assert.Equal((0, ""), (exit, error));
        Assert.Contains("adamW", output, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private static double Number(Match line, int group) => double.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^total\s+([\d.]+) MiB", RegexOptions.Multiline)]
    private static partial Regex TotalLine();

    [GeneratedRegex(@"peak memory ([\d.]+) MiB")]
    private static partial Regex PeakLine();

    [GeneratedRegex(@"memory  planned ([\d.]+) MiB, taken ([\d.]+) MiB")]
    private static partial Regex MemoryLine();
}
