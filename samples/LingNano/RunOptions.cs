using Mdl.Runtime.Generation;

namespace Ling.Sample;

/// <summary>What the command line says. Null means that it does not say: then a resumed checkpoint decides, or the default.</summary>
public sealed record RunOptions
{
    public const int DefaultSteps = 400;
    public const int DefaultBatch = 16;
    public const int DefaultLength = 256;

    public string? Data { get; init; }

    public long? Steps { get; init; }

    public int? Batch { get; init; }

    public int? Length { get; init; }

    public ulong? Seed { get; init; }

    public bool Resume { get; init; }

    /// <summary>The checkpoint to resume from; the one under <see cref="Out"/> if null.</summary>
    public string? ResumeFrom { get; init; }

    public string? Prompt { get; init; }

    public required string Out { get; init; }

    public bool Quiet { get; init; }

    public int? Threads { get; init; }

    public double? LearningRate { get; init; }

    public string? Schedule { get; init; }

    public int? Warmup { get; init; }

    public int EvalEvery { get; init; }

    public int CheckpointEvery { get; init; }

    public int Generate { get; init; }

    /// <summary>The most bytes that multi-token prediction drafts in the comparison of decoding; 0 for none.</summary>
    public int Speculate { get; init; }

    /// <summary>Show what a step takes and train nothing.</summary>
    public bool Plan { get; init; }

    /// <summary>Write the plan's kernels to this file.</summary>
    public string? Markdown { get; init; }

    /// <summary>Take the time of every kernel.</summary>
    public bool Profile { get; init; }

    public required SamplingOptions Sampling { get; init; }

    public string CheckpointPath => Path.Combine(Out, "checkpoint.safetensors");

    public string MetricsPath => Path.Combine(Out, "metrics.jsonl");

    public string LossPlotPath => Path.Combine(Out, "loss.png");

    public string ExpertPlotPath => Path.Combine(Out, "experts.png");

    public string TracePath => Path.Combine(Out, "trace.json");

    public string SamplePath => Path.Combine(Out, "sample.txt");

    /// <summary>Throws for what no run can have.</summary>
    /// <exception cref="UsageException">The message names the option.</exception>
    public void Validate()
    {
        Require(Data is not "", "--data", "\"\"", "a file or a folder");
        Require(Out is not "", "--out", "\"\"", "a folder");
        Require(Steps is null or >= 1, "--steps", Steps, "at least 1");
        Require(Batch is null or >= 1, "--batch", Batch, "at least 1");
        Require(Length is null or >= 1, "--length", Length, "at least 1");
        Require(Threads is null or (>= 1 and <= 1024), "--threads", Threads, "from 1 to 1024");
        Require(LearningRate is null || (double.IsFinite(LearningRate.Value) && LearningRate > 0), "--learning-rate", LearningRate, "above 0");
        Require(Warmup is null or >= 0, "--warmup", Warmup, "not negative");
        Require(EvalEvery >= 0, "--eval-every", EvalEvery, "not negative");
        Require(CheckpointEvery >= 0, "--checkpoint-every", CheckpointEvery, "not negative");
        Require(Generate >= 0, "--generate", Generate, "not negative");
        Require(Speculate is >= 0 and <= 3, "--speculate", Speculate, "from 0 to 3");
        Require(Prompt is not "", "--prompt", "\"\"", "at least one character");
        Require(Markdown is null || Plan, "--markdown", Markdown, "used with --plan");
        Require(!File.Exists(Out), "--out", Out, "a folder, not a file");
        try
        {
            Sampling.Validate();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static void Require(bool holds, string option, object? value, string range)
    {
        if (!holds)
        {
            throw new UsageException(FormattableString.Invariant($"{option} is {value}; it must be {range}."));
        }
    }
}
