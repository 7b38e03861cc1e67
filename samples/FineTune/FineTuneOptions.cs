using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.FineTune;

/// <summary>What the command line says. Null means that it does not say: then a resumed checkpoint decides, or the default.</summary>
public sealed record FineTuneOptions
{
    public const int MostRank = 32;

    /// <summary>A Hugging Face folder or a checkpoint of this project.</summary>
    public string? Model { get; init; }

    /// <summary>The shape of a model with random weights.</summary>
    public string? Random { get; init; }

    public string? Data { get; init; }

    /// <summary>The rank of adapters; 0 trains all parameters.</summary>
    public int? Lora { get; init; }

    /// <summary>How the matrices that adapters leave frozen are held.</summary>
    public WeightFormat Weights { get; init; }

    public double? Rate { get; init; }

    public long? Steps { get; init; }

    public int? Batch { get; init; }

    public int? Length { get; init; }

    public ulong? Seed { get; init; }

    public bool Resume { get; init; }

    public required string Out { get; init; }

    public string? System { get; init; }

    public bool ForceTemplate { get; init; }

    /// <summary>A question to answer before and after; the first one held out if null.</summary>
    public string? Prompt { get; init; }

    public int EvalEvery { get; init; }

    public int CheckpointEvery { get; init; }

    public int? Threads { get; init; }

    public bool Quiet { get; init; }

    public required SamplingOptions Sampling { get; init; }

    public string CheckpointPath => Path.Combine(Out, "checkpoint.safetensors");

    public string MetricsPath => Path.Combine(Out, "metrics.jsonl");

    public string AdapterFolder => Path.Combine(Out, "adapter");

    /// <summary>Where a model that came from a folder goes.</summary>
    public string ModelFolder => Path.Combine(Out, "model");

    public string ModelPath => Path.Combine(Out, "model.safetensors");

    /// <exception cref="UsageException">The message names the option.</exception>
    public void Validate()
    {
        Require(Model is null || Random is null, "say either --model FOLDER or --random tiny|nano|mini4.");
        Require(Resume || Model is not null || Random is not null, "say --model FOLDER, or --random tiny to try without files.");
        Require(Resume || Data is not null, "say --data FILE: chat messages (.jsonl) or plain text.");
        Require(Model is null || Directory.Exists(Model) || File.Exists(Model), $"--model is {Model}; there is no such folder or file.");
        Require(Data is null || File.Exists(Data), $"--data is {Data}; there is no such file.");
        Require(Lora is null or (>= 1 and <= MostRank), $"--lora is {Lora}; the rank must be from 1 to {MostRank}.");
        Require(Weights == WeightFormat.Single || Lora is not null || Resume, "--weights other than f32 needs --lora: only frozen matrices can be held in a short format.");
        Require(Random != "mini4" || Lora is not null || Resume, "--random mini4 needs --lora: all of its parameters would not fit into the memory of most machines.");
        Require(Rate is null || (double.IsFinite(Rate.Value) && Rate > 0), FormattableString.Invariant($"--rate is {Rate}; it must be above 0."));
        Require(Steps is null or >= 1, $"--steps is {Steps}; it must be at least 1.");
        Require(Batch is null or >= 1, $"--batch is {Batch}; it must be at least 1.");
        Require(Length is null or >= 2, $"--length is {Length}; it must be at least 2.");
        Require(EvalEvery >= 0, $"--eval-every is {EvalEvery}; it must not be negative.");
        Require(CheckpointEvery >= 0, $"--checkpoint-every is {CheckpointEvery}; it must not be negative.");
        Require(Threads is null or (>= 1 and <= 1024), $"--threads is {Threads}; it must be from 1 to 1024.");
        Require(Prompt is not "", "--prompt is empty; it must have at least one character.");
        Require(Sampling.MaxTokens >= 0, $"--max-tokens is {Sampling.MaxTokens}; it must not be negative.");
        Require(!File.Exists(Out), $"--out is {Out}; it must be a folder, not a file.");
        try
        {
            Sampling.Validate();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new UsageException(message);
        }
    }
}
