using Ling;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;

namespace Mdl.Sample.Tests;

/// <summary>What a user can get wrong is told in one line that names it; nothing is overwritten.</summary>
public sealed class BadInputTests(BadInputFiles files) : IClassFixture<BadInputFiles>
{
    public static TheoryData<string, string, string> Cases => new()
    {
        { "missing text", "--data {root}/nowhere.txt", "nowhere.txt: there is no such file or folder" },
        { "empty text", "--data {root}/empty.txt", "empty.txt: is empty" },
        { "binary text", "--data {root}/binary.txt", "binary.txt: " },
        { "tiny text", "--data {root}/tiny.txt", "tiny.txt: is too small" },
        { "no steps", "--data {root}/text.txt --steps 0", "--steps is 0; it must be at least 1" },
        { "half a step", "--data {root}/text.txt --steps 1.5", "--steps is '1.5'; it must be a whole number" },
        { "unknown option", "--data {root}/text.txt --stepz 3", "--stepz" },
        { "temperature", "--data {root}/text.txt --temperature -1", "temperature is -1" },
        { "output is a file", "--data {root}/text.txt --out {root}/text.txt", "text.txt; it must be a folder, not a file" },
        { "output below a file", "--data {root}/text.txt --out {root}/text.txt/out", "text.txt/out; it must be a folder that can be written to" },
        { "no name of a text", "--data ", "--data is \"\"; it must be a file or a folder" },
        { "seed below zero", "--data {root}/text.txt --seed -1", "--seed is '-1'; it must be between 0 and 18446744073709551615" },
        { "batch beyond memory", "--data {root}/text.txt --batch 8000000", "Batches of 8000000 x 64 tokens take too much memory" },
        { "missing checkpoint", "--data {root}/text.txt --resume {root}/nothing.safetensors", "nothing.safetensors: there is no checkpoint" },
        { "checkpoint of another model", "--data {root}/text.txt --resume {root}/other.safetensors", "other.safetensors: " },
        { "model without optimizer", "--data {root}/text.txt --resume {root}/model.safetensors", "model.safetensors: " },
        { "truncated checkpoint", "--data {root}/text.txt --resume {root}/truncated.safetensors", "truncated.safetensors: " },
        { "text as checkpoint", "--data {root}/text.txt --resume {root}/text.txt", "text.txt: not a safetensors file" },
        { "hostile header", "--data {root}/text.txt --resume {root}/hostile.safetensors", "hostile.safetensors: not a safetensors file" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_told_in_one_line(string what, string arguments, string message)
    {
        Assert.NotEmpty(what);
        var before = files.Outputs();
        string[] given = arguments.Replace("{root}", files.Root, StringComparison.Ordinal).Split(' ');
        string[] batch = given.Contains("--batch") ? [] : ["--batch", "1"];
        string[] output = given.Contains("--out") ? [] : ["--out", files.Output];
        var (exitCode, printed, error) = SampleProcess.Run([.. given, .. output, .. batch, "--length", "64", "--threads", "1"]);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.ReplaceLineEndings("\n").IndexOf('\n', StringComparison.Ordinal));
        Assert.Equal("", printed);
        Assert.Equal(before, files.Outputs());
    }

    [Fact]
    public void A_diverged_run_keeps_the_last_checkpoint()
    {
        var before = files.Outputs()["checkpoint.safetensors"];
        var (exitCode, _, error) = SampleProcess.Run(
            "--data", Path.Combine(files.Root, "text.txt"), "--out", files.Output, "--batch", "1", "--length", "64", "--threads", "1", "--steps", "50", "--warmup", "0", "--learning-rate", "1e30", "--quiet");
        Assert.Equal(1, exitCode);
        Assert.Matches("^error: .*(loss|gradient norm).*\n$", error);
        Assert.Equal(before, files.Outputs()["checkpoint.safetensors"]);
    }
}

/// <summary>Good and bad files, and an output folder that an earlier run has filled.</summary>
public sealed class BadInputFiles : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mdl-bad-");

    public unsafe BadInputFiles()
    {
        TextFiles.Write(Root);
        File.WriteAllText(InRoot("empty.txt"), "");
        File.WriteAllText(InRoot("tiny.txt"), "Too little.\n");
        var bytes = new byte[4096];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(InRoot("binary.txt"), bytes);

        using var device = new Device(1);
        using var model = LingNano.Create(device);
        using var trainer = model.CreateTrainer(new() { Batch = 1, Length = 8 });
        model.Save(InRoot("model.safetensors"));
        trainer.Save(InRoot("whole.safetensors"));
        var whole = File.ReadAllBytes(InRoot("whole.safetensors"));
        File.WriteAllBytes(InRoot("truncated.safetensors"), whole[..(whole.Length * 2 / 3)]);
        File.WriteAllBytes(InRoot("hostile.safetensors"), [0, 0, 0, 0, 0, 0, 0, 0x7f, .. whole[8..1000]]);

        var other = new SafetensorsWriter();
        other.SetMetadata("step", "3");
        other.Add("embed.weight", new Tensor(model.Weights, [2, 3]));
        other.Save(InRoot("other.safetensors"));

        Directory.CreateDirectory(Output);
        foreach (var name in (string[])["checkpoint.safetensors", "metrics.jsonl", "loss.png", "experts.png", "sample.txt"])
        {
            File.WriteAllText(Path.Combine(Output, name), $"the {name} of an earlier run");
        }
    }

    public string Root => _folder.FullName;

    public string Output => Path.Combine(Root, "out");

    /// <summary>Name and contents of all files in the output folder.</summary>
    public SortedDictionary<string, string> Outputs() =>
        new(Directory.EnumerateFiles(Output).ToDictionary(f => Path.GetFileName(f), File.ReadAllText), StringComparer.Ordinal);

    public void Dispose() => _folder.Delete(recursive: true);

    private string InRoot(string name) => Path.Combine(Root, name);
}
