using Ling;
using Mdl.Runtime.Devices;

namespace Mdl.Sample.Tests;

/// <summary>A process that is killed while it trains and saves leaves a checkpoint that loads.</summary>
public sealed class KillTests : IDisposable
{
    private const int Kills = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-kill-");

    [Fact]
    public void Killing_the_run_at_any_moment_leaves_a_checkpoint_to_resume_from()
    {
        var text = TextFiles.Write(_folder.FullName);
        var output = Path.Combine(_folder.FullName, "out");
        var checkpoint = Path.Combine(output, "checkpoint.safetensors");
        using var device = new Device(1);
        using var model = new LingNano(device);
        using var trainer = model.CreateTrainer(new() { Batch = 1, Length = 8 });

        // Saving takes most of the time of so small a step: kills at random moments hit it in most of its phases.
        var random = new Random(1);
        string[] arguments = ["--data", text, "--out", output, "--steps", "1000000", "--batch", "1", "--length", "8", "--threads", "1", "--checkpoint-every", "1", "--eval-every", "0", "--quiet"];
        long reached = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            using var process = SampleProcess.Start(kill == 0 ? arguments : [.. arguments, "--resume"]);
            WaitForNewCheckpoint(process, checkpoint);
            Thread.Sleep(random.Next(400));
            process.Kill();
            process.WaitForExit();

            trainer.Load(checkpoint);
            Assert.True(trainer.StepsDone > reached, $"after kill {kill + 1} the checkpoint is of step {trainer.StepsDone}, and {reached} was reached before");
            reached = trainer.StepsDone;
            var loaded = trainer.Evaluate(Enumerable.Repeat((int)'a', trainer.TokensPerBatch).ToArray());
            Assert.True(double.IsFinite(loaded.Nll));
        }

        // What the last kill left behind, a half-written temporary file included, does not keep a run from ending well.
        var (exitCode, _, error) = SampleProcess.Run(["--data", text, "--out", output, "--steps", $"{reached + 2}", "--threads", "1", "--generate", "0", "--quiet", "--resume"]);
        Assert.Equal((0, ""), (exitCode, error));
        trainer.Load(checkpoint);
        Assert.Equal(reached + 2, trainer.StepsDone);
        Assert.Equal(Enumerable.Range(1, (int)reached + 2), File.ReadLines(Path.Combine(output, "metrics.jsonl")).Select(StepOf));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void WaitForNewCheckpoint(System.Diagnostics.Process process, string path)
    {
        var before = File.GetLastWriteTimeUtc(path);
        var deadline = DateTime.UtcNow + Patience;
        while (File.GetLastWriteTimeUtc(path) == before)
        {
            Assert.False(process.HasExited, "the program ended by itself");
            Assert.True(DateTime.UtcNow < deadline, $"no checkpoint within {Patience}");
            Thread.Sleep(5);
        }
    }

    private static int StepOf(string line)
    {
        using var json = System.Text.Json.JsonDocument.Parse(line);
        return json.RootElement.GetProperty("step").GetInt32();
    }
}
