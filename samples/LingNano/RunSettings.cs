using System.Globalization;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Data;
using Mdl.Runtime.Models;
using Mdl.Runtime.Training;

namespace Ling.Sample;

/// <summary>What decides a run's bits. It is stored in the checkpoint, so that resuming needs no option but <c>--resume</c>.</summary>
public sealed record RunSettings(long Steps, int Batch, int Length, ulong Seed, string DataFingerprint)
{
    /// <summary>The options, completed from a checkpoint's metadata or the defaults.</summary>
    public static RunSettings From(RunOptions options, IReadOnlyDictionary<string, string> metadata, string fingerprint) => new(
        options.Steps ?? Stored(metadata, "steps", RunOptions.DefaultSteps),
        options.Batch ?? (int)Stored(metadata, "batch", RunOptions.DefaultBatch),
        options.Length ?? (int)Stored(metadata, "length", RunOptions.DefaultLength),
        options.Seed ?? (ulong)Stored(metadata, "seed", 0),
        fingerprint);

    /// <summary>The metadata of the checkpoint to resume from; empty for a new run.</summary>
    /// <exception cref="UsageException">There is no checkpoint.</exception>
    /// <exception cref="SafetensorsException">It is damaged.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(RunOptions options)
    {
        if (!options.Resume)
        {
            return new Dictionary<string, string>();
        }

        var path = options.ResumeFrom ?? options.CheckpointPath;
        if (!File.Exists(path))
        {
            throw new UsageException($"{path}: there is no checkpoint to resume from.");
        }

        using var file = SafetensorsFile.Open(path);
        return file.Metadata;
    }

    public Dictionary<string, string> ToMetadata() => new()
    {
        ["steps"] = Steps.ToString(CultureInfo.InvariantCulture),
        ["batch"] = Batch.ToString(CultureInfo.InvariantCulture),
        ["length"] = Length.ToString(CultureInfo.InvariantCulture),
        ["seed"] = ((long)Seed).ToString(CultureInfo.InvariantCulture),
        ["data"] = DataFingerprint,
    };

    public TrainingOptions ToTraining(ModelInfo info, RunOptions options)
    {
        var model = info.Train;
        return new TrainingOptions
        {
            Batch = Batch,
            Length = Length,
            Steps = Steps,
            Settings = model with
            {
                LearningRate = options.LearningRate ?? model.LearningRate,
                Schedule = options.Schedule ?? model.Schedule,
                // A warm-up made for a long run would leave a short one nothing but warm-up.
                Warmup = options.Warmup ?? (int)Math.Min(model.Warmup, Steps / 10),
            },
        };
    }

    /// <summary>A note for the user if the text is not the one the checkpoint was trained on; null otherwise.</summary>
    public string? DataNote(IReadOnlyDictionary<string, string> metadata, TextCorpus corpus) =>
        metadata.TryGetValue("data", out var stored) && stored != DataFingerprint
            ? $"note: {corpus.Name} is not the text that the checkpoint was trained on"
            : null;

    private static long Stored(IReadOnlyDictionary<string, string> metadata, string key, long fallback) =>
        metadata.TryGetValue(key, out var text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : fallback;
}
