using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>What the command line says.</summary>
public sealed record ChatOptions
{
    /// <summary>A Hugging Face folder, or null for random weights.</summary>
    public string? Model { get; init; }

    /// <summary>The shape of a model with random weights, or null for a folder.</summary>
    public string? Random { get; init; }

    /// <summary>How the model's matrices are held.</summary>
    public WeightFormat Weights { get; init; }

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
        Require(Model is null || Directory.Exists(Model), $"--model is {Model}; there is no such folder.");
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
