using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>What the command line says.</summary>
public sealed record ChatOptions
{
    /// <summary>A Hugging Face folder or a file that <see cref="SaveWeights"/> made, or null for random weights.</summary>
    public string? Model { get; init; }

    /// <summary>The folder of the tokenizer; the one of the model if null.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>The shape of a model with random weights, or null for a folder.</summary>
    public string? Random { get; init; }

    /// <summary>How the model's matrices are held; null for as a file holds them, and for bfloat16 where they come from elsewhere.</summary>
    public WeightFormat? Weights { get; init; }

    /// <summary>The file to write the weights to, as they are held, instead of answering; or null.</summary>
    public string? SaveWeights { get; init; }

    /// <summary>Tell how far each tensor is off what the folder has.</summary>
    public bool Report { get; init; }

    public string? System { get; init; }

    public bool Think { get; init; }

    /// <summary>Use Ling's chat format whatever the folder declares.</summary>
    public bool ForceTemplate { get; init; }

    /// <summary>A single question; a conversation if null.</summary>
    public string? Prompt { get; init; }

    public int MaxTokens { get; init; }

    /// <summary>The most tokens of a conversation.</summary>
    public int Context { get; init; }

    public int? Threads { get; init; }

    public required SamplingOptions Sampling { get; init; }

    /// <exception cref="UsageException">The message names the option.</exception>
    public void Validate()
    {
        Require((Model is null) != (Random is null), "say either --model FOLDER or --random mini4|tiny.");
        Require(Model is null || Directory.Exists(Model) || File.Exists(Model), $"--model is {Model}; there is no such folder and no such file.");
        Require(Tokenizer is null || Directory.Exists(Tokenizer), $"--tokenizer is {Tokenizer}; there is no such folder.");
        Require(!Report || Model is not null, "--report tells errors against a checkpoint; give one with --model.");
        Require(MaxTokens >= 1, $"--max-tokens is {MaxTokens}; it must be at least 1.");
        Require(Context >= 2, $"--context is {Context}; it must be at least 2.");
        Require(Threads is null or (>= 1 and <= 1024), $"--threads is {Threads}; it must be from 1 to 1024.");
        Require(Prompt is not "", "--prompt is empty; it must have at least one character.");
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
